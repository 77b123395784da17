from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from pmsgan.errors import CheckpointError
from pmsgan.model.config import GeneratorConfig
from pmsgan.model.generator import Generator
from pmsgan.model.weights import load_generator, save_generator


def test_weights_come_back_as_they_were(
    make_generator: Callable[..., Generator], tmp_path: Path
) -> None:
    generator = make_generator()
    save_generator(generator, tmp_path / "weights")
    loaded = load_generator(tmp_path / "weights", generator.config).state_dict()
    for name, tensor in generator.state_dict().items():
        assert torch.equal(tensor, loaded[name])


def test_what_is_no_weights_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    with pytest.raises(CheckpointError, match="weights"):
        load_generator(path, GeneratorConfig())
    path.write_text("no weights")
    with pytest.raises(CheckpointError, match="not a readable weights file"):
        load_generator(path, GeneratorConfig())


def test_weights_of_another_network_are_refused(
    make_generator: Callable[..., Generator], tmp_path: Path
) -> None:
    save_generator(make_generator("eff"), tmp_path / "weights")
    with pytest.raises(CheckpointError, match="another network"):
        load_generator(tmp_path / "weights", GeneratorConfig(base_channels=8))
