"""How a style makes results of any size."""

import math
from dataclasses import dataclass, field, fields
from typing import Any, Literal

from pmsgan.errors import ConfigError

ScalingMode = Literal["guided", "plain", "tiles"]
_MODES = ("guided", "plain", "tiles")
_WHOLE_NUMBERS = {"working_size", "min_size", "tile_size", "radius"}

TILE_SIZE = 768
"""Side of tiles [pixels]. The larger they are, the nearer is a channel's mean over a tile, by which
the network weighs the channel, to its mean over the whole picture."""

MAX_TILE = 16384


@dataclass(frozen=True, kw_only=True, slots=True)
class Scaling:
    """How a style gives results of any size; the table [scaling] of style.toml."""

    mode: ScalingMode = "plain"
    """guided and plain show the network the whole picture in the style's size. Then guided brings
    the result to its size by a guided filter, whose guide is the picture, and plain by bicubic
    enlargement. tiles shows the network the picture at any size, in tiles where it is large."""
    working_size: int = 0
    """Long side of the picture as the network sees it [pixels]: with tiles at most, since smaller
    pictures are not enlarged, and 0 is the picture's own size; otherwise it is that of the style's
    pictures."""
    min_size: int = 0
    """With tiles and a working size, a picture with a smaller long side is enlarged to this one
    [pixels]. It is that of the style's pictures: a network draws badly what is smaller than what it
    was trained on."""
    tile_size: int = TILE_SIZE
    """Side of a tile at most [pixels]."""
    radius: int = 1
    """Radius of the guided filter's windows, at the size that the network sees [pixels]."""
    epsilon: float = 1e-4
    """Variance of the guide, with levels 0 to 1, below which the guided filter smooths."""
    figures: dict[str, float] = field(default_factory=dict, hash=False)
    """Measurements that led to this choice, such as held-out PSNR [dB], by their name."""

    def __post_init__(self) -> None:
        """Raise ConfigError if a value is out of range."""
        if self.mode not in _MODES:
            raise ConfigError(f"scaling mode is {self.mode!r:.40}: it must be one of {_MODES}")
        if self.working_size < 0:
            raise ConfigError(f"working_size is {self.working_size}: it must be at least 0")
        if self.min_size < 0:
            raise ConfigError(f"min_size is {self.min_size}: it must be at least 0")
        if not 1 <= self.tile_size <= MAX_TILE:
            raise ConfigError(f"tile_size is {self.tile_size}: it must lie within 1..{MAX_TILE}")
        if not 1 <= self.radius <= MAX_TILE:
            raise ConfigError(f"radius is {self.radius}: it must lie within 1..{MAX_TILE}")
        if not self.epsilon > 0:
            raise ConfigError(f"epsilon is {self.epsilon}: it must be greater than 0")

    def long_side(self, own: int) -> int:
        """Return the long side at which tiles show a picture with a long side of its own [pixels].

        A picture that is smaller than the working size is not enlarged to it: in its own size,
        lines are as bold as they are in a large one, and it takes fewer tiles.
        """
        if self.working_size == 0:
            return own
        return min(self.working_size, max(own, self.min_size))

    def view(self, size: tuple[int, int], side_multiple: int) -> tuple[int, int]:
        """Return height and width of one view of the network [pixels].

        Args:
            size: height and width of the style's pictures [pixels].
            side_multiple: the sides of a tile are multiples of this [pixels].
        """
        if self.mode != "tiles":
            return size
        side = min(self.working_size or self.tile_size, self.tile_size)
        side = math.ceil(side / side_multiple) * side_multiple
        return max(size[0], side), max(size[1], side)


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
    for name in _WHOLE_NUMBERS & table.keys():
        if type(table[name]) is not int:
            raise ConfigError(f"{name} is {table[name]!r:.40}: it must be a whole number")
    if table.get("mode", "plain") == "tiles":
        return Scaling(**{"min_size": max(size), **table})
    scaling = Scaling(**{"working_size": max(size), **table})
    if scaling.working_size != max(size):
        raise ConfigError(
            f"working_size is {scaling.working_size}: without tiles it must be the long side of "
            f"the style's pictures, {max(size)}"
        )
    return scaling
