"""Settings of a training run, readable without torch."""

import math
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from pmsgan.data.config import DEFAULT_DIRECTION
from pmsgan.errors import ConfigError
from pmsgan.model.config import INITIAL_WEIGHTS, InitialWeights, NetworkName, check_side

Perceptual = Literal["auto", "vgg19", "l1", "pixel"]
PERCEPTUALS: tuple[Perceptual, ...] = get_args(Perceptual)

Adversarial = Literal["pmsgan", "pix2pix"]
ADVERSARIALS: tuple[Adversarial, ...] = get_args(Adversarial)

Schedule = Literal["constant", "cosine"]
SCHEDULES: tuple[Schedule, ...] = get_args(Schedule)

Precision = Literal["fp32", "bf16", "fp16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

RENAMED_OPTIONS = {
    "num_readers": "--readers",
    "initial_weights": "--init",
    "num_threads": "--threads",
}
"""Options of `pmsgan train` whose names differ from their settings."""

MIN_CROP = 96
"""Smallest side to train on [pixels]: the third discriminator works at a quarter of it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig:
    """Settings of a training run; the text below a field is also the help of its option.

    Defaults are the paper's. Where it is silent, they are ours: steps, crop, flip, ema_decay and
    gradient_clip.
    """

    steps: int = 100_000
    """Number of training steps."""
    epochs: int = 0
    """Passes over the pairs, instead of a number of steps; 0 leaves it to the steps."""
    batch_size: int = 1
    """Pairs in each step on one device."""
    size: int = 256
    """Side of the pictures [pixels].

    The style works at this size.
    """
    load_size: int = 0
    """Side that pictures are resized to before the random crop [pixels]; 0 means size.

    pix2pix resizes them to 286 and crops 256.
    """
    crop: int = 0
    """Side of the random crop to train on [pixels]; 0 means size."""
    flip: bool = True
    """Mirror half of the samples."""
    direction: str = DEFAULT_DIRECTION
    """FROM:TO: left:right, right:left, or two folders by words in their names."""
    learning_rate: float = 2e-4
    """Learning rate of Adam."""
    schedule: Schedule = "constant"
    """Learning rate over the steps: constant, or cosine, which falls to 0 at the last step."""
    betas: tuple[float, float] = (0.5, 0.99)
    """Decay rates of Adam's moving averages."""
    initial_weights: InitialWeights = "scaled"
    """Initial weights: scaled, which keep the size of features, or paper, N(0, 0.02).

    The paper's learn too, some hundred steps later.
    """
    adversarial: Adversarial = "pmsgan"
    """Adversarial loss: pmsgan (least squares), or pix2pix (conditional, cross-entropy).

    pmsgan is Eq. 1, whose discriminators see a picture alone; those of pix2pix see the input, too.
    """
    lambda_adversarial: float = 1.0
    """Weight of the adversarial loss; 0 means no discriminators.

    L_adv in Eq. 3; without discriminators a step takes half the time.
    """
    lambda_perceptual: float = 5.0
    """Weight of the perceptual loss.

    L_p in Eq. 3.
    """
    lambda_rgb1: float = 0.0
    """Weight of the perceptual loss on RGB_1, which MSSA reads; 0 means none.

    The paper has none: RGB_1 learns through the final picture alone.
    """
    lambda_teacher: float = 5.0
    """Weight of the distance to the teacher's pictures: L1 plus gradient L1.

    Distillation (ours): a small network learns what a trained one makes of the same input.
    """
    perceptual: Perceptual = "auto"
    """Perceptual loss: auto (vgg19, whose weights are downloaded once), vgg19 (only from a file or
    the cache), l1 (L1 plus gradient L1, without VGG-19), or pixel (L1).

    vgg19 is Eq. 2; l1 stands in for it where VGG-19's weights are missing; pixel is pix2pix's.
    """
    hard_pixels: float = 0.0
    """Share of pixels with the largest errors that count again, such as 0.03; 0 means none.

    Small parts gain weight. Needs perceptual l1.
    """
    ema_decay: float = 0.0
    """Decay of the weights' moving average, such as 0.999; 0 means none.

    The moving average of the generator becomes the style.
    """
    gradient_clip: float = 0.0
    """Largest norm of a network's gradient; 0 means no limit."""
    precision: Precision = "fp32"
    """Arithmetic: fp32; bf16 autocast; fp16 autocast on a GPU, with loss scaling."""
    channels_last: bool = True
    """Lay tensors out as [N, H, W, C] in memory, which convolutions prefer."""
    compile: bool = False
    """Use torch.compile: starting takes minutes, then steps are faster."""
    devices: int = 1
    """GPUs on each machine; without a GPU, processes."""
    num_nodes: int = 1
    """Machines; this command runs on each of them."""
    seed: int = 0
    """Seed for the weights, order, crops and flips."""
    num_readers: int = 2
    """Processes that read pictures, for each device."""
    num_threads: int = 0
    """CPU threads for each device; 0 means one for each idle core.

    More threads than idle cores wait for each other: a step takes many times as long.
    """
    save_every: int = 500
    """Steps between checkpoints and sample grids."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a value outside its range."""
        for name in ("size", *(["crop"] if self.crop else [])):
            check_side(f"{name} is {getattr(self, name)}, which", getattr(self, name))
        if self.crop > self.load_side:
            room = (
                f"it must not exceed load_size, {self.load_size}"
                if self.load_size
                else f"it must not exceed {self.size}, unless load_size is larger"
            )
            raise ConfigError(f"crop is {self.crop}: {room}")
        if not self.crop and self.size > self.load_side:
            raise ConfigError(
                f"size is {self.size}: without a crop it must not exceed load_size, "
                f"{self.load_size}"
            )
        if self.crop_side < MIN_CROP:
            raise ConfigError(
                f"{'crop' if self.crop else 'size'} is {self.crop_side}: "
                f"training needs at least {MIN_CROP}"
            )
        for name in ("steps", "batch_size", "save_every", "devices", "num_nodes"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must be at least 1")
        for name in (
            "learning_rate",
            "lambda_adversarial",
            "lambda_perceptual",
            "lambda_rgb1",
            "lambda_teacher",
            "num_readers",
            "num_threads",
            "epochs",
            "load_size",
            "seed",
            "gradient_clip",
        ):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must not be negative")
        if not 0 <= self.ema_decay < 1:
            raise ConfigError(f"ema_decay is {self.ema_decay}: it must be in [0, 1)")
        if not 0 <= self.hard_pixels <= 1:
            raise ConfigError(f"hard_pixels is {self.hard_pixels}: it must be in [0, 1]")
        if self.hard_pixels and self.perceptual != "l1":
            raise ConfigError(f"hard_pixels is {self.hard_pixels}: it needs --perceptual l1")
        if self.perceptual not in PERCEPTUALS:
            raise ConfigError(
                f"perceptual is {self.perceptual!r}: use one of {', '.join(PERCEPTUALS)}"
            )
        if self.adversarial not in ADVERSARIALS:
            raise ConfigError(
                f"adversarial is {self.adversarial!r}: use one of {', '.join(ADVERSARIALS)}"
            )
        if self.schedule not in SCHEDULES:
            raise ConfigError(f"schedule is {self.schedule!r}: use one of {', '.join(SCHEDULES)}")
        if self.initial_weights not in INITIAL_WEIGHTS:
            raise ConfigError(
                f"initial_weights is {self.initial_weights!r}: "
                f"use one of {', '.join(INITIAL_WEIGHTS)}"
            )
        if self.precision not in PRECISIONS:
            raise ConfigError(
                f"precision is {self.precision!r}: use one of {', '.join(PRECISIONS)}"
            )

    def learning_rate_at(self, step: int) -> float:
        """Return the learning rate of a step, which is in [0, steps)."""
        if self.schedule == "constant":
            return self.learning_rate
        return self.learning_rate * (1 + math.cos(math.pi * step / self.steps)) / 2

    def for_pairs(self, num_pairs: int) -> "TrainingConfig":
        """Return the settings of a training on `num_pairs`: epochs turned into steps."""
        if not self.epochs:
            return self
        pairs_in_step = self.batch_size * self.devices * self.num_nodes
        return replace(self, steps=math.ceil(self.epochs * num_pairs / pairs_in_step))

    @property
    def load_side(self) -> int:
        """Side that pictures are brought to before the crop [pixels]."""
        return self.load_size or self.size

    @property
    def crop_side(self) -> int:
        """Side of what the network sees in training [pixels]."""
        return self.crop or self.size


NETWORK_SETTINGS: dict[NetworkName, dict[str, Any]] = {
    "pmsgan": {},
    "pix2pix": {
        "adversarial": "pix2pix",
        "perceptual": "pixel",
        "lambda_perceptual": 100.0,
        "betas": (0.5, 0.999),
        "initial_weights": "paper",
    },
}
"""Settings of `TrainingConfig` that a network's paper has, where they are not the defaults."""
