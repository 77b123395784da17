"""The PMSGAN generator: three parallel encoding-decoding stages and the modules that fuse them.

Source: C. Liang, M. Zhu, N. Wang, H. Yang, X. Gao, "PMSGAN: Parallel Multistage GANs for Face
Image Translation", IEEE TNNLS. Symbols are the paper's: stage j works at 1 / 2**(j-1) of the
picture's sides with C_j channels; E_j, F_j, D_j are its encoded, fused and decoded features.
In code the stages are counted from 0.

A folded generator (`GeneratorConfig.fold`, ours) is the same network on pictures whose 2x2 pixels
are 12 channels of one: it works at half the sides; or 4x4 pixels and a quarter of the sides.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from pmsgan.model.blocks import (
    ChannelAttention,
    DenseBlock,
    Stage,
    conv1x1,
    conv3x3,
    fold,
    resize,
    unfold,
)
from pmsgan.model.config import GeneratorConfig, check_sides


class EncoderFeatureFusion(nn.Module):
    """EFF_j: let the small picture x_j correct what comes down from the encoder above it.

    e = relu(conv3x3 stride 2 (E_{j-1})), d = dense(x_j); e + conv3x3(e * d). The ReLU is [D].
    """

    def __init__(self, above_channels: int, channels: int, config: GeneratorConfig) -> None:
        super().__init__()
        growth = channels // config.growth_divisor
        self.dense = DenseBlock(config.image_channels, channels, growth, config.num_growth_layers)
        self.down = conv3x3(above_channels, channels, stride=2)
        self.merge = conv3x3(channels, channels)

    def forward(self, image: Tensor, above: Tensor) -> Tensor:
        """Fuse x_j [N, 3, H, W], or 12 channels, and E_{j-1} [N, C_{j-1}, 2H, 2W].

        The result is [N, C_j, H, W].
        """
        small = self.dense(image)
        down = functional.relu(self.down(above))
        return down + self.merge(down * small)


class CrossStageAtrousSpatialPyramid(nn.Module):
    """CSASP_j: look at all encoders with dilated convolutions, and weigh their features.

    Every branch convolves at its feature's own size and is then brought to stage j's size.
    """

    def __init__(self, stage: int, config: GeneratorConfig) -> None:
        super().__init__()
        channels = config.widths[stage]
        branch = channels // config.branch_divisor
        self.stage = stage
        self.dilated = nn.ModuleList(
            conv3x3(width, branch, dilation=dilation)
            for width, dilation in zip(config.widths, config.dilations, strict=True)
        )
        self.own = conv1x1(channels, branch)
        num_branches = len(self.dilated) + 1
        self.attention = ChannelAttention(num_branches * branch, config.attention_reduction)
        self.project = conv1x1(num_branches * branch, channels)

    def forward(self, encoded: Sequence[Tensor]) -> Tensor:
        """Fuse E_1, E_2, E_3 to F_j [N, C_j, H_j, W_j]."""
        branches = [
            resize(functional.relu(conv(features)), source - self.stage)
            for source, (conv, features) in enumerate(zip(self.dilated, encoded, strict=True))
        ]
        branches.append(functional.relu(self.own(encoded[self.stage])))
        return self.project(self.attention(torch.cat(branches, dim=1)))


class OwnEncoderOnly(nn.Module):
    """Stands where CSASP_j does in the ablations without it: F_j = E_j."""

    def __init__(self, stage: int) -> None:
        super().__init__()
        self.stage = stage

    def forward(self, encoded: Sequence[Tensor]) -> Tensor:
        """Return E_j."""
        return encoded[self.stage]


class DecoderFeatureFusion(nn.Module):
    """DFF_j: let the coarser decoder D_{j+1} correct F_j.

    u = up(relu(conv1x1(D_{j+1}))); F_j + conv3x3(u * F_j). The conv1x1 brings D_{j+1} to C_j
    channels at its own, smaller size [D].
    """

    def __init__(self, channels: int, below_channels: int) -> None:
        super().__init__()
        self.up = conv1x1(below_channels, channels)
        self.merge = conv3x3(channels, channels)

    def forward(self, fused: Tensor, below: Tensor) -> Tensor:
        """Fuse F_j [N, C_j, H, W] and D_{j+1} [N, C_{j+1}, H/2, W/2] to [N, C_j, H, W]."""
        up = resize(functional.relu(self.up(below)), 1)
        return fused + self.merge(up * fused)


class DecoderFeatureSum(nn.Module):
    """Stands where DFF_j does in the ablations without it: F_j + up(conv1x1(D_{j+1})) [D]."""

    def __init__(self, channels: int, below_channels: int) -> None:
        super().__init__()
        self.up = conv1x1(below_channels, channels)

    def forward(self, fused: Tensor, below: Tensor) -> Tensor:
        """Add D_{j+1} [N, C_{j+1}, H/2, W/2] to F_j [N, C_j, H, W]."""
        return fused + resize(self.up(below), 1)


class MultiscaleSupervisedAttention(nn.Module):
    """MSSA: masks made from all three outputs decide where D_1 counts in the final picture."""

    def __init__(self, config: GeneratorConfig, squash: nn.Module) -> None:
        super().__init__()
        channels = config.widths[0]
        self.mask = conv3x3(config.image_channels * config.num_stages, channels)
        self.rgb = conv3x3(channels, config.image_channels)
        self.squash = squash

    def forward(self, decoded: Tensor, outputs: Sequence[Tensor]) -> Tensor:
        """Make y_out [N, 3, H, W], or 12 channels, from D_1 and RGB_1, RGB_2, RGB_3."""
        full_size = [resize(output, stage) for stage, output in enumerate(outputs)]
        masks = torch.softmax(self.mask(torch.cat(full_size, dim=1)), dim=1)  # [N, C_1, H, W]
        return self.squash(self.rgb(decoded * masks + decoded))


class FinestOutputOnly(nn.Module):
    """Stands where MSSA does in the ablations without it: y_out = RGB_1."""

    def forward(self, decoded: Tensor, outputs: Sequence[Tensor]) -> Tensor:
        """Return RGB_1."""
        return outputs[0]


class Generator(nn.Module):
    """Translate a picture at three scales at once."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        widths, blocks = config.widths, config.num_residual_blocks
        stages = range(config.num_stages)
        self.encoder_fusions = nn.ModuleList(
            EncoderFeatureFusion(above, width, config) for above, width in pairwise(widths)
        )
        self.encoders = nn.ModuleList(
            Stage(config.image_channels if stage == 0 else widths[stage], widths[stage], blocks)
            for stage in stages
        )
        self.contexts = nn.ModuleList(
            CrossStageAtrousSpatialPyramid(stage, config)
            if config.has("csasp")
            else OwnEncoderOnly(stage)
            for stage in stages
        )
        self.decoder_fusions = nn.ModuleList(
            (DecoderFeatureFusion if config.has("dff") else DecoderFeatureSum)(width, below)
            for width, below in pairwise(widths)
        )
        self.decoders = nn.ModuleList(Stage(width, width, blocks) for width in widths)
        self.to_rgb = nn.ModuleList(conv3x3(width, config.image_channels) for width in widths)
        self.squash = nn.Tanh() if config.output == "tanh" else nn.Identity()
        self.output = (
            MultiscaleSupervisedAttention(config, self.squash)
            if config.has("full")
            else FinestOutputOnly()
        )

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Translate RGB pictures.

        Args:
            image: float [N, 3, H, W], RGB in [-1, 1]; H and W are multiples of
                `config.side_multiple`.

        Returns:
            y_out, RGB_2, RGB_3: float [N, 3, H / 2**j, W / 2**j], RGB, -1 black and 1 white,
            finest first; a linear output may exceed that range, so callers clip it. The
            ablation `single` has y_out alone.

        Raises:
            ConfigError: a side is not such a multiple.
        """
        y_out, _, *smaller = self._folded_outputs(image)
        return tuple(unfold(output, self.config.fold) for output in (y_out, *smaller))

    def all_outputs(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return y_out, RGB_1, RGB_2, RGB_3; `forward` leaves out RGB_1."""
        return tuple(unfold(output, self.config.fold) for output in self._folded_outputs(image))

    def _folded_outputs(self, image: Tensor) -> tuple[Tensor, ...]:
        check_sides(image.shape[-2], image.shape[-1], self.config.side_multiple)
        images = [
            fold(resize(image, -stage), self.config.fold) for stage in range(self.config.num_stages)
        ]
        encoded = self.encode(images)
        fused = [context(encoded) for context in self.contexts]
        decoded = self.decode(fused)
        outputs = [
            self.squash(rgb(features)) for rgb, features in zip(self.to_rgb, decoded, strict=True)
        ]
        return (self.output(decoded[0], outputs), *outputs)

    def encode(self, images: Sequence[Tensor]) -> list[Tensor]:
        """Run E_1, E_2, E_3 from the finest down, EFF between them."""
        encoded = [self.encoders[0](images[0])]
        for encoder, fusion, image in zip(
            self.encoders[1:], self.encoder_fusions, images[1:], strict=True
        ):
            encoded.append(encoder(fusion(image, encoded[-1])))
        return encoded

    def decode(self, fused: Sequence[Tensor]) -> list[Tensor]:
        """Run D_3, D_2, D_1 from the coarsest up, DFF between them; return them finest first."""
        decoded = [self.decoders[-1](fused[-1])]
        for stage in reversed(range(len(fused) - 1)):
            below = decoded[0]
            decoded.insert(
                0, self.decoders[stage](self.decoder_fusions[stage](fused[stage], below))
            )
        return decoded


class AllOutputs(nn.Module):
    """A generator that returns RGB_1 as well, for a training that has a loss on it."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return y_out, RGB_1, RGB_2, RGB_3."""
        return self.generator.all_outputs(image)
