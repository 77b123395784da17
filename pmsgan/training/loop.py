"""The training loop: batches, steps, checkpoints, and how a run ends."""

import functools
import logging
import operator
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor

from pmsgan.bar import Bar
from pmsgan.data.pairs import Pair
from pmsgan.data.stream import PairStream
from pmsgan.data.trained_pairs import TrainedPairs
from pmsgan.interrupt import interruptible
from pmsgan.model.config import NetworkConfig, network_table
from pmsgan.model.network import Network
from pmsgan.training.batches import batches
from pmsgan.training.checkpoint import load_checkpoint, save_checkpoint
from pmsgan.training.checks import check_start, has_all_steps
from pmsgan.training.config import TrainingConfig
from pmsgan.training.differences import name_differences
from pmsgan.training.faults import BrokenPictures, check_finite, torch_errors_named
from pmsgan.training.grid import draw_grid
from pmsgan.training.hardware import make_fabric, others_ended_on_error, set_threads
from pmsgan.training.losses import l1_gradient_loss, pixel_loss
from pmsgan.training.pairs_record import recorded_in, recording
from pmsgan.training.perceptual import VggPerceptualLoss, load_vgg19
from pmsgan.training.run_folder import BEST_NAME, CHECKPOINT_NAME, RunFolder, open_run_folder
from pmsgan.training.stopwatch import Stopwatch
from pmsgan.training.style_network import StyleNetwork
from pmsgan.training.trainer import PerceptualLoss, Trainer, plain
from pmsgan.training.validation import BestCheckpoint, Validation, validate
from pmsgan.training.vgg_weights import fetch_weights

_log = logging.getLogger(__name__)

NUM_SAMPLES = 4
"""Pairs in a sample grid."""
LOG_EVERY = 10
"""Steps between two records of the losses."""


def train(
    pairs: Sequence[Pair],
    config: TrainingConfig,
    generator_config: NetworkConfig,
    run_folder: Path,
    *,
    held_out: Sequence[Pair] = (),
    resume: bool = False,
    initial: StyleNetwork | None = None,
    teacher: StyleNetwork | None = None,
    vgg_weights: Path | None = None,
    fabric: Fabric | None = None,
) -> tuple[Network, int]:
    """Train until `config.steps`, or until Ctrl-C, which ends the run after the current step.

    `run_folder` gets config.json, metrics.jsonl (the losses), tensorboard (losses and samples),
    checkpoint.pt, and a sample grid (input, output at three scales, target) with each checkpoint;
    best.pt is the generator with the lowest L1 to the held-out targets.

    Args:
        pairs: pairs to train on, at least one.
        config: settings of the training.
        generator_config: settings of the network.
        run_folder: made if it does not exist; where several machines train, on a shared disk.
        held_out: pairs for the sample grid, by default some of `pairs`, and for best.pt.
        resume: continue from the checkpoint in `run_folder`.
        initial: a trained network of the same config to begin with; by default random weights.
            With `resume` the checkpoint's weights are used.
        teacher: a trained network to learn from, beside the targets.
        vgg_weights: VGG-19's weights, by default those in torch hub's cache.
        fabric: by default `make_fabric(config)`.

    Returns:
        The generator, and the number of steps it has been trained for; the same in each process.

    Raises:
        ConfigError: this machine lacks the GPUs that the config asks for, or the network cannot
            take pictures of that size or crop.
        DataError: there are no pairs, or more than 1 % of them cannot be read.
        TrainingError: a loss is not a number any more.
        CheckpointError: there is nothing to resume, something would be overwritten, or the
            checkpoint cannot be written.
    """
    config = config.for_pairs(len(pairs))
    check_start(
        pairs, config, generator_config, run_folder,
        resume=resume, teacher=teacher.network.config if teacher else None,
    )  # fmt: skip
    fabric = fabric or make_fabric(config)
    checkpoint = run_folder / CHECKPOINT_NAME
    perceptual_loss = _perceptual_loss(config, vgg_weights, fabric.device)
    fabric.launch()
    set_threads(config, fabric)
    trainer = Trainer(
        config, generator_config, fabric, perceptual_loss, teacher.network if teacher else None
    )
    if initial is not None:
        trainer.generator.load_state_dict(initial.network.state_dict())
        trainer.initial_style = initial.name
    before = _seen_by(network for network in (initial, teacher) if network is not None)
    if resume:
        before = _resume(trainer, checkpoint)
        if has_all_steps(trainer):
            return trainer.trained_generator(), trainer.num_steps_done
    with (
        torch_errors_named(config),
        others_ended_on_error(fabric),
        interruptible() as interrupted,
        _open_folder(trainer, run_folder) as folder,
    ):
        with recording(pairs if folder else (), before) as trained_pairs:
            _run_steps(trainer, pairs, held_out, folder, checkpoint, trained_pairs, interrupted)
        fabric.barrier()  # nobody leaves before the checkpoint is there
    return trainer.trained_generator(), trainer.num_steps_done


