"""Settings of a generator, readable without torch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TypeAlias, TypeVar, get_args

from pmsgan.errors import ConfigError

Ablation = Literal["single", "eff", "dff", "csasp", "full"]
ABLATIONS: tuple[Ablation, ...] = get_args(Ablation)

Output = Literal["linear", "tanh"]
OUTPUTS: tuple[Output, ...] = get_args(Output)

InitialWeights = Literal["scaled", "paper"]
INITIAL_WEIGHTS: tuple[InitialWeights, ...] = get_args(InitialWeights)

SIDE_MULTIPLE = 4
"""Both sides of a picture are multiples of this: the third stage works at a quarter of them."""

FOLDS = (1, 2, 4)

WITHOUT_OPTION = (
    "num_residual_blocks",
    "num_growth_layers",
    "growth_divisor",
    "branch_divisor",
    "dilations",
    "attention_reduction",
    "output",
)
"""Settings of `GeneratorConfig` that `pmsgan train` has no option for."""
MAX_CHANNELS = 1024
MAX_LAYERS = 64
MAX_MULTIPLE = 1024
"""A style from elsewhere may name any number; beyond these, a network takes all memory."""

Layout = Literal["nchw", "nhwc"]
ChannelOrder = Literal["rgb", "bgr"]
OutputRange = Literal["0..1", "-1..1", "0..255", "1..0"]
"""1..0: from white to black, as a mask of what is drawn."""
InputRange = Literal["0..1", "-1..1", "0..255", "imagenet"]
"""imagenet: 0..1, less the mean and divided by the deviation of ImageNet's pictures."""

UNET_LEVELS = 8
"""Number of times that pix2pix's U-Net halves a picture."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratorConfig:
    """Widths and modules of the generator; defaults marked [D] are ours, not the paper's."""

    base_channels: int = 32
    """Width of the network's first stage, C_1; an even number.

    C_2 and C_3 are twice and four times this [D].
    """
    num_residual_blocks: int = 5
    """Residual blocks in each encoder and each decoder."""
    num_growth_layers: int = 3
    """Layers that grow inside a dense block of EFF [D]."""
    growth_divisor: int = 2
    """Each growth layer adds C_j divided by this channels [D]."""
    branch_divisor: int = 2
    """Each branch of CSASP_j is C_j divided by this wide [D]."""
    dilations: tuple[int, int, int] = (1, 2, 4)
    """Dilation of CSASP's convolution on E_1, E_2, E_3: low on the fine, high on the coarse [D]."""
    attention_reduction: int = 8
    """Reduction ratio of CSASP's channel attention [D]."""
    fold: int = 1
    """Side of the squares of pixels that become one with more channels: 1, 2 or 4.

    2 is ours, not the paper's: the first stage works at half the sides on 12 channels. The same
    width takes a quarter of the time, and each pixel sees twice as far. 4 is that twice.
    """
    output: Output = "linear"
    """Last operation of each output: none, or tanh [D].

    For mostly white pictures, tanh saturates within a hundred steps of training, and no gradient
    leads back.
    """
    ablation: Ablation = "full"
    """Row of the paper's ablation table; each adds one module to the one before it.

    The five are rows (a) to (e) of Table II. Row (b) adds a coarser decoder to the finer one [D].
    """

    def __post_init__(self) -> None:
        """Raise ConfigError for a value outside its range."""
        if not 2 <= self.base_channels <= MAX_CHANNELS or self.base_channels % 2:
            raise ConfigError(
                f"base_channels is {self.base_channels}: it must be an even number from 2 to "
                f"{MAX_CHANNELS}"
            )
        for name, most in (
            ("num_residual_blocks", MAX_LAYERS),
            ("num_growth_layers", MAX_LAYERS),
            ("attention_reduction", MAX_CHANNELS),
        ):
            if not 1 <= getattr(self, name) <= most:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must lie within 1..{most}")
        for name in ("growth_divisor", "branch_divisor"):
            if not 1 <= getattr(self, name) <= self.base_channels:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}: it must be from 1 to base_channels, "
                    f"{self.base_channels}"
                )
        if len(self.dilations) != 3 or not 1 <= min(self.dilations) <= max(self.dilations) <= 64:
            raise ConfigError(
                f"dilations is {self.dilations}: it must be three numbers from 1 to 64"
            )
        if self.fold not in FOLDS:
            raise ConfigError(f"fold is {self.fold}: it must be 1, 2 or 4")
        if self.ablation not in ABLATIONS:
            raise ConfigError(f"ablation is {self.ablation!r}: use one of {', '.join(ABLATIONS)}")

        if self.output not in OUTPUTS:
            raise ConfigError(f"output is {self.output!r}: use one of {', '.join(OUTPUTS)}")

    @property
    def num_stages(self) -> int:
        """Number of encoding-decoding stages, which is also the number of output scales."""
        return 1 if self.ablation == "single" else 3

    @property
    def widths(self) -> tuple[int, ...]:
        """C_j of each stage."""
        return tuple(self.base_channels * 2**stage for stage in range(self.num_stages))

    @property
    def image_channels(self) -> int:
        """Channels of a folded RGB picture: 3, or 12 where 2x2 pixels are one, or 48."""
        return 3 * self.fold**2

    @property
    def side_multiple(self) -> int:
        """Number that both sides of a picture must be multiples of [pixels]."""
        return SIDE_MULTIPLE * self.fold

    def has(self, module: Ablation) -> bool:
        """Say whether this configuration reaches the row of Table II that adds `module`."""
        return ABLATIONS.index(self.ablation) >= ABLATIONS.index(module)


