"""The generators of pytorch-CycleGAN-and-pix2pix, with the layer names of its weights.

The project tests its networks with the statistics of the picture itself, also where it has trained
with batch normalisation, and in batches of one: that is instance normalisation, which stands here.
Dropout is for training alone. Sizes and depths are read from the weights.

https://github.com/junyanz/pytorch-CycleGAN-and-pix2pix
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from pmsgan.errors import CheckpointError

PublishedNetwork = Literal["pix2pix", "cyclegan"]
Weights: TypeAlias = Mapping[str, Tensor]
MAX_LEVELS = 10
MAX_BLOCKS = 32
_STATISTICS = ("running_mean", "running_var", "num_batches_tracked")
"""Statistics that layers of normalisation collected while they were trained."""


class UNet(nn.Module):
    """pix2pix's generator: halves the picture at each level, and back, with skips."""

    def __init__(self, weights: Weights) -> None:
        """Build the layers that the weights are of.

        Raises:
            CheckpointError: there are none, or too many levels.
        """
        super().__init__()
        prefix, self.side_multiple = "model.", 2
        while f"{prefix}model.{_inside(prefix)}.model.1.weight" in weights:
            prefix = f"{prefix}model.{_inside(prefix)}."
            self.side_multiple *= 2
            if self.side_multiple > 2**MAX_LEVELS:
                raise CheckpointError(f"there are more than {MAX_LEVELS} levels")
        self.model = _Level(weights, "model.")

    def forward(self, image: Tensor) -> Tensor:
        """Translate float [N, 3, H, W] RGB in [-1, 1] to the same."""
        return torch.tanh(self.model(image))


class _Level(nn.Module):
    """A level of the U-Net, and all below it."""

    def __init__(self, weights: Weights, prefix: str) -> None:
        super().__init__()
        self.is_first = prefix == "model."
        place = _inside(prefix)
        self.is_last = f"{prefix}model.{place}.model.1.weight" not in weights
        down, up = (0, 3) if self.is_first else (1, 3) if self.is_last else (1, 5)
        layers: dict[str, nn.Module] = {
            str(down): _convolution(weights, f"{prefix}model.{down}", stride=2),
            str(up): _convolution(weights, f"{prefix}model.{up}", stride=2, grows=True),
        }
        if not self.is_last:
            layers[str(place)] = _Level(weights, f"{prefix}model.{place}.")
        for norm, of in ((2, down), (up + 1, up)):
            if not self.is_first and not (self.is_last and norm == 2):
                layers[str(norm)] = _norm(weights, f"{prefix}model.{norm}", layers[str(of)])
        self.model = nn.ModuleDict(layers)
        self.down, self.up, self.place = str(down), str(up), str(place)

    def forward(self, image: Tensor) -> Tensor:
        # The project's activations change their input, so the skip has passed through one, too.
        skip = image if self.is_first else functional.leaky_relu(image, 0.2)
        features: Tensor = self.model[self.down](skip)
        if not self.is_last:
            if not self.is_first:
                features = self.model["2"](features)
            features = self.model[self.place](features)
        features = self.model[self.up](functional.relu(features))
        if self.is_first:
            return features
        return torch.cat([skip, self.model[str(int(self.up) + 1)](features)], dim=1)


