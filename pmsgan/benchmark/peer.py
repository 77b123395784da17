"""The peer network under eager PyTorch."""

from pmsgan.batch.comparison.child import Contender
from pmsgan.engine.interface import Engine
from pmsgan.styles.registry import Style


def open_peer(
    contender: Contender, style: Style, max_batch: int, num_threads: int | None
) -> Engine:
    """Open an untrained network, which is as fast as a trained one.

    It imports torch itself, so that only the child process does.
    """
    import torch

    from pmsgan.benchmark.unet import UNet
    from pmsgan.engine.eager import EagerEngine

    torch.manual_seed(0)
    return EagerEngine(
        UNet(),
        height=style.height,
        width=style.width,
        precision=contender.precision,
        max_batch=max_batch,
        num_threads=num_threads,
    )
