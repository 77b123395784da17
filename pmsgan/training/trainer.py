"""The training loop: three discriminators against one generator, updated alternately."""

import json
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import Any

import cv2
import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from torch.utils.data import DataLoader
from tqdm import tqdm

from pmsgan.data.pairs import Pair
from pmsgan.data.stream import PairStream
from pmsgan.errors import CheckpointError, DataError
from pmsgan.model.config import GeneratorConfig
from pmsgan.model.discriminator import PatchDiscriminator
from pmsgan.model.generator import Generator, init_weights
from pmsgan.model.pixels import bytes_to_rgb
from pmsgan.training.checkpoint import load_checkpoint, save_checkpoint
from pmsgan.training.config import TrainingConfig
from pmsgan.training.grid import draw_grid
from pmsgan.training.losses import (
    adversarial_loss,
    discriminator_loss,
    l1_gradient_loss,
    target_pyramid,
)
from pmsgan.training.perceptual import VggPerceptualLoss, load_vgg19

PerceptualLoss = Callable[[Sequence[Tensor], Sequence[Tensor]], Tensor]
"""L_p of (y_out, RGB_2, RGB_3) against (y, y_2, y_3)."""

CHECKPOINT_NAME = "checkpoint.pt"
NUM_SAMPLES = 4


class Trainer:
    """Networks and optimisers of one run, and the step that updates them."""

    def __init__(
        self,
        config: TrainingConfig,
        generator_config: GeneratorConfig,
        device: torch.device,
        perceptual_loss: PerceptualLoss = l1_gradient_loss,
    ) -> None:
        """Make fresh networks from the config's seed."""
        torch.manual_seed(config.seed)
        self.config = config
        self.device = device
        self.num_steps_done = 0
        generator = Generator(generator_config)
        discriminators = nn.ModuleList(
            PatchDiscriminator() for _ in range(generator_config.num_stages)
        )
        for network in (generator, discriminators):
            init_weights(network)
            network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.generator = generator
        self.perceptual_loss = perceptual_loss
        self.discriminators = discriminators
        self.average = (
            AveragedModel(generator, multi_avg_fn=get_ema_multi_avg_fn(config.ema_decay))
            if config.ema_decay
            else None
        )
        self.generator_optimizer = self._adam(generator)
        self.discriminator_optimizer = self._adam(discriminators)

    def step(self, source: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Update the discriminators, then the generator.

        Args:
            source: float [N, 3, H, W], RGB in [-1, 1].
            target: likewise.

        Returns:
            The losses, one number each: `discriminator`, `perceptual`, `adversarial`; without an
            adversarial weight the second alone.
        """
        with self._autocast():
            fakes = self.generator(source)
        fakes = [fake.float() for fake in fakes]
        reals = target_pyramid(target, len(fakes))
        losses: dict[str, Tensor] = {}
        if self.config.lambda_adversarial:
            losses |= self._step_discriminators(fakes, reals)
        losses |= self._step_generator(fakes, reals)
        if self.average is not None:
            self.average.update_parameters(self.generator)
        self.num_steps_done += 1
        return losses

    def _step_discriminators(self, fakes: list[Tensor], reals: list[Tensor]) -> dict[str, Tensor]:
        self.discriminators.requires_grad_(True)
        with self._autocast():
            real_scores = self._scores(reals)
            fake_scores = self._scores([fake.detach() for fake in fakes])
            loss = discriminator_loss(real_scores, fake_scores)
        self.discriminator_optimizer.zero_grad()
        loss.backward()
        self.discriminator_optimizer.step()
        return {"discriminator": loss.detach()}

    def _step_generator(self, fakes: list[Tensor], reals: list[Tensor]) -> dict[str, Tensor]:
        with self._autocast():
            losses = {"perceptual": self.perceptual_loss(fakes, reals)}
        loss = self.config.lambda_perceptual * losses["perceptual"]
        if self.config.lambda_adversarial:
            self.discriminators.requires_grad_(False)
            with self._autocast():
                losses["adversarial"] = adversarial_loss(self._scores(fakes))
            # Eq. 3
            loss = loss + self.config.lambda_adversarial * losses["adversarial"]
        self.generator_optimizer.zero_grad()
        loss.backward()
        self.generator_optimizer.step()
        return {name: value.detach() for name, value in losses.items()}

    def _scores(self, images: list[Tensor]) -> list[Tensor]:
        return [
            judge(image).float() for judge, image in zip(self.discriminators, images, strict=True)
        ]

    def trained_generator(self) -> Generator:
        """Return the generator that becomes the style: the moving average where there is one."""
        if self.average is None:
            return self.generator
        module = self.average.module
        assert isinstance(module, Generator)
        return module

    def state_dict(self) -> dict[str, Any]:
        """Return all that a resumed run needs, as tensors and plain values."""
        return {
            "num_steps_done": self.num_steps_done,
            "generator_config": _plain(self.generator.config),
            "training_config": _plain(self.config),
            "generator": self.generator.state_dict(),
            "discriminators": self.discriminators.state_dict(),
            "average": self.average.state_dict() if self.average is not None else None,
            "generator_optimizer": self.generator_optimizer.state_dict(),
            "discriminator_optimizer": self.discriminator_optimizer.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned.

        Raises:
            CheckpointError: it belongs to another network, or has no moving average.
        """
        if state["generator_config"] != _plain(self.generator.config):
            raise CheckpointError(
                "the checkpoint holds another network than this run asks for "
                f"({state['generator_config']}): use its settings, or a new --out"
            )
        if (state["average"] is None) != (self.average is None):
            raise CheckpointError("the checkpoint and this run differ in --ema-decay")
        self.num_steps_done = state["num_steps_done"]
        self.generator.load_state_dict(state["generator"])
        self.discriminators.load_state_dict(state["discriminators"])
        if self.average is not None:
            self.average.load_state_dict(state["average"])
        self.generator_optimizer.load_state_dict(state["generator_optimizer"])
        self.discriminator_optimizer.load_state_dict(state["discriminator_optimizer"])

    def _adam(self, network: nn.Module) -> torch.optim.Adam:
        return torch.optim.Adam(
            network.parameters(), lr=self.config.learning_rate, betas=self.config.betas
        )

    def _autocast(self) -> torch.autocast:
        enabled = self.config.precision == "bf16"
        return torch.autocast(self.device.type, torch.bfloat16, enabled=enabled)


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

    `run_folder` gets config.json, checkpoint.pt and a sample grid (input, output, target) with
    each checkpoint.

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
        DataError: there are no pairs, or a picture cannot be read.
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
        trainer.load_state_dict(load_checkpoint(checkpoint))
    elif checkpoint.exists():
        raise CheckpointError(f"{checkpoint} exists: go on with --resume, or give a new --out")
    _write_config(run_folder, trainer)

    with _interruptible() as interrupted, _progress(trainer) as progress:
        for source, target in _batches(pairs, trainer):
            losses = trainer.step(source, target)
            progress.update()
            done = trainer.num_steps_done
            ends = done == config.steps or interrupted()
            if ends or done % config.save_every == 0:
                save_checkpoint(trainer.state_dict(), checkpoint)
                _save_sample(trainer, pairs[:NUM_SAMPLES], run_folder)
            if ends or done % 10 == 0:
                progress.set_postfix({name: f"{loss.item():.3f}" for name, loss in losses.items()})
            if ends:
                break
    return trainer.trained_generator(), trainer.num_steps_done


def _perceptual_loss(
    config: TrainingConfig, vgg_weights: Path | None, device: torch.device
) -> PerceptualLoss:
    if config.perceptual == "l1":
        return l1_gradient_loss
    return VggPerceptualLoss(load_vgg19(vgg_weights)).to(device)


def _batches(pairs: list[Pair], trainer: Trainer) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield what is left of the run: input and target, float [N, 3, H, W] RGB in [-1, 1]."""
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
    for batch in loader:
        source, target = (
            bytes_to_rgb(images.to(device, non_blocking=True)).contiguous(
                memory_format=torch.channels_last
            )
            for images in batch
        )
        yield source, target


def _leave_interrupts_to_the_parent(worker: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _interruptible() -> Iterator[Any]:
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
    grid = draw_grid(trainer.trained_generator(), pairs, trainer.config.size)
    encoded = cv2.imencode(".png", grid)[1]
    folder = run_folder / "samples"
    folder.mkdir(exist_ok=True)
    (folder / f"step_{trainer.num_steps_done:07d}.png").write_bytes(encoded.tobytes())


def _write_config(run_folder: Path, trainer: Trainer) -> None:
    run_folder.mkdir(parents=True, exist_ok=True)
    resolved = {
        "generator": _plain(trainer.generator.config),
        "training": _plain(trainer.config),
    }
    text = json.dumps(resolved, indent=2) + "\n"
    (run_folder / "config.json").write_text(text, encoding="utf-8")


def _plain(config: GeneratorConfig | TrainingConfig) -> dict[str, Any]:
    """Return a config as JSON has it: lists instead of tuples."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(config)))
    return plain