class ResNet(nn.Module):
    """CycleGAN's generator: two halvings, residual blocks, and back."""

    side_multiple = 4

    def __init__(self, weights: Weights) -> None:
        """Build the layers that the weights are of.

        Raises:
            CheckpointError: there are none, or too many blocks.
        """
        super().__init__()
        self.num_blocks = 0
        while f"model.{10 + self.num_blocks}.conv_block.1.weight" in weights:
            self.num_blocks += 1
            if self.num_blocks > MAX_BLOCKS:
                raise CheckpointError(f"there are more than {MAX_BLOCKS} blocks")
        after = 10 + self.num_blocks
        layers: dict[str, nn.Module] = {}
        for place, stride, grows in (
            (1, 1, False), (4, 2, False), (7, 2, False), (after, 2, True), (after + 3, 2, True),
        ):  # fmt: skip
            layer = _convolution(weights, f"model.{place}", stride=stride, grows=grows)
            layers[str(place)] = layer
            layers[str(place + 1)] = _norm(weights, f"model.{place + 1}", layer)
        for block in range(10, after):
            layers[str(block)] = _Residual(weights, f"model.{block}")
        layers[str(after + 7)] = _convolution(weights, f"model.{after + 7}", stride=1)
        self.model = nn.ModuleDict(layers)

    def forward(self, image: Tensor) -> Tensor:
        """Translate float [N, 3, H, W] RGB in [-1, 1] to the same."""
        after = 10 + self.num_blocks
        features = functional.pad(image, (3, 3, 3, 3), "reflect")
        for place in (1, 4, 7):
            features = functional.relu(self._pair(place, features))
        for block in range(10, after):
            features = self.model[str(block)](features)
        for place in (after, after + 3):
            features = functional.relu(self._pair(place, features))
        features = self.model[str(after + 7)](functional.pad(features, (3, 3, 3, 3), "reflect"))
        return torch.tanh(features)

    def _pair(self, place: int, features: Tensor) -> Tensor:
        result: Tensor = self.model[str(place + 1)](self.model[str(place)](features))
        return result


class _Residual(nn.Module):
    def __init__(self, weights: Weights, prefix: str) -> None:
        super().__init__()
        # A layer of dropout in the middle moves the second half.
        self.second = 5 if f"{prefix}.conv_block.5.weight" in weights else 6
        layers: dict[str, nn.Module] = {}
        for place in (1, self.second):
            layer = _convolution(weights, f"{prefix}.conv_block.{place}", stride=1)
            layers[str(place)] = layer
            layers[str(place + 1)] = _norm(weights, f"{prefix}.conv_block.{place + 1}", layer)
        self.conv_block = nn.ModuleDict(layers)

    def forward(self, features: Tensor) -> Tensor:
        change = features
        for place in (1, self.second):
            change = self.conv_block[str(place)](functional.pad(change, (1, 1, 1, 1), "reflect"))
            change = self.conv_block[str(place + 1)](change)
            change = functional.relu(change) if place == 1 else change
        return features + change


def make_published(name: PublishedNetwork, weights: Weights) -> UNet | ResNet:
    """Return a generator with these weights, ready to translate.

    Args:
        name: pix2pix for the U-Net, cyclegan for the network of residual blocks.
        weights: a state dict of the project, also of a network that ran on several GPUs.

    Raises:
        CheckpointError: they are not of this network.
    """
    kept = {
        key.removeprefix("module."): value
        for key, value in weights.items()
        if key.rpartition(".")[2] not in _STATISTICS
    }
    try:
        network = UNet(kept) if name == "pix2pix" else ResNet(kept)
        network.load_state_dict(kept)
    except (KeyError, RuntimeError, ValueError) as error:
        line = str(error).strip().splitlines()[-1].strip()
        raise CheckpointError(
            f"these are not the weights of {name}'s generator ({line})"
        ) from error
    return network.eval()


def _inside(prefix: str) -> int:
    """Return the place of the level inside a level."""
    return 1 if prefix == "model." else 3


def _convolution(
    weights: Weights, name: str, *, stride: int, grows: bool = False
) -> nn.Conv2d | nn.ConvTranspose2d:
    """Return a layer of the size of its weights; `grows` doubles the sides."""
    first, second, size, _ = weights[f"{name}.weight"].shape
    has_bias = f"{name}.bias" in weights
    if grows:
        # Sides of 3 need a row more at one end, sides of 4 do not.
        return nn.ConvTranspose2d(
            first, second, size, stride, padding=1, output_padding=4 - size, bias=has_bias
        )
    padding = 1 if stride == 2 else 0
    return nn.Conv2d(second, first, size, stride, padding, bias=has_bias)


def _norm(weights: Weights, name: str, layer: nn.Module) -> nn.InstanceNorm2d:
    assert isinstance(layer, nn.Conv2d | nn.ConvTranspose2d)
    return nn.InstanceNorm2d(layer.out_channels, affine=f"{name}.weight" in weights)
