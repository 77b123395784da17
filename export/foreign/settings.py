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
    """Order of the dimensions of what goes in."""
    order: Literal["auto", "rgb", "bgr"] = "auto"
    """Order of the colours; auto is rgb, since no file says it."""
    range_in: Literal["auto", "0..1", "-1..1", "0..255", "imagenet"] = "auto"
    """Values of what goes in; imagenet is 0..1 less the mean and divided by the deviation of
    ImageNet's pictures."""
    range_out: Literal["auto", "0..1", "-1..1", "0..255", "1..0"] = "auto"
    """Values of what comes out; 1..0 is from white to black."""
    size: int | None = None
    """Side of the pictures that the network sees, unless the file says it [pixels]."""
    multiple: int | None = None
    """Both sides may be any multiple of this [pixels]; it also frees a file of one size."""
    output: str | None = None
    """Name of the output that is the picture, where there are several."""
    scaling: Literal["auto", "plain", "guided", "tiles"] = "auto"
    """How results get their size; auto tries out whether tiles agree with the whole."""
    precision: Literal["fp16", "fp32"] = "fp16"
    """Precision of the graph's weights and activations."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a value outside its range."""
        for name, most in (("size", MAX_SIDE), ("multiple", MAX_MULTIPLE)):
            value = getattr(self, name)
            if value is not None and not 1 <= value <= most:
                raise ConfigError(f"{name} is {value}: it must lie within 1..{most}")
