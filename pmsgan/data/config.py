"""How data tools work, readable without NumPy and OpenCV."""

from dataclasses import dataclass

from pmsgan.errors import ConfigError

Point = tuple[float, float]
"""x, y [pixels], from the top left corner."""
Eyes = tuple[Point, Point]
"""Centres of the two eyes, the one further left in the picture first."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LinesConfig:
    """How a drawing looks."""

    sigma: float = 1.6
    """Thickness of the lines: standard deviation of the narrower Gaussian [pixels]."""
    tau: float = 0.98
    """Weight of the wider Gaussian; below 1 plain areas stay white."""
    threshold: float = -0.002
    """Where ink begins; lower leaves only the strongest lines."""
    steepness: float = 120.0
    """How hard the edge of a line is."""
    smoothing: int = 2
    """Rounds of edge-keeping smoothing first, against texture and noise."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a value outside its range."""
        for name in ("sigma", "tau", "steepness"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must be positive")
        if self.smoothing < 0:
            raise ConfigError(f"smoothing is {self.smoothing}: it must not be negative")


@dataclass(frozen=True, kw_only=True, slots=True)
class AlignConfig:
    """Size of a crop, and where the eyes are in it [D: the paper names the sizes alone]."""

    width: int = 200
    """Pixels."""
    height: int = 250
    """Pixels."""
    eye_height: float = 0.5
    """Height of both eyes below the upper edge, as a share of the height."""
    eye_distance: float = 0.25
    """Between the eyes, as a share of the width; they stand symmetrically."""

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
        """Where the eyes shall be."""
        y, half = self.eye_height * self.height, self.eye_distance / 2 * self.width
        return (self.width / 2 - half, y), (self.width / 2 + half, y)
