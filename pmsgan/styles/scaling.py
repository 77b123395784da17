"""How a style gives results of any size."""

from dataclasses import dataclass, field, fields
from typing import Any, Literal

from pmsgan.errors import ConfigError

ScalingMode = Literal["guided", "plain", "tiles"]
_MODES = ("guided", "plain", "tiles")


@dataclass(frozen=True, kw_only=True, slots=True)
class Scaling:
    """How a style gives results of any size; the table [scaling] of style.toml."""

    mode: ScalingMode = "plain"
    """guided and plain show the network the whole picture in the style's size. Then guided brings
    the result to its size by a guided filter, whose guide is the picture, and plain by bicubic
    enlargement. tiles shows the network the picture at any size, in tiles of the style's size."""
    working_size: int = 0
    """Long side of the picture as the network sees it [pixels]; with tiles, 0 is the picture's own
    size, and otherwise it is that of the style's pictures."""
    radius: int = 1
    """Radius of the guided filter's windows, at the size that the network sees [pixels]."""
    epsilon: float = 1e-4
    """Variance of the guide, with levels 0 to 1, below which the guided filter smooths."""
    figures: dict[str, float] = field(default_factory=dict)
    """Measurements that led to this choice, such as held-out PSNR [dB], by their name."""

    def __post_init__(self) -> None:
        """Raise ConfigError if a value is out of range."""
        if self.mode not in _MODES:
            raise ConfigError(f"scaling mode is {self.mode!r}: it must be one of {_MODES}")
        if self.working_size < 0:
            raise ConfigError(f"working_size is {self.working_size}: it must be at least 0")
        if self.radius < 1:
            raise ConfigError(f"radius is {self.radius}: it must be at least 1")
        if not self.epsilon > 0:
            raise ConfigError(f"epsilon is {self.epsilon}: it must be greater than 0")


def scaling_from(table: dict[str, Any], size: tuple[int, int]) -> Scaling:
    """Return the scaling that a table of style.toml describes; an empty one is plain.

    Args:
        table: the table [scaling].
        size: height and width of the style's pictures [pixels].

    Raises:
        ConfigError: it has an unknown setting, or a value is out of range.
    """
    known = {field.name for field in fields(Scaling)}
    unknown = sorted(table.keys() - known)
    if unknown:
        raise ConfigError(f"unknown setting {unknown[0]!r} under [scaling]")
    if table.get("mode", "plain") == "tiles":
        return Scaling(**table)
    scaling = Scaling(**{"working_size": max(size), **table})
    if scaling.working_size != max(size):
        raise ConfigError(
            f"working_size is {scaling.working_size}: without tiles it must be the long side of "
            f"the style's pictures, {max(size)}"
        )
    return scaling
