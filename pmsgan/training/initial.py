"""The trained network that a training begins with."""

from dataclasses import dataclass

from pmsgan.data.trained_pairs import TrainedPairs, read_record
from pmsgan.errors import ConfigError
from pmsgan.model.config import NetworkConfig, network_table
from pmsgan.model.network import Network
from pmsgan.model.weights import load_generator
from pmsgan.styles.registry import TRAINED_PAIRS_NAME, find_style


@dataclass(frozen=True, slots=True)
class InitialNetwork:
    """A trained network, and the pairs that it has seen."""

    network: Network
    trained_pairs: TrainedPairs | None
    """None where its style does not say that."""


def load_initial(style: str, wanted: NetworkConfig | None) -> InitialNetwork:
    """Read the network of a style.

    Args:
        style: name of a style, or its folder.
        wanted: settings that the network must have; None for any.

    Raises:
        ConfigError: it has other settings.
        StyleError: there is no such style.
        CheckpointError: its weights cannot be read.
    """
    found = find_style(style)
    if wanted is not None and wanted != found.generator:
        usual, its = network_table(type(wanted)()), network_table(found.generator)
        names = [
            f"--{name.replace('_', '-')}"
            for name, value in network_table(wanted).items()
            if value != usual[name] and value != its.get(name, value)
        ]
        raise ConfigError(
            f"the style {style} has another network: leave out {' and '.join(names) or '--network'}"
            ", or --from"
        )
    has_record = TRAINED_PAIRS_NAME in found.sha256
    return InitialNetwork(
        load_generator(found.weights, found.generator),
        read_record(found.folder / TRAINED_PAIRS_NAME) if has_record else None,
    )
