"""Measure a network on pairs while it trains, and keep the best one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from pmsgan.data.pairs import Pair
from pmsgan.errors import DataError
from pmsgan.model.network import Network
from pmsgan.model.pixels import bytes_to_rgb, rgb_to_bytes
from pmsgan.training.checkpoint import load_checkpoint, save_checkpoint
from pmsgan.training.trainer import Trainer

MAX_PAIRS = 32
"""Most pairs that a network is measured on at each checkpoint."""
MIN_GAIN = 0.3
"""Gain over pictures of one colour, from 0 to 1, below which a network is plainly under-trained."""


@dataclass(frozen=True, slots=True)
class Validation:
    """The differences of a network's results from the targets."""

    l1: float
    """Mean absolute difference [grey levels]."""
    plain_l1: float
    """The same for pictures of one colour, the target's mean [grey levels]."""

    @property
    def is_poor(self) -> bool:
        """Whether the results are hardly better than pictures of one colour."""
        return self.l1 > (1 - MIN_GAIN) * self.plain_l1


def validate(network: Network, pairs: Sequence[Pair], size: int) -> Validation | None:
    """Measure a network on some pairs; return None if none of them can be read.

    Args:
        network: on any device, of any floating type; it stays in the mode that it is in.
        pairs: the first `MAX_PAIRS` count.
        size: side of the pictures [pixels].
    """
    weight, was_training = next(network.parameters()), network.training
    network.eval()
    distances = []
    for pair in pairs[:MAX_PAIRS]:
        try:
            source, target = (file.read_at(size, size) for file in (pair.input, pair.target))
        except DataError:
            continue
        with torch.no_grad():
            output = network(bytes_to_rgb(torch.from_numpy(source)[None]).to(weight))[0]
            result = rgb_to_bytes(output).cpu().numpy()[0].astype(np.float32)
        plain = target.mean(axis=(0, 1))
        distances.append((np.abs(result - target).mean(), np.abs(plain - target).mean()))
    network.train(was_training)
    if not distances:
        return None
    l1, plain_l1 = np.mean(distances, axis=0)
    return Validation(float(l1), float(plain_l1))


class BestCheckpoint:
    """Keeps the generator that came nearest to the held-out targets."""

    def __init__(self, path: Path) -> None:
        """Continue from an earlier run's file if there is one.

        Raises:
            CheckpointError: the file is not a checkpoint.
        """
        self._path = path
        state = load_checkpoint(path) if path.exists() else {}
        self.l1: float = state.get("held_out_l1", float("inf"))
        self.step: int = state.get("num_steps_done", 0)

    def offer(self, trainer: Trainer, l1: float) -> None:
        """Write the generator if its held-out L1 is the lowest so far.

        Raises:
            CheckpointError: it cannot be written.
        """
        if l1 >= self.l1:
            return
        self.l1, self.step = l1, trainer.num_steps_done
        kept = ("num_steps_done", "generator_config", "training_config")
        state = trainer.state_dict()
        save_checkpoint(
            {
                **{name: state[name] for name in kept},
                "generator": trainer.trained_generator().state_dict(),
                "average": None,
                "held_out_l1": l1,
            },
            self._path,
        )
