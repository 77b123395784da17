"""Initial weights of a generator."""

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import nn

from pmsgan.model.blocks import DenseBlock, ResidualBlock
from pmsgan.model.config import InitialWeights
from pmsgan.model.generator import (
    CrossStageAtrousSpatialPyramid,
    DecoderFeatureFusion,
    EncoderFeatureFusion,
)

PAPER_DEVIATION = 0.02
"""Standard deviation of the weights in the paper."""
_RELU_GAIN = math.sqrt(2.0)
"""A ReLU halves the mean square of values spread evenly around 0."""
_ATTENTION_GAIN = 2.0
"""An untrained channel attention multiplies by sigmoid(0), a half."""
_RESIDUAL_GAIN = 0.1
"""A residual block begins close to the identity."""


def set_initial_weights(network: nn.Module, kind: InitialWeights) -> None:
    """Set the weights of every convolution at random, and every bias to 0.

    Args:
        network: a network of plain and transposed convolutions.
        kind: `paper` is N(0, 0.02). `scaled` is N(0, 1 / fan_in), times a gain where the
            generator's modules would make features weaker [D]: what goes into a module and what
            comes out of it have about the same standard deviation.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            if kind == "paper":
                nn.init.normal_(layer.weight, 0.0, PAPER_DEVIATION)
            else:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="linear")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
    if kind == "scaled":
        with torch.no_grad():
            for module in network.modules():
                for layer, gain in _gains(module):
                    layer.weight.mul_(gain)


def _gains(module: nn.Module) -> Iterator[tuple[Any, float]]:
    """Yield the layers of a module that are not plain N(0, 1 / fan_in), with their gains."""
    match module:
        case ResidualBlock():
            yield module.conv2, _RESIDUAL_GAIN
        case DenseBlock():
            yield from ((layer, _RELU_GAIN) for layer in module.layers)
        case EncoderFeatureFusion():
            yield module.down, _RELU_GAIN
        case CrossStageAtrousSpatialPyramid():
            yield from ((layer, _RELU_GAIN) for layer in (*module.dilated, module.own))
            yield module.project, _ATTENTION_GAIN
        case DecoderFeatureFusion():
            yield module.up, _RELU_GAIN
