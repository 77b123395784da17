from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
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


def test_row_b_of_the_first_version_is_refused_by_name(
    make_generator: Callable[..., Generator], tmp_path: Path
) -> None:
    generator = make_generator("eff")
    path = tmp_path / "weights"
    save_generator(generator, path)
    tensors = safetensors.torch.load_file(path)
    old = {name: it for name, it in tensors.items() if not name.startswith("decoder_fusions.")}
    safetensors.torch.save_file(old, path)
    with pytest.raises(CheckpointError, match=r"version 0\.1 lack connections of D_2 and D_3"):
        load_generator(path, generator.config)
