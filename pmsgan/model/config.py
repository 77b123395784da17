"""Settings of a generator, readable without torch."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, TypeAlias, get_args

from pmsgan.errors import ConfigError

Ablation = Literal["single", "eff", "dff", "csasp", "full"]
ABLATIONS: tuple[Ablation, ...] = get_args(Ablation)

Output = Literal["linear", "tanh"]
OUTPUTS: tuple[Output, ...] = get_args(Output)

InitialWeights = Literal["scaled", "paper"]
INITIAL_WEIGHTS: tuple[InitialWeights, ...] = get_args(InitialWeights)

SIDE_MULTIPLE = 4
"""Both sides of a picture are multiples of this: the third stage works at a quarter of them."""

FOLDS = (1, 2)

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

UNET_LEVELS = 8
"""How often pix2pix's U-Net halves a picture."""


@dataclass(frozen=True, kw_only=True, slots=True)
class GeneratorConfig:
    """Widths and modules of the generator. Defaults marked [D] are ours, the paper is silent."""

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
    """How many times narrower the middle of CSASP's channel attention is [D]."""
    fold: int = 1
    """Side of the squares of pixels that become one with more channels: 1 or 2.

    2 is ours, not the paper's: the first stage works at half the sides on 12 channels. The same
    width takes a quarter of the time, and each pixel sees twice as far.
    """
    output: Output = "linear"
    """Last operation of each output: none, or tanh [D].

    Where pictures are mostly white, tanh saturates within a hundred steps of training, and no
    gradient leads back.
    """
    ablation: Ablation = "full"
    """Row of the paper's ablation table; each adds one module to the one before it.

    The five are rows (a) to (e) of Table II. Row (b) adds a coarser decoder to the finer one [D].
    """

    def __post_init__(self) -> None:
        """Raise ConfigError for a value outside its range."""
        if self.base_channels < 2 or self.base_channels % 2:
            raise ConfigError(
                f"base_channels is {self.base_channels}: it must be an even number from 2 up"
            )
        for name in ("num_residual_blocks", "num_growth_layers", "attention_reduction"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} is {getattr(self, name)}: it must be at least 1")
        for name in ("growth_divisor", "branch_divisor"):
            if not 1 <= getattr(self, name) <= self.base_channels:
                raise ConfigError(
                    f"{name} is {getattr(self, name)}: it must be from 1 to base_channels, "
                    f"{self.base_channels}"
                )
        if len(self.dilations) != 3 or min(self.dilations) < 1:
            raise ConfigError(f"dilations is {self.dilations}: it must be three numbers from 1 up")
        if self.fold not in FOLDS:
            raise ConfigError(f"fold is {self.fold}: it must be 1 or 2")
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
        """Channels of a folded RGB picture: 3, or 12 where 2x2 pixels are one."""
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
        if self.base_channels < 1:
            raise ConfigError(f"base_channels is {self.base_channels}: it must be at least 1")

    @property
    def num_stages(self) -> int:
        """Number of output scales."""
        return 1

    @property
    def side_multiple(self) -> int:
        """Number that both sides of a picture must be multiples of [pixels]."""
        return 2**UNET_LEVELS


NetworkConfig: TypeAlias = GeneratorConfig | UNetConfig
NetworkName = Literal["pmsgan", "pix2pix"]
NETWORKS: dict[NetworkName, type[NetworkConfig]] = {
    "pmsgan": GeneratorConfig,
    "pix2pix": UNetConfig,
}


def network_name(config: NetworkConfig) -> NetworkName:
    """Return the name of the network that a config is of."""
    return next(name for name, kind in NETWORKS.items() if isinstance(config, kind))


def network_table(config: NetworkConfig) -> dict[str, Any]:
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
    kind = NETWORKS[name]
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in table.items()
        if key != "network"
    }
    unknown = sorted(values.keys() - {field.name for field in fields(kind)})
    if unknown:
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
