"""Weights of the two generators that everybody has become styles."""

import functools
import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import published
import pytest
import torch
from torch import nn

from pmsgan.engine.accuracy import check_pictures, compare
from pmsgan.engine.open import open_engine
from pmsgan.errors import CheckpointError
from pmsgan.export.foreign import importer
from pmsgan.export.foreign.build import build
from pmsgan.export.foreign.importer import import_weights
from pmsgan.export.foreign.published import write_published
from pmsgan.model.junyanz import PublishedNetwork, make_published
from pmsgan.styles.registry import read_style


def unet() -> nn.Module:
    torch.manual_seed(0)
    return published.trained(published.UNet(levels=6, width=8))


def resnet(*, has_dropout: bool) -> nn.Module:
    torch.manual_seed(0)
    return published.trained(published.ResNet(2, 4, has_dropout=has_dropout))


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("pix2pix", unet),
        ("cyclegan", functools.partial(resnet, has_dropout=True)),
        ("cyclegan", functools.partial(resnet, has_dropout=False)),
    ],
)
def test_published_weights_give_the_pictures_of_their_project(
    name: PublishedNetwork, make: Callable[[], nn.Module]
) -> None:
    network = make()
    image = torch.rand(1, 3, 64, 128) * 2.0 - 1.0
    weights = {f"module.{key}": value for key, value in network.state_dict().items()}
    with torch.no_grad():
        found = make_published(name, weights)(image)
        wanted = network(image)  # as it tests: in training mode
    assert float((found - wanted).abs().max()) < 1e-4
    assert float(wanted.std()) > 0.05


def test_a_file_of_weights_becomes_a_style(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importer, "_build_in_child", build)  # starting processes takes seconds
    monkeypatch.setattr(importer, "call_in_child", lambda call, *given, timeout_s: call(*given))
    network, path = unet(), tmp_path / "latest_net_G.pth"
    torch.save(network.state_dict(), path)
    imported = import_weights(path, "pix2pix", str(tmp_path / "peer"))
    style = read_style(imported.folder)
    assert (style.height, style.generator.side_multiple) == (256, 64)
    assert style.origin["file"] == "latest_net_G.pth"
    picture = check_pictures(64, 128)[1:2]
    image = torch.from_numpy(picture[..., ::-1].transpose(0, 3, 1, 2) / 127.5 - 1.0).float()
    with torch.no_grad():
        levels = ((network(image) + 1.0) * 127.5).round().clamp(0, 255)
    wanted = levels.permute(0, 2, 3, 1).flip(3).numpy().astype(np.uint8)
    with open_engine(style, size=(64, 128), backend="onnxruntime") as engine:
        assert compare(engine.translate(picture), wanted).max_difference <= 1
    with pytest.raises(CheckpointError, match="not the weights of cyclegan's generator"):
        import_weights(path, "cyclegan", str(tmp_path / "other"))


class _Bad:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("false",)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path, out = tmp_path / "w.pth", tmp_path / "w.onnx"
    for content, reason in (
        (b"no weights", "is not a file of weights"),
        (pickle.dumps(_Bad(), protocol=2), "is not a file of weights"),
    ):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match=reason):
            write_published(path, "pix2pix", out)
    for weights, reason in (
        ({"epoch": 3}, "holds more than weights"),
        ({"model.model.0.weight": torch.zeros(1).expand(2**20, 2**20, 4, 4)}, "holds more than w"),
        ({}, "are not the weights of pix2pix's generator"),
        ({"model.model.0.weight": torch.zeros(3)}, "are not the weights of pix2pix's generator"),
        (
            {f"model.{'model.1.' * 1}x": torch.zeros(1)},
            "are not the weights of pix2pix's generator",
        ),
    ):
        torch.save(weights, path)
        with pytest.raises(CheckpointError, match=reason):
            write_published(path, "pix2pix", out)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CheckpointError, match="is not a file of weights"):
        write_published(path, "pix2pix", out)
