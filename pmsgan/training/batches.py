"""The batches of a run, on the device that trains on them."""

import signal
import traceback
from collections.abc import Generator, Iterable, Iterator, Sequence
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor
from torch.utils.data import DataLoader

from pmsgan.data.pairs import Pair
from pmsgan.data.stream import PairStream
from pmsgan.errors import DataError
from pmsgan.model.pixels import bytes_to_rgb
from pmsgan.safe_path import safe_path_for_children
from pmsgan.training.config import TrainingConfig


def batches(
    pairs: Sequence[Pair], config: TrainingConfig, fabric: Fabric, num_steps_done: int
) -> Generator[tuple[Tensor, Tensor, Sequence[str]], None, None]:
    """Yield the remaining batches: input and target, float [N, 3, H, W] RGB in [-1, 1].

    The third item names the pictures that were skipped for each sample. The processes of a run take
    turns at the samples: n processes with batch 1 see in a step what one process with batch n sees.
    Always close the generator: its readers ignore signals, and Python waits for them when it exits.

    Raises:
        DataError: no pair can be read.
    """
    stream = PairStream(
        pairs, size=config.load_side, crop=config.crop_side, flip=config.flip, seed=config.seed
    )
    loader = DataLoader(
        stream,
        batch_sampler=_sample_numbers(config, fabric, num_steps_done),
        num_workers=config.num_readers,
        pin_memory=fabric.device.type == "cuda",
        worker_init_fn=_ignore_interrupts,
    )
    layout = torch.channels_last if config.channels_last else torch.contiguous_format
    for *images, skipped in _read(loader):
        source, target = (
            bytes_to_rgb(image.to(fabric.device, non_blocking=True)).contiguous(
                memory_format=layout
            )
            for image in images
        )
        yield source, target, skipped


def _sample_numbers(
    config: TrainingConfig, fabric: Fabric, num_steps_done: int
) -> Iterator[list[int]]:
    for step in range(num_steps_done, config.steps):
        first = (step * fabric.world_size + fabric.global_rank) * config.batch_size
        yield list(range(first, first + config.batch_size))


def _read(loader: Iterable[list[Any]]) -> Iterator[list[Any]]:
    """Iterate over a loader; an error in a worker comes without the worker's traceback."""
    try:
        yield from _start(loader)
        return
    except Exception as error:
        # Its frames hold the readers (see `batches`) until the garbage collector finds the cycle.
        traceback.clear_frames(error.__traceback__)
        if not isinstance(error, DataError):
            raise
        last_line = str(error).strip().splitlines()[-1]
    # Raised out here, so that it does not hold the other error.
    raise DataError(last_line.removeprefix("pmsgan.errors.DataError: "))


def _start(loader: Iterable[list[Any]]) -> Iterator[list[Any]]:
    """Iterate over a loader whose readers import nothing from the current folder."""
    with safe_path_for_children():  # where readers are not forked, as on macOS
        started = iter(loader)
    yield from started


def _ignore_interrupts(worker: int) -> None:
    """Ignore signals to the whole process group, since the parent still needs batches then.

    A worker ends when the parent says so, or is gone.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
