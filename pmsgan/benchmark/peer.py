"""The peer networks under eager PyTorch."""

from typing import TYPE_CHECKING

from pmsgan.batch.comparison.child import Contender
from pmsgan.engine.interface import Engine
from pmsgan.styles.registry import Style

if TYPE_CHECKING:
    from torch import nn


def make_peer(name: str) -> "nn.Module":
    """Return one of `PEERS` with random weights; it imports torch itself."""
    from pmsgan.benchmark.resnet import ResNet
    from pmsgan.benchmark.u2net import U2Net
    from pmsgan.model.unet import UNet

    peers: dict[str, type[nn.Module]] = {"pix2pix": UNet, "cyclegan": ResNet, "u2net": U2Net}
    return peers[name]()


def open_peer(
    contender: Contender, style: Style, max_batch: int, num_threads: int | None
) -> Engine:
    """Open an untrained network, which is as fast as a trained one.

    It imports torch itself, so that only the child process does.
    """
    import torch

    from pmsgan.engine.eager import EagerEngine

    torch.manual_seed(0)
    return EagerEngine(
        make_peer(contender.network),
        height=style.height,
        width=style.width,
        precision=contender.precision,
        max_batch=max_batch,
        num_threads=num_threads,
    )
