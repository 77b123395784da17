"""The generator of CycleGAN: an untrained peer.

J.-Y. Zhu, T. Park, P. Isola, A. A. Efros, "Unpaired Image-to-Image Translation using
Cycle-Consistent Adversarial Networks", ICCV 2017, section 7.2: c7s1-64, d128, d256, R256 nine
times, u128, u64, c7s1-3.
"""

from torch import Tensor, nn

NUM_FILTERS = 64
NUM_BLOCKS = 9


class ResNet(nn.Module):
    """The generator with 9 residual blocks; 11.4 million weights."""

    def __init__(self) -> None:
        """Build the layers with torch's initial weights."""
        super().__init__()
        narrow, middle, wide = NUM_FILTERS, 2 * NUM_FILTERS, 4 * NUM_FILTERS
        self.layers = nn.Sequential(
            nn.Conv2d(3, narrow, 7, padding=3, padding_mode="reflect"),
            *_norm_and_relu(narrow),
            nn.Conv2d(narrow, middle, 3, stride=2, padding=1),
            *_norm_and_relu(middle),
            nn.Conv2d(middle, wide, 3, stride=2, padding=1),
            *_norm_and_relu(wide),
            *(_Residual(wide) for _ in range(NUM_BLOCKS)),
            nn.ConvTranspose2d(wide, middle, 3, stride=2, padding=1, output_padding=1),
            *_norm_and_relu(middle),
            nn.ConvTranspose2d(middle, narrow, 3, stride=2, padding=1, output_padding=1),
            *_norm_and_relu(narrow),
            nn.Conv2d(narrow, 3, 7, padding=3, padding_mode="reflect"),
            nn.Tanh(),
        )

    def forward(self, image: Tensor) -> tuple[Tensor]:
        """Translate float32 [N, 3, H, W] in [-1, 1] to the same; H and W are multiples of 4."""
        return (self.layers(image),)


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"),
            *_norm_and_relu(channels),
            nn.Conv2d(channels, channels, 3, padding=1, padding_mode="reflect"),
            nn.InstanceNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        change: Tensor = self.layers(features)
        return features + change


def _norm_and_relu(channels: int) -> tuple[nn.Module, ...]:
    return nn.InstanceNorm2d(channels), nn.ReLU()
