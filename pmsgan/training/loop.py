"""The training loop: samples, steps, checkpoints, and how a run ends."""

import json
import logging
import math
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import cv2
import torch
from torch import Tensor
from torch.utils.data import DataLoader
from tqdm import tqdm

from pmsgan.data.pairs import Pair
from pmsgan.data.stream import PairStream
from pmsgan.errors import CheckpointError, DataError, TrainingError
from pmsgan.model.config import GeneratorConfig
from pmsgan.model.generator import Generator
from pmsgan.model.pixels import bytes_to_rgb
from pmsgan.training.checkpoint import load_checkpoint, save_checkpoint
from pmsgan.training.config import TrainingConfig
from pmsgan.training.grid import draw_grid
from pmsgan.training.losses import l1_gradient_loss
from pmsgan.training.perceptual import VggPerceptualLoss, load_vgg19
from pmsgan.training.run_log import RunLog
from pmsgan.training.trainer import PerceptualLoss, Trainer, plain_config

_log = logging.getLogger(__name__)

CHECKPOINT_NAME = "checkpoint.pt"
NUM_SAMPLES = 4
LOG_EVERY = 10
"""Steps between two looks at the losses."""
MAX_BROKEN_SHARE = 0.01
"""Share of the pairs that may be unreadable."""


def train(
    pairs: list[Pair],
    config: TrainingConfig,
    generator_config: GeneratorConfig,
    run_folder: Path,
    *,
    resume: bool = False,
    vgg_weights: Path | None = None,
    device: torch.device | None = None,
) -> tuple[Generator, int]:
    """Train until `config.steps`, or until Ctrl-C, which ends the run after the current step.

    `run_folder` gets config.json, metrics.jsonl (the losses), checkpoint.pt, and a sample grid
    (input, output at three scales, target) with each checkpoint.

    Args:
        pairs: what to learn, at least one.
        config: how.
        generator_config: which network.
        run_folder: made if it does not exist.
        resume: go on from the checkpoint in `run_folder`.
        vgg_weights: VGG-19's weights, by default those in torch hub's cache; the perceptual loss
            `l1` needs none.
        device: by default the first GPU, else the CPU.

    Returns:
        The generator, and the number of steps it has been trained for.

    Raises:
        DataError: there are no pairs, or more than 1 % of them cannot be read; single ones are
            named and skipped.
        TrainingError: a loss is not a number any more.
        CheckpointError: there is nothing to resume, something would be overwritten, or the
            checkpoint cannot be written.
    """
    if not pairs:
        raise DataError("there are no pairs to train on")
    device = device or torch.device("cuda" if torch.cuda.is_available() else "cpu")
    checkpoint = run_folder / CHECKPOINT_NAME
    perceptual_loss = _perceptual_loss(config, vgg_weights, device)
    trainer = Trainer(config, generator_config, device, perceptual_loss)
    if resume:
        state = load_checkpoint(checkpoint)
        trainer.load_state_dict(state)
        _tell_changes(state["training_config"], plain_config(config))
    elif checkpoint.exists():
        raise CheckpointError(f"{checkpoint} exists: go on with --resume, or give a new --out")
    _write_config(run_folder, trainer)

    with _interruptible() as interrupted, _progress(trainer) as progress:
        broken = _BrokenPictures(len(pairs))
        log = RunLog(run_folder)
        for source, target, skipped in log.waiting_for(_batches(pairs, trainer)):
            broken.note(skipped)
            with _memory_errors_named(config):
                losses = trainer.step(source, target)
            progress.update()
            done = trainer.num_steps_done
            ends = done == config.steps or interrupted()
            saves = ends or done % config.save_every == 0
            if saves or done % LOG_EVERY == 0:
                numbers = {name: loss.item() for name, loss in losses.items()}
                _check_finite(numbers, done, checkpoint)
                log.note(done, numbers)
                progress.set_postfix({name: f"{number:.3f}" for name, number in numbers.items()})
            if saves:
                save_checkpoint(trainer.state_dict(), checkpoint)
                _save_sample(trainer, pairs, run_folder)
            if ends:
                break
    if log.num_steps:
        _log.info("%s", log.summary())
    return trainer.trained_generator(), trainer.num_steps_done


def _perceptual_loss(
    config: TrainingConfig, vgg_weights: Path | None, device: torch.device
) -> PerceptualLoss:
    if config.perceptual == "l1":
        return l1_gradient_loss
    return VggPerceptualLoss(load_vgg19(vgg_weights)).to(device)


