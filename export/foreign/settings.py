"""Settings of an import of an ONNX file, readable without onnx."""

from dataclasses import dataclass
from typing import Literal

from pmsgan.errors import ConfigError
from pmsgan.model.config import MAX_MULTIPLE

MAX_SIDE = 4096


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportSettings:
    """Settings of an imported network; auto is read from the file, or found by running it."""

    layout: Literal["auto", "nchw", "nhwc"] = "auto"
    """Order of the input's dimensions."""
    order: Literal["auto", "rgb", "bgr"] = "auto"
    """Order of the colours; auto means rgb, since no file says which."""
    range_in: Literal["auto", "0..1", "-1..1", "0..255", "imagenet"] = "auto"
    """Range of the input's values; imagenet is 0..1 less the mean of ImageNet's pictures, divided
    by their standard deviation."""
    range_out: Literal["auto", "0..1", "-1..1", "0..255", "1..0"] = "auto"
    """Range of the output's values; 1..0 is inverted: 1 is black."""
    size: int | None = None
    """Side of the pictures that the network sees, unless the file fixes it [pixels]."""
    multiple: int | None = None
    """Both sides may be any multiple of this [pixels], even if the file has one fixed size."""
    output: str | None = None
    """Name of the output that holds the picture, if there are several."""
    scaling: Literal["auto", "plain", "guided", "tiles"] = "auto"
    """How results are enlarged; auto tests whether tiles agree with the whole picture."""
    precision: Literal["fp16", "fp32"] = "fp16"
    """Precision of the graph's weights and activations."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a value outside its range."""
        for name, most in (("size", MAX_SIDE), ("multiple", MAX_MULTIPLE)):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= most:
                raise ConfigError(f"{name} is {value}: it must lie within 1..{most}")
