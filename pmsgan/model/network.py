"""The networks that can be trained."""

from typing import TypeAlias

from pmsgan.model.config import NetworkConfig, UNetConfig
from pmsgan.model.generator import Generator
from pmsgan.model.unet import UNet

Network: TypeAlias = Generator | UNet
"""Maps float [N, 3, H, W] in [-1, 1] to a tuple of such pictures, the first of the same size."""


def make_network(config: NetworkConfig) -> Network:
    """Return the network that a config describes, with torch's initial weights."""
    return UNet(config) if isinstance(config, UNetConfig) else Generator(config)