class _BrokenPictures:
    """Names each picture that cannot be read once, and ends the run where there are many."""

    def __init__(self, num_pairs: int) -> None:
        self._most = max(1, int(num_pairs * MAX_BROKEN_SHARE))
        self._reasons: set[str] = set()

    def note(self, skipped: Sequence[str]) -> None:
        for reason in sorted(set(skipped) - self._reasons - {""}):
            self._reasons.add(reason)
            tqdm.write(f"skipped: {reason}", file=sys.stderr)
        if len(self._reasons) > self._most:
            raise DataError(
                f"{len(self._reasons)} pictures cannot be read, more than {MAX_BROKEN_SHARE:.0%} "
                "of the pairs: remove or replace the ones named above"
            )


@contextmanager
def _memory_errors_named(config: TrainingConfig) -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        if not isinstance(error, torch.OutOfMemoryError) and "allocate" not in str(error):
            raise
        raise TrainingError(
            f"out of memory with --batch-size {config.batch_size} at {config.crop_side}x"
            f"{config.crop_side} pixels: lower --batch-size, --crop or --base-channels"
        ) from error


def _check_finite(losses: dict[str, float], step: int, checkpoint: Path) -> None:
    for name, number in losses.items():
        if not math.isfinite(number):
            last = f"go on from {checkpoint} with --resume and" if checkpoint.exists() else "try"
            raise TrainingError(
                f"the {name} loss is {number} at step {step}: {last} a lower --learning-rate"
            )


def _batches(pairs: list[Pair], trainer: Trainer) -> Iterator[tuple[Tensor, Tensor, Sequence[str]]]:
    """Yield what is left of the run: input and target, float [N, 3, H, W] RGB in [-1, 1].

    The third is what had to be skipped for each sample.
    """
    config, device = trainer.config, trainer.device
    stream = PairStream(
        pairs, size=config.size, crop=config.crop_side, flip=config.flip, seed=config.seed
    )
    first, last = (steps * config.batch_size for steps in (trainer.num_steps_done, config.steps))
    loader = DataLoader(
        stream,
        batch_size=config.batch_size,
        sampler=range(first, last),
        num_workers=config.num_workers,
        pin_memory=device.type == "cuda",
        worker_init_fn=_leave_interrupts_to_the_parent,
    )
    for *images, skipped in _read(loader):
        source, target = (
            bytes_to_rgb(image.to(device, non_blocking=True)).contiguous(
                memory_format=torch.channels_last
            )
            for image in images
        )
        yield source, target, skipped


def _read(loader: Iterable[list[Any]]) -> Iterator[list[Any]]:
    """Iterate over a loader; an error in a worker comes without the worker's traceback."""
    try:
        yield from loader
    except DataError as error:
        last_line = str(error).strip().splitlines()[-1]
        raise DataError(last_line.removeprefix("pmsgan.errors.DataError: ")) from error


def _leave_interrupts_to_the_parent(worker: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Note Ctrl-C instead of raising, so that a step is never left half done."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False  # only the main thread may change how signals are taken
        return
    pressed = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed:
            raise KeyboardInterrupt
        pressed = True

    previous = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: pressed
    finally:
        signal.signal(signal.SIGINT, previous)


def _progress(trainer: Trainer) -> "tqdm[Any]":
    return tqdm(
        total=trainer.config.steps,
        initial=trainer.num_steps_done,
        unit="step",
        desc="training",
        dynamic_ncols=True,
    )


def _save_sample(trainer: Trainer, pairs: list[Pair], run_folder: Path) -> None:
    size, seed = trainer.config.size, trainer.config.seed
    whole = PairStream(pairs, size=size, crop=size, flip=False, seed=seed)
    samples = [whole[number] for number in range(min(NUM_SAMPLES, len(pairs)))]
    grid = draw_grid(trainer.trained_generator(), [sample[:2] for sample in samples])
    encoded = cv2.imencode(".png", grid)[1]
    path = run_folder / "samples" / f"step_{trainer.num_steps_done:07d}.png"
    try:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(encoded.tobytes())
    except OSError as error:
        _log.warning("cannot write the samples %s: %s", path, error.strerror)


def _tell_changes(before: dict[str, Any], now: dict[str, Any]) -> None:
    """Name the settings that a resumed run does not share with the run before it."""
    changes = [
        f"{name} {before.get(name)} -> {value}"
        for name, value in now.items()
        if name != "steps" and before.get(name) != value
    ]
    if changes:
        _log.warning("going on with other settings: %s", ", ".join(changes))


def _write_config(run_folder: Path, trainer: Trainer) -> None:
    resolved = {
        "generator": plain_config(trainer.generator.config),
        "training": plain_config(trainer.config),
    }
    text = json.dumps(resolved, indent=2) + "\n"
    path = run_folder / "config.json"
    try:
        run_folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CheckpointError(f"cannot write {path}: {error.strerror}") from error
