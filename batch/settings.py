"""All settings of a run; light to import."""

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from pmsgan.engine.choices import Backend, Device, Precision
from pmsgan.errors import ConfigError
from pmsgan.formats import OutputFormat
from pmsgan.styles.palette import Palette

if TYPE_CHECKING:
    from pmsgan.styles.registry import Style
    from pmsgan.styles.scaling import Scaling

Fit = Literal["stretch", "pad", "crop"]
"""How a picture of another shape is fitted into the style's."""

NamedSize = Literal["style", "source"]
OutputSize = NamedSize | int
"""Size of a result: as the network sees the picture, its source's, or its long side [pixels]."""

OwnSize = Literal["source"]
WorkingSize = OwnSize | int
"""Size at which the network sees a picture: the picture's own, or its long side [pixels]."""

KeepMetadata = Literal["keep", "strip"]
"""Whether a picture's EXIF data, XMP and file date are kept."""

MAX_THREADS = 8
"""Readers and writers each, on a machine with many cores."""

_MOST = {"max_batch": 4096, "slots": 256, "readers": 256, "writers": 256}
"""Upper limits; larger numbers would exhaust the machine, and are probably mistakes."""


def _check_choices(**values: tuple[str, Any]) -> None:
    """Raise ConfigError if a value is not one of its choices, since programs may give any."""
    for name, (value, choices) in values.items():
        if value not in get_args(choices):
            raise ConfigError(f"{name} is {value!r}: it must be {', '.join(get_args(choices))}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ConvertSettings:
    """Settings that decide how results look; a journal records them, so that runs do not mix."""

    fit: Fit = "pad"
    """How a picture of another shape fits: pad keeps its proportions and fills the rest, stretch
    changes them, crop keeps the middle."""
    output_size: OutputSize = "source"
    """Size of the results: that of the source, that of the style, or the long side in pixels."""
    working_size: WorkingSize | None = None
    """Size to which pictures are reduced before a style that works in tiles: that of the source, or
    a limit for the long side in pixels."""
    output_format: OutputFormat = "png"
    """Format of the results; same keeps JPEG, PNG and WebP, and turns the rest into PNG; ora is
    OpenRaster, a file for paint programs with a layer for the lines and one for each part of a
    style that has parts."""
    quality: int = 95
    """Quality of JPEG and WebP, 1 to 100."""
    png_level: int = 1
    """Compression of PNG, from 0 (none) to 9 (smallest and slow)."""
    metadata: KeepMetadata = "keep"
    """Keep the EXIF data, XMP and date of the pictures, or strip them."""
    mark: bool = True
    """Mark results as made by a trained network, by IPTC's Digital Source Type in XMP."""
    precision: Precision = "auto"
    """Arithmetic; auto is fp16 on a GPU; on a CPU it is int8 where the style is calibrated for it,
    else bf16 where the CPU has it."""
    palette: Palette | None = None
    """Colours that the parts of results get, from `read_palette`; None leaves results as the
    network made them."""
    shade: bool = False
    """Shade the parts with one darker tone, as if lit from the upper left; for a style that has
    parts."""

    def __post_init__(self) -> None:
        """Raise ConfigError if a value is out of range."""
        if not isinstance(self.palette, Palette | None):
            raise ConfigError(f"palette is {self.palette!r}: make one with read_palette")
        _check_choices(
            fit=(self.fit, Fit),
            output_format=(self.output_format, OutputFormat),
            metadata=(self.metadata, KeepMetadata),
            precision=(self.precision, Precision),
        )
        if not isinstance(self.output_size, int):
            _check_choices(output_size=(self.output_size, NamedSize))
        elif self.output_size < 1:
            raise ConfigError(f"output_size is {self.output_size}: it must be at least 1")
        if not isinstance(self.working_size, int | None):
            _check_choices(working_size=(self.working_size, OwnSize))
        elif self.working_size is not None and self.working_size < 1:
            raise ConfigError(f"working_size is {self.working_size}: it must be at least 1")
        if not 1 <= self.quality <= 100:
            raise ConfigError(f"quality is {self.quality}: it must lie within 1..100")
        if not 0 <= self.png_level <= 9:
            raise ConfigError(f"png_level is {self.png_level}: it must lie within 0..9")

    def for_style(self, style: "Style") -> "ConvertSettings":
        """Return these settings for a style, with its parts in the palette.

        Raises:
            ConfigError: the style does not support them.
        """
        self.scaling(style)
        wishes = {
            "write layered files": self.output_format == "ora",
            "give its results a palette": self.palette is not None,
            "shade its results": self.shade,
        }
        wished = [wish for wish, is_wished in wishes.items() if is_wished]
        if not wished:
            return self
        if not style.parts:
            raise ConfigError(
                f"cannot {wished[0]}: the style {style.name} has no coloured parts like those of "
                "anime"
            )
        palette = self.palette or Palette()
        return replace(self, palette=palette.for_style(style.name, style.parts))

    def to_json(self) -> dict[str, Any]:
        """Return the settings as values that JSON can hold; a palette is one line of text."""
        palette = None if self.palette is None else str(self.palette)
        return asdict(replace(self, palette=None)) | {"palette": palette}

    def scaling(self, style: "Style") -> "Scaling":
        """Return how results of a style are enlarged.

        Raises:
            ConfigError: there is a working size, and the style does not work in tiles.
        """
        if self.working_size is None:
            return style.scaling
        if style.scaling.mode != "tiles":
            raise ConfigError(
                f"the style {style.name} sees all of a picture at {style.width}x{style.height}: "
                "leave out working_size, which only works with styles that use tiles"
            )
        number = 0 if self.working_size == "source" else self.working_size
        return replace(style.scaling, working_size=number)


@dataclass(frozen=True, kw_only=True, slots=True)
class Selection:
    """The pictures below IN that a run converts."""

    include: tuple[str, ...] = ()
    """Convert only pictures that match, such as 'page??.jpg'; may be given several times."""
    exclude: tuple[str, ...] = ()
    """Skip pictures and folders that match, such as thumbs; may be given several times."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Parallelism:
    """How many threads and slots work at a time."""

    readers: int
    """Threads that read, decode and resize."""
    writers: int
    """Threads that encode and write."""
    slots: int
    """Batches in memory."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RunSettings:
    """Settings that decide how a run works, without changing its results."""

    overwrite: bool = False
    """Convert every picture again, and overwrite the results in OUT."""
    verify: bool = False
    """Check the results in OUT against the journal, and convert damaged ones again."""
    backend: Backend = "auto"
    """Runtime; auto takes the first that can run here."""
    device: Device = "CPU"
    """Device that --backend openvino runs on; only CPU has been tested. Before another device is
    used, its results for test pictures and for the first four are compared with FP32 on the
    CPU."""
    require_gpu: bool = False
    """Fail if no GPU can run the style."""
    max_batch: int | None = None
    """Pictures that the engine translates at a time."""
    slots: int = 4
    """Batches in memory: two in the engine, one being filled, one being written."""
    readers: int | None = None
    """Threads that read pictures."""
    writers: int | None = None
    """Threads that write results."""

    def __post_init__(self) -> None:
        """Raise ConfigError if a value is out of range."""
        _check_choices(backend=(self.backend, Backend), device=(self.device, Device))
        for name, most in _MOST.items():
            number = getattr(self, name)
            if number is not None and not 1 <= number <= most:
                raise ConfigError(f"{name} is {number}: it must lie within 1..{most}")

    def parallelism(self, default: int | None = None) -> Parallelism:
        """Return how many threads and slots to use.

        Args:
            default: readers and writers where the user chose none; by default one for each core,
                at most 8.
        """
        if default is None:
            from pmsgan.engine.machine import count_cores

            default = count_cores()
        usual = min(MAX_THREADS, default)
        return Parallelism(
            readers=self.readers or usual, writers=self.writers or usual, slots=self.slots
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """Several engines, on one machine or on many, through Ray."""

    address: str | None = None
    """The Ray cluster at HOST:PORT; auto is the one that this machine belongs to, None starts one
    on this machine alone."""
    devices: tuple[int, ...] = ()
    """Numbers of the GPUs to use when the cluster is started here; empty means all."""
    workers: int | None = None
    """Processes with an engine each; more workers than GPUs share them evenly.

    None means as many for each GPU as keep it busy in a run of many pictures, else one; without
    GPUs, one for each machine.
    """
    insecure: bool = False
    """Join a cluster that asks for no token, where anyone who can reach it can run code."""

    def __post_init__(self) -> None:
        """Raise ConfigError if a value is out of range."""
        if self.address not in (None, "auto"):
            host, _, port = str(self.address).rpartition(":")
            if not host or not port.isdigit():
                raise ConfigError(f"cluster is {self.address!r}: give auto or HOST:PORT")
        if self.devices and self.address is not None:
            raise ConfigError("devices are GPUs of this machine: give devices or cluster, not both")
        if self.insecure and self.address is None:
            raise ConfigError("insecure is for an existing cluster: give its address")
        if min(self.devices, default=0) < 0 or len(set(self.devices)) < len(self.devices):
            raise ConfigError(f"devices is {self.devices}: give different numbers such as 0,1,2,3")
        if self.workers is not None and self.workers < 1:
            raise ConfigError(f"workers is {self.workers}: it must be at least 1")
