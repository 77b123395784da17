"""Find problems that would stop a run before its first step."""

import logging
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from lightning_fabric import Fabric

from pmsgan.data.pairs import Pair
from pmsgan.errors import CheckpointError, ConfigError, DataError
from pmsgan.model.config import GeneratorConfig, NetworkConfig, check_side
from pmsgan.training.checkpoint import load_checkpoint
from pmsgan.training.config import TrainingConfig
from pmsgan.training.perceptual import load_vgg19
from pmsgan.training.run_folder import CHECKPOINT_NAME
from pmsgan.training.trainer import Trainer
from pmsgan.training.vgg_weights import WEIGHTS_URL, cached_weights

_log = logging.getLogger(__name__)


def check_start(
    pairs: Sequence[Pair],
    config: TrainingConfig,
    network: NetworkConfig,
    run_folder: Path,
    *,
    resume: bool,
    teacher: NetworkConfig | None = None,
) -> None:
    """Make the quick checks of every run.

    Raises:
        ConfigError: the network or its teacher cannot take pictures of that size or crop, or the
            network has no RGB_1 of its own.
        DataError: there are no pairs.
        CheckpointError: there is nothing to resume, a checkpoint would be overwritten, or the run
            folder cannot be written.
    """
    for name, side in (("size", config.size), ("crop", config.crop_side)):
        check_side(f"{name} is {side}, which", side, network.side_multiple)
        if teacher is not None:
            check_side(f"{name} is {side}, which for the teacher", side, teacher.side_multiple)
    if config.lambda_rgb1 and not (isinstance(network, GeneratorConfig) and network.has("full")):
        raise ConfigError(
            f"lambda_rgb1 is {config.lambda_rgb1}: without MSSA, RGB_1 is the final picture itself"
        )
    if not pairs:
        raise DataError("there are no pairs to train on")
    checkpoint = run_folder / CHECKPOINT_NAME
    if checkpoint.exists() and not resume:
        raise CheckpointError(f"{checkpoint} exists: continue with --resume, or give a new --out")
    if resume and not checkpoint.exists():
        raise CheckpointError(f"{checkpoint} does not exist: there is nothing to resume")
    folder = run_folder.absolute()
    there = next(path for path in (folder, *folder.parents) if path.exists())
    if not (there.is_dir() and os.access(there, os.W_OK)):
        raise CheckpointError(f"cannot write to {run_folder}: give another --out")


def check_files(
    config: TrainingConfig,
    network: NetworkConfig,
    run_folder: Path,
    *,
    resume: bool,
    initial_style: str | None,
    vgg_weights: Path | None,
) -> None:
    """Read the files that a run needs at its start: its checkpoint and the weights of VGG-19.

    Raises:
        CheckpointError: one of them cannot be read, belongs to another network, or began from
            another style.
    """
    if resume:
        alone = replace(config, devices=1, num_nodes=1, precision="fp32")
        trainer = Trainer(alone, network, Fabric(accelerator="cpu", devices=1))
        trainer.initial_style = initial_style
        trainer.load_state_dict(load_checkpoint(run_folder / CHECKPOINT_NAME))
        has_all_steps(trainer)
    if config.perceptual in ("auto", "vgg19"):
        path = vgg_weights or cached_weights()
        if config.perceptual == "auto" and vgg_weights is None and not path.exists():
            _log.info("the weights of VGG-19 would be downloaded from %s", WEIGHTS_URL)
        else:
            load_vgg19(path)


def has_all_steps(trainer: Trainer) -> bool:
    """Say whether a resumed run has no step left, and log that in one line."""
    done, wanted = trainer.num_steps_done, trainer.config.steps
    if done >= wanted and trainer.fabric.is_global_zero:
        _log.warning(
            "nothing is left to train: the checkpoint is at step %d, and the run ends at step %d; "
            "raise --steps to continue",
            done, wanted,
        )  # fmt: skip
    return done >= wanted
