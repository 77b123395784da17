"""The paper's data sets and the settings of data tools, readable without NumPy and OpenCV."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypedDict

from pmsgan.errors import ConfigError

PresetName = Literal["cufs", "cufsf", "apdrawing", "sketch2anime"]

DEFAULT_DIRECTION = "left:right"
"""Default FROM:TO, for side-by-side pictures."""

Point = tuple[float, float]
"""x, y [pixels], from the top left corner."""
Eyes = tuple[Point, Point]
"""Centres of the two eyes, the one further left in the picture first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LinesConfig:
    """Settings of a line drawing."""

    sigma: float = 1.6
    """Thickness of the lines [pixels].

    It is the standard deviation of the narrower Gaussian.
    """
    tau: float = 0.98
    """Weight of the wider Gaussian; below 1 plain areas stay white."""
    threshold: float = -0.002
    """Threshold below which a pixel becomes ink; a lower value leaves only the strongest lines."""
    steepness: float = 120.0
    """Hardness of the edges of lines."""
    smoothing: int = 2
    """Passes of edge-preserving smoothing against texture and noise."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a value outside its range."""
        for name in ("sigma", "tau", "steepness"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must be positive")
        if self.smoothing < 0:
            raise ConfigError(f"smoothing is {self.smoothing}: it must not be negative")


@dataclass(frozen=True, kw_only=True, slots=True)
class AlignConfig:
    """Size of a crop, and the place of the eyes in it, which the paper does not state."""

    width: int = 200
    """Width of a crop [pixels]."""
    height: int = 250
    """Height of a crop [pixels]."""
    eye_height: float = 0.5
    """Distance of both eyes from the upper edge, as a share of the height."""
    eye_distance: float = 0.25
    """Distance between the eyes, as a share of the width; they stand symmetrically."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a value outside its range."""
        for name in ("width", "height"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must be at least 1")
        for name in ("eye_height", "eye_distance"):
            if not 0 < getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must be between 0 and 1")

    @property
    def eyes(self) -> Eyes:
        """Centres of the two eyes in a crop."""
        y, half = self.eye_height * self.height, self.eye_distance / 2 * self.width
        return (self.width / 2 - half, y), (self.width / 2 + half, y)


@dataclass(frozen=True, kw_only=True, slots=True)
class FlatsConfig:
    """Pairs of line art and flat colours that are made from illustrations."""

    size: int = 256
    """Side of a pair [pixels]."""
    per_picture: int = 1
    """Variations of each picture."""
    seed: int = 0
    """Seed for the variations."""
    num_processes: int = 0
    """Number of processes; 0 means one for each CPU core."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a value outside its range."""
        for name, least in (("size", 16), ("per_picture", 1), ("seed", 0), ("num_processes", 0)):
            if getattr(self, name) < least:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must be {least} or more")


class PresetSettings(TypedDict):
    """Fields of `TrainingConfig` that a preset decides."""

    size: int
    direction: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Preset:
    """One data set. Split sizes marked [D] are those usual in the literature."""

    num_train: int
    """Pairs to train on."""
    num_test: int
    """Pairs that are left for testing."""
    prepared: tuple[int, int]
    """Width and height that the pictures are aligned and cropped to [pixels]."""
    size: int
    """Side that the network is trained at [pixels]."""
    direction: str
    """FROM:TO of the paper's first task, as words in the names of the set's folders."""
    division: str | None
    """Source of the choice of training pairs; None if they are chosen at random."""
    num_lost: int = 0
    """Most pairs that copies of the set lack."""
    any_number: bool = False
    """Whether similar sets with another number of pairs are accepted."""
    halves: str | None = None
    """FROM:TO of its side-by-side pictures; None where copies of the set differ."""
    composition: str = ""
    """Sets that it consists of, for messages."""

    @property
    def num_pairs(self) -> int:
        """Pairs in the whole set."""
        return self.num_train + self.num_test

    @property
    def settings(self) -> PresetSettings:
        """Settings to train with: `TrainingConfig(**PRESETS["cufs"].settings, steps=100)`."""
        return {"size": self.size, "direction": self.direction}

    def halves_of(self, direction: str) -> str | None:
        """Return how side-by-side pictures are read in the preset's direction, or the other way."""
        if self.halves is None or {*direction.split(":")} != {*self.direction.split(":")}:
            return None
        is_turned = direction != self.direction
        return ":".join(reversed(self.halves.split(":"))) if is_turned else self.halves


_LISTS = "https://github.com/fei-aiart/ca-gan"
"""Source of the published lists that usually divide CUFS and CUFSF."""

PRESETS: Mapping[PresetName, Preset] = MappingProxyType(
    {
        # the split is [D]
        "cufs": Preset(
            num_train=268,
            num_test=338,
            prepared=(200, 250),
            size=256,
            direction="photo:sketch",
            division=f"by a published list ({_LISTS}, data/list_train.txt)",
            num_lost=1,
            composition="CUHK student 188, AR 123, XM2VTS 295",
        ),
        # photographs of FERET; the split is [D]
        "cufsf": Preset(
            num_train=250,
            num_test=944,
            prepared=(200, 250),
            size=256,
            direction="photo:sketch",
            division=f"by a published list ({_LISTS}, data/list_train_F.txt)",
        ),
        # the split is [D]
        "apdrawing": Preset(
            num_train=70,
            num_test=70,
            prepared=(512, 512),
            size=512,
            direction="photo:drawing",
            division="by its authors' folders train and test",
            halves="left:right",
        ),
        "sketch2anime": Preset(
            num_train=130_000,
            num_test=5_509,
            prepared=(512, 512),
            size=512,
            direction="sketch:anime",
            division=None,
            any_number=True,
        ),
    }
)
