"""Read the state of a training run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmsgan.data.trained_pairs import TrainedPairs
from pmsgan.errors import CheckpointError, ConfigError, DataError
from pmsgan.model.config import read_network
from pmsgan.model.network import Network, make_network
from pmsgan.training.checkpoint import load_checkpoint
from pmsgan.training.config import TrainingConfig
from pmsgan.training.pairs_record import recorded_in
from pmsgan.training.run_folder import BEST_NAME, CHECKPOINT_NAME


@dataclass(frozen=True, slots=True)
class Trained:
    """Result of a training run so far."""

    folder: Path
    generator: Network
    """Generator that would become the style."""
    config: TrainingConfig
    pairs: TrainedPairs | None = None
    """The pairs that it was trained on; None where the checkpoint does not say that."""
    initial_style: str | None = None
    """Name of the style that it began from; None for random weights."""


def load_trained(run: Path) -> Trained:
    """Read the state of a training run.

    Args:
        run: the folder that `pmsgan train --out` wrote.

    Raises:
        CheckpointError: it has no checkpoint of this version.
    """
    if not (run / CHECKPOINT_NAME).is_file():
        raise CheckpointError(
            f"{run} has no {CHECKPOINT_NAME}: give folders that pmsgan train --out wrote"
        )
    return _read(run / CHECKPOINT_NAME)


def load_best(run: Path) -> Trained:
    """Read the generator of a run that came closest to the held-out targets.

    Args:
        run: the folder that `pmsgan train --out` wrote.

    Raises:
        CheckpointError: it has none of this version.
    """
    if not (run / BEST_NAME).is_file():
        raise CheckpointError(f"{run} has no {BEST_NAME}: it is only written if pairs are held out")
    return _read(run / BEST_NAME)


def _read(path: Path) -> Trained:
    state = load_checkpoint(path)
    try:
        generator = make_network(read_network(state["generator_config"]))
        config = TrainingConfig(**_with_tuples(state["training_config"]))
        weights = state["generator"]
        if state["average"] is not None:
            prefix = "module."
            weights = {
                name.removeprefix(prefix): tensor
                for name, tensor in state["average"].items()
                if name.startswith(prefix)
            }
        generator.load_state_dict(weights)
        pairs = recorded_in(state)
    except (
        AttributeError, ConfigError, KeyError, TypeError, RuntimeError, ValueError, DataError
    ) as error:  # fmt: skip
        raise CheckpointError(f"{path} is not a checkpoint of this version of pmsgan") from error
    return Trained(path.parent, generator.eval(), config, pairs, state.get("initial_style"))


def _with_tuples(plain: dict[str, Any]) -> dict[str, Any]:
    """Turn a config from JSON back: tuples instead of lists."""
    return {
        name: tuple(value) if isinstance(value, list) else value for name, value in plain.items()
    }
