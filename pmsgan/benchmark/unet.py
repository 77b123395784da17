"""The U-Net of pix2pix: the peer that PMSGAN's paper compares its size and speed with.

P. Isola, J.-Y. Zhu, T. Zhou, A. A. Efros, "Image-to-Image Translation with Conditional Adversarial
Networks", CVPR 2017, section 6.1: C64-C128-C256-C512-C512-C512-C512-C512 and back, with skips.
"""

import torch
from torch import Tensor, nn

NUM_LEVELS = 8
NUM_FILTERS = 64


class UNet(nn.Module):
    """The generator with 8 levels and 64 filters; 54.4 million weights."""

    def __init__(self) -> None:
        """Build the layers with torch's initial weights."""
        super().__init__()
        widths = [min(NUM_FILTERS * 2**level, 8 * NUM_FILTERS) for level in range(NUM_LEVELS)]
        self.down = nn.ModuleList(
            _halve(before, after, is_first=level == 0, is_last=level == NUM_LEVELS - 1)
            for level, (before, after) in enumerate(zip([3, *widths], widths, strict=False))
        )
        self.up = nn.ModuleList(
            _double(widths[level] * (1 if level == NUM_LEVELS - 1 else 2), widths[level - 1])
            for level in range(NUM_LEVELS - 1, 0, -1)
        )
        self.to_rgb = nn.Sequential(
            nn.ReLU(), nn.ConvTranspose2d(2 * widths[0], 3, 4, stride=2, padding=1), nn.Tanh()
        )

    def forward(self, image: Tensor) -> tuple[Tensor]:
        """Translate float32 [N, 3, H, W] in [-1, 1] to the same; H and W are multiples of 256."""
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
    return nn.Sequential(*layers, *([nn.BatchNorm2d(after)] if has_norm else []))


def _double(before: int, after: int) -> nn.Sequential:
    return nn.Sequential(
        nn.ReLU(),
        nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(after),
    )