@dataclass(frozen=True, kw_only=True, slots=True)
class UNetConfig:
    """Width of pix2pix's generator, which is trained as a peer."""

    base_channels: int = 64
    """Width of the network's first level."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a value outside its range."""
        if not 1 <= self.base_channels <= MAX_CHANNELS:
            raise ConfigError(
                f"base_channels is {self.base_channels}: it must lie within 1..{MAX_CHANNELS}"
            )

    @property
    def num_stages(self) -> int:
        """Number of output scales."""
        return 1

    @property
    def side_multiple(self) -> int:
        """Number that both sides of a picture must be multiples of [pixels]."""
        return 2**UNET_LEVELS


@dataclass(frozen=True, kw_only=True, slots=True)
class OnnxConfig:
    """Format of a network that came as an ONNX file from elsewhere; its style holds no weights."""

    side_multiple: int = 1
    """Number that both sides of a picture must be multiples of [pixels]."""
    layout: Layout = "nchw"
    """Order of the dimensions of its pictures."""
    order: ChannelOrder = "rgb"
    """Order of their colours."""
    range_in: InputRange = "-1..1"
    """Values that a channel may have in the picture that goes in."""
    range_out: OutputRange = "-1..1"
    """Values that a channel may have in the picture that comes out."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a value outside its range."""
        if not 1 <= self.side_multiple <= MAX_MULTIPLE:
            raise ConfigError(
                f"side_multiple is {self.side_multiple}: it must lie within 1..{MAX_MULTIPLE}"
            )
        for name, choices in (
            ("layout", Layout),
            ("order", ChannelOrder),
            ("range_in", InputRange),
            ("range_out", OutputRange),
        ):
            if getattr(self, name) not in get_args(choices):
                known = ", ".join(get_args(choices))
                raise ConfigError(f"{name} is {getattr(self, name)!r}: use one of {known}")


NetworkConfig: TypeAlias = GeneratorConfig | UNetConfig
"""Networks that can be trained."""
StyleNetwork: TypeAlias = NetworkConfig | OnnxConfig
"""Networks that a style can hold."""
NetworkName = Literal["pmsgan", "pix2pix"]
NETWORKS: dict[NetworkName, type[NetworkConfig]] = {
    "pmsgan": GeneratorConfig,
    "pix2pix": UNetConfig,
}
Config = TypeVar("Config", bound=GeneratorConfig | UNetConfig | OnnxConfig)
ONNX = "onnx"
"""Name of a network that came as an ONNX file."""


def network_name(config: StyleNetwork) -> str:
    """Return the name of the network that a config describes."""
    if isinstance(config, OnnxConfig):
        return ONNX
    return next(name for name, kind in NETWORKS.items() if isinstance(config, kind))


def network_table(config: StyleNetwork) -> dict[str, Any]:
    """Return a config and the name of its network as plain values."""
    return {"network": network_name(config), **asdict(config)}


def read_network(table: Mapping[str, Any]) -> NetworkConfig:
    """Return the config that `network_table` has written; a setting that it lacks has its default.

    Raises:
        ConfigError: the network or a setting is unknown, or a value is out of range.
    """
    name = table.get("network", "pmsgan")
    if name not in NETWORKS:
        raise ConfigError(f"network is {name!r}: use one of {', '.join(NETWORKS)}")
    return _read(NETWORKS[name], table)


def read_style_network(table: Mapping[str, Any]) -> StyleNetwork:
    """Return the same, also of a network that came as an ONNX file.

    Raises:
        ConfigError: the network or a setting is unknown, or a value is out of range.
    """
    if table.get("network") == ONNX:
        return _read(OnnxConfig, table)
    return read_network(table)


def _read(kind: type[Config], table: Mapping[str, Any]) -> Config:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in table.items()
        if key != "network"
    }
    unknown = sorted(values.keys() - {field.name for field in fields(kind)})
    if unknown:
        name = table.get("network", "pmsgan")
        raise ConfigError(f"unknown setting {unknown[0]!r} of the network {name}")
    return kind(**values)


def check_sides(height: int, width: int, multiple: int = SIDE_MULTIPLE) -> None:
    """Raise ConfigError unless both sides [pixels] are multiples of `multiple`."""
    for name, side in (("height", height), ("width", width)):
        check_side(f"{name} {side}", side, multiple)


def check_side(what: str, side: int, multiple: int = SIDE_MULTIPLE) -> None:
    """Raise ConfigError, which begins with `what`, unless a side [pixels] is such a multiple."""
    if side < multiple or side % multiple:
        nearest = max(1, round(side / multiple)) * multiple
        raise ConfigError(f"{what} is not a multiple of {multiple}: try {nearest}")
