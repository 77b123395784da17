"""Read the network of a style, which a training starts from or learns from."""

from dataclasses import dataclass

from pmsgan.data.trained_pairs import TrainedPairs, read_record
from pmsgan.errors import ConfigError
from pmsgan.model.config import NetworkConfig, network_table
from pmsgan.model.network import Network
from pmsgan.model.weights import load_generator
from pmsgan.styles.registry import TRAINED_PAIRS_NAME, find_style
from pmsgan.styles.scaling import Scaling
from pmsgan.training.differences import name_differences


@dataclass(frozen=True, slots=True)
class StyleNetwork:
    """A trained network, the pairs that it has seen, and how its results get their size."""

    name: str
    """Name of its style."""
    network: Network
    trained_pairs: TrainedPairs | None
    """None where its style does not say that."""
    scaling: Scaling
    """How its style makes results of any size."""


def load_style_network(
    style: str, wanted: NetworkConfig | None = None, *, task: str
) -> StyleNetwork:
    """Read the network of a style.

    Args:
        style: name of a style, or its folder.
        wanted: settings that the network must have; None takes those that it has.
        task: the purpose of the network in messages: "train it further".

    Raises:
        ConfigError: it has other settings, or came as an ONNX file.
        StyleError: there is no such style.
        CheckpointError: its weights cannot be read.
    """
    found = find_style(style)
    network = found.native_network(task)
    if wanted is not None and wanted != network:
        differing = name_differences(network_table(network), network_table(wanted))
        raise ConfigError(
            f"the style {style} has another network: {differing}; leave out what differs, or --from"
        )
    has_record = TRAINED_PAIRS_NAME in found.sha256
    return StyleNetwork(
        found.name,
        load_generator(found.weights, network),
        read_record(found.folder / TRAINED_PAIRS_NAME) if has_record else None,
        found.scaling,
    )
