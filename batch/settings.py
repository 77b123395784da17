"""What a user can choose about a conversion; light to import."""

from dataclasses import dataclass
from typing import Literal

from pmsgan.engine.choices import Precision
from pmsgan.errors import ConfigError
from pmsgan.formats import OutputFormat

Fit = Literal["stretch", "pad", "crop"]
"""How a picture of another shape is brought to the style's."""

OutputSize = Literal["style", "source"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvertSettings:
    """What decides how results look; with the style, it is what a journal belongs to."""

    output_format: OutputFormat = "png"
    """png, jpg or webp; same keeps these three, and makes PNG of the rest."""
    quality: int = 95
    """Of JPEG and WebP, 1..100."""
    png_level: int = 1
    """Compression of PNG, 0 (none) .. 9 (slow)."""
    fit: Fit = "stretch"
    """stretch changes the proportions, pad keeps them, crop cuts off what sticks out."""
    output_size: OutputSize = "style"
    """Results have the style's size, or are brought back to that of their source."""
    precision: Precision = "auto"
    """Arithmetic; auto takes the fastest that is accurate."""

    def __post_init__(self) -> None:
        """Raise ConfigError if a value is out of range."""
        if not 1 <= self.quality <= 100:
            raise ConfigError(f"quality is {self.quality}: it must lie within 1..100")
        if not 0 <= self.png_level <= 9:
            raise ConfigError(f"png_level is {self.png_level}: it must lie within 0..9")