def _run_steps(
    trainer: Trainer,
    pairs: Sequence[Pair],
    held_out: Sequence[Pair],
    folder: RunFolder | None,
    checkpoint: Path,
    trained_pairs: Callable[[], dict[str, Any]],
    interrupted: Callable[[], bool],
) -> None:
    """Train the steps that are left; only the leading process has a folder to write to."""
    config, fabric = trainer.config, trainer.fabric
    broken, stopwatch = BrokenPictures(len(pairs)), Stopwatch()
    best = BestCheckpoint(checkpoint.with_name(BEST_NAME)) if folder and held_out else None
    measured = None
    with (
        _progress(trainer) as progress,
        closing(batches(pairs, config, fabric, trainer.num_steps_done)) as left,
    ):
        for source, target, skipped in stopwatch.waiting_for(left):
            broken.note(skipped)
            losses = trainer.step(source, target)
            progress.update()
            done = trainer.num_steps_done
            ends = done == config.steps or _all_stop(fabric, done, interrupted)
            saves = ends or done % config.save_every == 0
            if saves or done % LOG_EVERY == 0:
                numbers = _averages(fabric, losses)
                check_finite(numbers, done, checkpoint)
                progress.set_postfix({name: f"{number:.3f}" for name, number in numbers.items()})
                if folder and saves:
                    measured = _measure(trainer, held_out or pairs)
                    if measured and best:
                        numbers["held_out_l1"] = measured.l1
                        best.offer(trainer, measured.l1)
                if folder:
                    folder.note(done, stopwatch.seconds, numbers)
            if saves and folder:
                save_checkpoint(trainer.state_dict() | trained_pairs(), checkpoint)
                folder.show(done, _sample_grid(trainer, held_out or pairs))
            if ends:
                break
    if folder and stopwatch.num_steps:
        _log.info("%s", stopwatch.summary())
        _report_quality(trainer, measured, best)


def _seen_by(networks: Iterable[StyleNetwork]) -> TrainedPairs | None:
    """Return the pairs that networks were trained on; None where no network says that."""
    records = [network.trained_pairs for network in networks if network.trained_pairs is not None]
    return functools.reduce(operator.or_, records) if records else None


def _measure(trainer: Trainer, pairs: Sequence[Pair]) -> Validation | None:
    return validate(trainer.trained_generator(), pairs, trainer.config.size)


def _report_quality(
    trainer: Trainer, measured: Validation | None, best: BestCheckpoint | None
) -> None:
    """Log the network's accuracy, and warn if it is clearly under-trained."""
    if best and best.step:
        _log.info(
            "held-out L1: lowest %.1f grey levels, after step %d (%s)",
            best.l1, best.step, BEST_NAME,
        )  # fmt: skip
    if measured and measured.is_poor and trainer.num_steps_done >= trainer.config.steps:
        _log.warning(
            "the network is under-trained: its results differ from the targets by %.1f grey "
            "levels, and plain pictures of one colour by %.1f; resume with more --steps",
            measured.l1, measured.plain_l1,
        )  # fmt: skip


def _open_folder(trainer: Trainer, run_folder: Path) -> AbstractContextManager[RunFolder | None]:
    """Open the run folder in the leading process; the others have none."""
    if not trainer.fabric.is_global_zero:
        return nullcontext()
    settings = {
        "generator": network_table(trainer.generator.config),
        "training": asdict(trainer.config),
    }
    return open_run_folder(run_folder, settings, trainer.num_steps_done)


def _perceptual_loss(
    config: TrainingConfig, vgg_weights: Path | None, device: torch.device
) -> PerceptualLoss:
    if config.perceptual == "l1":
        return functools.partial(l1_gradient_loss, hard_share=config.hard_pixels)
    if config.perceptual == "pixel":
        return pixel_loss
    if config.perceptual == "auto" and vgg_weights is None:
        vgg_weights = fetch_weights()
    return VggPerceptualLoss(load_vgg19(vgg_weights)).to(device)


def _resume(trainer: Trainer, checkpoint: Path) -> TrainedPairs | None:
    """Resume from a checkpoint; name the settings that differ from those of the earlier run.

    Returns:
        The pairs that were trained on before; None where the checkpoint does not say that.
    """
    state = load_checkpoint(checkpoint)
    trainer.load_state_dict(state)
    before, now = state["training_config"], plain(asdict(trainer.config))
    kept = {name: value for name, value in now.items() if name not in ("steps", "epochs")}
    if trainer.fabric.is_global_zero and (differing := name_differences(before, kept)):
        _log.warning("the run had different settings so far: %s", differing)
    return recorded_in(state)


def _averages(fabric: Fabric, losses: dict[str, Tensor]) -> dict[str, float]:
    """Return the mean of each loss over all processes."""
    means: Any = fabric.all_reduce(losses)
    return {name: mean.item() for name, mean in means.items()}


def _all_stop(fabric: Fabric, done: int, interrupted: Callable[[], bool]) -> bool:
    """Say whether Ctrl-C was pressed in any process; they ask each other only now and then."""
    if fabric.world_size == 1:
        return interrupted()
    if done % LOG_EVERY:
        return False
    votes = torch.tensor(float(interrupted()), device=fabric.device)
    return bool(fabric.all_reduce(votes, reduce_op="sum"))


def _progress(trainer: Trainer) -> Bar:
    return Bar(
        total=trainer.config.steps,
        initial=trainer.num_steps_done,
        unit="step",
        desc="training",
        disable=not trainer.fabric.is_global_zero,
    )


def _sample_grid(trainer: Trainer, pairs: Sequence[Pair]) -> NDArray[np.uint8]:
    size, seed = trainer.config.size, trainer.config.seed
    whole = PairStream(pairs, size=size, crop=size, flip=False, seed=seed)
    samples = [whole[number] for number in range(min(NUM_SAMPLES, len(pairs)))]
    return draw_grid(trainer.trained_generator(), [sample[:2] for sample in samples])
