"""The 70x70 PatchGAN that judges one output scale [D]; training uses three independent ones."""

from collections.abc import Sequence

from torch import Tensor, nn

from pmsgan.model.initial_weights import set_initial_weights


class PatchDiscriminator(nn.Sequential):
    """Say for each overlapping 70x70 patch of a picture how real it looks.

    conv4x4 64-128-256-512-1 with strides 2, 2, 2, 1, 1, LeakyReLU 0.2, instance norm on the middle
    three. Maps RGB [N, 3, H, W] in [-1, 1] to one unbounded score for each patch, [N, 1, h, w]; a
    conditional one gets 6 channels, those of the input before those of the picture.
    """

    def __init__(self, base_channels: int = 64, in_channels: int = 3) -> None:
        layers: list[nn.Module] = [nn.Conv2d(in_channels, base_channels, 4, stride=2, padding=1)]
        channels = base_channels
        for stride in (2, 2, 1):
            layers += [
                nn.LeakyReLU(0.2),
                # The norm would remove a bias again.
                nn.Conv2d(channels, channels * 2, 4, stride=stride, padding=1, bias=False),
                nn.InstanceNorm2d(channels * 2),
            ]
            channels *= 2
        layers += [nn.LeakyReLU(0.2), nn.Conv2d(channels, 1, 4, padding=1)]
        super().__init__(*layers)


class ScaleDiscriminators(nn.ModuleList):
    """Independent discriminators, one for each output scale, from weights N(0, 0.02)."""

    def __init__(self, num_scales: int, in_channels: int = 3) -> None:
        super().__init__(PatchDiscriminator(in_channels=in_channels) for _ in range(num_scales))
        set_initial_weights(self, "paper")

    def forward(self, images: Sequence[Tensor]) -> list[Tensor]:
        """Judge one batch at each scale, finest first: [N, C, H, W] to scores [N, 1, h, w]."""
        return [judge(image) for judge, image in zip(self, images, strict=True)]
