"""U2-Net, which draws portraits: an untrained peer.

X. Qin, Z. Zhang, C. Huang, M. Dehghan, O. R. Zaiane, M. Jagersand, "U2-Net: Going Deeper with
Nested U-Structure for Salient Object Detection", Pattern Recognition 2020, table 1 and figure 5.
"""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

ENCODERS = (
    (7, 3, 32, 64),
    (6, 64, 32, 128),
    (5, 128, 64, 256),
    (4, 256, 128, 512),
    (0, 512, 256, 512),
    (0, 512, 256, 512),
)
"""Height, input, middle and output channels of En_1 to En_6; height 0 is RSU-4F."""
DECODERS = (
    (7, 128, 16, 64),
    (6, 256, 32, 64),
    (5, 512, 64, 128),
    (4, 1024, 128, 256),
    (0, 1024, 256, 512),
)
"""The same for De_1 to De_5."""


class U2Net(nn.Module):
    """The full network; 44.0 million weights. A drawing has one channel, shown as three."""

    def __init__(self) -> None:
        """Build the layers with torch's initial weights."""
        super().__init__()
        self.encoders = nn.ModuleList(_block(*sizes) for sizes in ENCODERS)
        self.decoders = nn.ModuleList(_block(*sizes) for sizes in DECODERS)
        sides = [sizes[-1] for sizes in (*DECODERS, ENCODERS[-1])]
        self.sides = nn.ModuleList(nn.Conv2d(width, 1, 3, padding=1) for width in sides)
        self.fuse = nn.Conv2d(len(sides), 1, 1)

    def forward(self, image: Tensor) -> tuple[Tensor]:
        """Translate float32 [N, 3, H, W] in [-1, 1] to the same; H and W are multiples of 32."""
        encoded: list[Tensor] = []
        for encoder in self.encoders:
            encoded.append(encoder(_halve(encoded[-1]) if encoded else image))
        decoded = [encoded.pop()]
        for decoder in reversed(self.decoders):
            skip = encoded.pop()
            decoded.insert(0, decoder(torch.cat([_resize(decoded[0], skip), skip], dim=1)))
        maps = [
            _resize(side(features), image)
            for side, features in zip(self.sides, decoded, strict=True)
        ]
        drawing = torch.sigmoid(self.fuse(torch.cat(maps, dim=1)))
        return (drawing.expand(-1, 3, -1, -1) * 2.0 - 1.0,)


class _ResidualU(nn.Module):
    """RSU-L: a U-Net of `height` levels, added to what goes into it."""

    def __init__(self, height: int, in_channels: int, middle: int, out_channels: int) -> None:
        super().__init__()
        self.first = _Layer(in_channels, out_channels)
        widths = [out_channels, *[middle] * (height - 1)]
        self.down = nn.ModuleList(_Layer(before, after) for before, after in pairwise(widths))
        self.bottom = _Layer(middle, middle, dilation=2)
        outs = [out_channels, *[middle] * (height - 2)]
        self.up = nn.ModuleList(_Layer(2 * middle, out) for out in outs)

    def forward(self, image: Tensor) -> Tensor:
        first: Tensor = self.first(image)
        skips: list[Tensor] = []
        for layer in self.down:
            skips.append(layer(_halve(skips[-1]) if skips else first))
        features: Tensor = self.bottom(skips[-1])
        for layer, skip in zip(reversed(self.up), reversed(skips), strict=True):
            features = layer(torch.cat([_resize(features, skip), skip], dim=1))
        return features + first


class _DilatedResidualU(nn.Module):
    """RSU-4F: the same with dilation instead of smaller sides."""

    def __init__(self, in_channels: int, middle: int, out_channels: int) -> None:
        super().__init__()
        self.first = _Layer(in_channels, out_channels)
        self.down = nn.ModuleList(
            _Layer(before, middle, dilation=dilation)
            for before, dilation in ((out_channels, 1), (middle, 2), (middle, 4))
        )
        self.bottom = _Layer(middle, middle, dilation=8)
        self.up = nn.ModuleList(
            _Layer(2 * middle, out, dilation=dilation)
            for out, dilation in ((out_channels, 1), (middle, 2), (middle, 4))
        )

    def forward(self, image: Tensor) -> Tensor:
        first: Tensor = self.first(image)
        skips: list[Tensor] = []
        for layer in self.down:
            skips.append(layer(skips[-1] if skips else first))
        features: Tensor = self.bottom(skips[-1])
        for layer, skip in zip(reversed(self.up), reversed(skips), strict=True):
            features = layer(torch.cat([features, skip], dim=1))
        return features + first


class _Layer(nn.Sequential):
    def __init__(self, before: int, after: int, dilation: int = 1) -> None:
        super().__init__(
            nn.Conv2d(before, after, 3, padding=dilation, dilation=dilation),
            nn.BatchNorm2d(after),
            nn.ReLU(),
        )


def _block(height: int, in_channels: int, middle: int, out_channels: int) -> nn.Module:
    if height == 0:
        return _DilatedResidualU(in_channels, middle, out_channels)
    return _ResidualU(height, in_channels, middle, out_channels)


def _halve(features: Tensor) -> Tensor:
    return functional.max_pool2d(features, 2)


def _resize(features: Tensor, like: Tensor) -> Tensor:
    return functional.interpolate(
        features, size=like.shape[-2:], mode="bilinear", align_corners=False
    )
