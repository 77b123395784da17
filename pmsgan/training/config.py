"""What a training run does, readable without torch."""

from dataclasses import dataclass
from typing import Literal, get_args

from pmsgan.errors import ConfigError
from pmsgan.model.config import check_sides

Perceptual = Literal["vgg19", "l1"]
PERCEPTUALS: tuple[Perceptual, ...] = get_args(Perceptual)

Precision = Literal["fp32", "bf16", "fp16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)

MIN_CROP = 96
"""Pixels: a quarter of it is the least that the third discriminator's layers leave anything of."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingConfig:
    """One training run. Defaults are the paper's; those marked [D] are ours, it is silent."""

    steps: int = 100_000
    """Updates of the discriminators and of the generator [D]."""
    batch_size: int = 1
    """Pairs in one step of one process."""
    size: int = 256
    """Side [pixels] of the pictures; the style works at this size."""
    crop: int = 0
    """Side [pixels] of the random crop that is trained on; 0 takes the whole picture [D]."""
    flip: bool = True
    """Mirror half of the samples [D]."""
    direction: str = "left:right"
    """FROM:TO, as two halves (left:right) or two sub-folders (sketch:face)."""
    learning_rate: float = 2e-4
    """Of Adam, fixed."""
    betas: tuple[float, float] = (0.5, 0.99)
    """Of Adam."""
    lambda_adversarial: float = 1.0
    """Weight of L_adv in Eq. 3; 0 leaves the discriminators out, at half the time for a step."""
    lambda_perceptual: float = 5.0
    """Weight of L_p in Eq. 3."""
    perceptual: Perceptual = "vgg19"
    """L_p: vgg19 is Eq. 2; l1 is L1 plus gradient L1, for want of VGG-19's weights."""
    ema_decay: float = 0.0
    """Decay of the moving average of the generator that becomes the style; 0 is off [D]."""
    gradient_clip: float = 0.0
    """Largest norm of a network's gradient; 0 is off [D]."""
    precision: Precision = "fp32"
    """fp32, or bf16 autocast, or on a GPU fp16 autocast with loss scaling."""
    channels_last: bool = True
    """Lay tensors out as [N, H, W, C] in memory, which convolutions prefer; changes no result."""
    compile: bool = False
    """Compile the networks with torch.compile, which takes minutes before the first step."""
    devices: int = 1
    """GPUs on each machine, or processes on one without a GPU."""
    num_nodes: int = 1
    """Machines."""
    seed: int = 0
    """Of weights, order, crops and flips."""
    num_workers: int = 2
    """Processes that read pictures."""
    save_every: int = 500
    """Steps between checkpoints, each with a sample grid."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a value outside its range."""
        check_sides(self.size, self.size)
        if self.crop:
            check_sides(self.crop, self.crop)
        if self.crop > self.size:
            raise ConfigError(f"crop is {self.crop}: it must not exceed size, {self.size}")
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
            "num_workers",
            "seed",
            "gradient_clip",
        ):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must not be negative")
        if not 0 <= self.ema_decay < 1:
            raise ConfigError(f"ema_decay is {self.ema_decay}: it must be in [0, 1)")
        if self.perceptual not in PERCEPTUALS:
            raise ConfigError(
                f"perceptual is {self.perceptual!r}: use one of {', '.join(PERCEPTUALS)}"
            )
        if self.precision not in PRECISIONS:
            raise ConfigError(
                f"precision is {self.precision!r}: use one of {', '.join(PRECISIONS)}"
            )

    @property
    def crop_side(self) -> int:
        """Side [pixels] of what the network sees in training."""
        return self.crop or self.size
