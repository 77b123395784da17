"""The generator of pix2pix: the peer that PMSGAN's paper compares with first.

P. Isola, J.-Y. Zhu, T. Zhou, A. A. Efros, "Image-to-Image Translation with Conditional Adversarial
Networks", CVPR 2017, section 6.1: C64-C128-C256-C512-C512-C512-C512-C512 and back, with skips and
with dropout in the three coarsest levels on the way back.

The paper has batch normalisation with the statistics of the batch itself, in tests as well, and
batches of one picture. That is instance normalisation, which stands here: a result does not depend
on the other pictures of a batch. Dropout is for training alone here, so that a picture has one
result.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from pmsgan.model.config import UNET_LEVELS, UNetConfig, check_sides

NUM_DROPOUTS = 3
DROPOUT = 0.5


class InstanceNorm(nn.InstanceNorm2d):
    """Instance normalisation with a learned scale, which computes in float32 whatever comes in."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, affine=True)

    def forward(self, features: Tensor) -> Tensor:
        """Normalise [N, C, H, W]."""
        assert self.weight is not None
        assert self.bias is not None
        return functional.instance_norm(
            features.float(), weight=self.weight.float(), bias=self.bias.float(), eps=self.eps
        ).to(features.dtype)


class UNet(nn.Module):
    """Translate a picture through 8 levels, each of half the sides."""

    def __init__(self, config: UNetConfig | None = None) -> None:
        """Build the layers with torch's initial weights; by default 54.4 million."""
        super().__init__()
        self.config = config or UNetConfig()
        base = self.config.base_channels
        widths = [min(2**level, 8) * base for level in range(UNET_LEVELS)]
        last = UNET_LEVELS - 1
        self.down = nn.ModuleList(
            _halve(before, after, is_first=level == 0, is_last=level == last)
            for level, (before, after) in enumerate(zip([3, *widths], widths, strict=False))
        )
        self.up = nn.ModuleList(
            _double(
                widths[level] * (1 if level == last else 2),
                widths[level - 1],
                has_dropout=level > last - NUM_DROPOUTS,
            )
            for level in range(last, 0, -1)
        )
        self.to_rgb = nn.Sequential(
            nn.ReLU(), nn.ConvTranspose2d(2 * widths[0], 3, 4, stride=2, padding=1), nn.Tanh()
        )

    def forward(self, image: Tensor) -> tuple[Tensor]:
        """Translate RGB pictures.

        Args:
            image: float [N, 3, H, W], RGB in [-1, 1]; H and W are multiples of 256.

        Returns:
            One picture, float [N, 3, H, W], RGB in [-1, 1].

        Raises:
            ConfigError: a side is not such a multiple.
        """
        check_sides(image.shape[-2], image.shape[-1], self.config.side_multiple)
        skips: list[Tensor] = []
        for down in self.down:
            image = down(image)
            skips.append(image)
        skips.pop()
        for up in self.up:
            image = torch.cat([up(image), skips.pop()], dim=1)
        return (self.to_rgb(image),)


def _halve(before: int, after: int, *, is_first: bool, is_last: bool) -> nn.Sequential:
    has_norm = not (is_first or is_last)
    layers: list[nn.Module] = [] if is_first else [nn.LeakyReLU(0.2)]
    layers.append(nn.Conv2d(before, after, 4, stride=2, padding=1, bias=not has_norm))
    return nn.Sequential(*layers, *([InstanceNorm(after)] if has_norm else []))


def _double(before: int, after: int, *, has_dropout: bool) -> nn.Sequential:
    return nn.Sequential(
        nn.ReLU(),
        nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False),
        InstanceNorm(after),
        *([nn.Dropout(DROPOUT)] if has_dropout else []),
    )
