import pytest

from pmsgan.errors import ConfigError
from pmsgan.model.config import (
    GeneratorConfig,
    NetworkConfig,
    UNetConfig,
    network_table,
    read_network,
)


@pytest.mark.parametrize(
    "config", [GeneratorConfig(base_channels=8, dilations=(1, 2, 3)), UNetConfig(base_channels=8)]
)
def test_a_network_comes_back_as_it_was_written(config: NetworkConfig) -> None:
    assert read_network(network_table(config)) == config


def test_a_table_without_a_name_is_of_pmsgan() -> None:
    assert read_network({"base_channels": 8}) == GeneratorConfig(base_channels=8)


@pytest.mark.parametrize(
    ("table", "named"),
    [
        ({"network": "pix3pix"}, "network is 'pix3pix': use one of pmsgan, pix2pix"),
        ({"network": "pix2pix", "fold": 2}, "unknown setting 'fold' of the network pix2pix"),
        ({"network": "pix2pix", "base_channels": 0}, "base_channels is 0"),
    ],
)
def test_what_is_wrong_in_a_table_is_named(table: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        read_network(table)
