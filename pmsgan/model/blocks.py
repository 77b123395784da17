"""Small blocks that the generator is made of.

Feature maps are float [N, C, H, W] throughout.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


def conv3x3(
    in_channels: int, out_channels: int, *, stride: int = 1, dilation: int = 1
) -> nn.Conv2d:
    """Return a 3x3 convolution that keeps the sides (divided by `stride`)."""
    return nn.Conv2d(
        in_channels, out_channels, 3, stride=stride, padding=dilation, dilation=dilation
    )


def conv1x1(in_channels: int, out_channels: int) -> nn.Conv2d:
    """Return a 1x1 convolution."""
    return nn.Conv2d(in_channels, out_channels, 1)


def resize(features: Tensor, factor: int) -> Tensor:
    """Bring features to 2**factor times their sides: bilinear up, average pooling down."""
    if factor > 0:
        return functional.interpolate(
            features, scale_factor=2.0**factor, mode="bilinear", align_corners=False
        )
    if factor < 0:
        return functional.avg_pool2d(features, 2**-factor)
    return features


def fold(image: Tensor, side: int) -> Tensor:
    """Make [N, C, H, W] into [N, C side^2, H / side, W / side]: squares of pixels as channels."""
    return functional.pixel_unshuffle(image, side) if side > 1 else image


def unfold(image: Tensor, side: int) -> Tensor:
    """Undo `fold`."""
    return functional.pixel_shuffle(image, side) if side > 1 else image


class ResidualBlock(nn.Module):
    """x + conv3x3(relu(conv3x3(x))): the "modified residual block", without normalisation."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(channels, channels)
        self.conv2 = conv3x3(channels, channels)

    def forward(self, features: Tensor) -> Tensor:
        """Map [N, C, H, W] to the same shape."""
        return features + self.conv2(functional.relu(self.conv1(features)))


class Stage(nn.Sequential):
    """conv3x3, then residual blocks: one encoder E_j or one decoder D_j."""

    def __init__(self, in_channels: int, out_channels: int, num_residual_blocks: int) -> None:
        super().__init__(
            conv3x3(in_channels, out_channels),
            *(ResidualBlock(out_channels) for _ in range(num_residual_blocks)),
        )


class DenseBlock(nn.Module):
    """Features of a small picture: each layer sees all layers before it.

    conv3x3 from the picture, `num_growth_layers` of conv3x3 + ReLU on the concatenation, each
    adding `growth` channels, and a conv1x1 back to `channels`.
    """

    def __init__(
        self, image_channels: int, channels: int, growth: int, num_growth_layers: int
    ) -> None:
        super().__init__()
        self.first = conv3x3(image_channels, channels)
        self.layers = nn.ModuleList(
            conv3x3(channels + index * growth, growth) for index in range(num_growth_layers)
        )
        self.last = conv1x1(channels + num_growth_layers * growth, channels)

    def forward(self, image: Tensor) -> Tensor:
        """Map a picture [N, image_channels, H, W] to features [N, channels, H, W]."""
        features = self.first(image)
        for layer in self.layers:
            features = torch.cat([features, functional.relu(layer(features))], dim=1)
        return self.last(features)


class ChannelAttention(nn.Module):
    """Weigh each channel by a number in 0..1 made from the mean of all channels."""

    def __init__(self, channels: int, reduction: int) -> None:
        super().__init__()
        hidden = max(1, channels // reduction)
        self.squeeze = conv1x1(channels, hidden)
        self.excite = conv1x1(hidden, channels)

    def forward(self, features: Tensor) -> Tensor:
        """Map [N, C, H, W] to the same shape."""
        means = functional.adaptive_avg_pool2d(features, 1)  # [N, C, 1, 1]
        weights = torch.sigmoid(self.excite(functional.relu(self.squeeze(means))))
        return features * weights
