import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from pmsgan.errors import CheckpointError
from pmsgan.training import vgg_weights
from pmsgan.training.perceptual import LAYERS, VggPerceptualLoss, load_vgg19, vgg19_features


@pytest.fixture(scope="module")
def features() -> nn.Sequential:
    torch.manual_seed(0)
    return vgg19_features()


def test_the_layers_are_those_of_vgg19(features: nn.Sequential) -> None:
    convolutions = {i: m for i, m in enumerate(features) if isinstance(m, nn.Conv2d)}
    assert list(convolutions) == [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28]
    assert [convolutions[i - 1].out_channels for i in LAYERS] == [64, 128, 256, 512, 512]
    assert all(isinstance(features[i], nn.ReLU) for i in LAYERS)
    assert sum(isinstance(m, nn.MaxPool2d) for m in features) == 4


def test_the_loss_is_eq_2(features: nn.Sequential) -> None:
    torch.manual_seed(1)
    outputs, targets = (
        [torch.rand(2, 3, 64 // 2**scale, 64 // 2**scale) * 2 - 1 for scale in range(3)]
        for _ in range(2)
    )
    expected = 0.0
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    for pair in zip(outputs, targets, strict=True):
        maps = []
        for image in pair:
            normal = ((image.numpy() + 1) / 2 - mean.reshape(1, 3, 1, 1)) / std.reshape(1, 3, 1, 1)
            signal, found = torch.from_numpy(normal).float(), []
            for index, layer in enumerate(features):
                signal = layer(signal)
                if index in (1, 6, 11, 20, 29):
                    found.append(signal.detach().numpy())
            maps.append(found)
        for weight, got, want in zip((1 / 32, 1 / 16, 1 / 8, 1 / 4, 1), *maps, strict=True):
            _, channels, height, width = got.shape
            distance = np.abs(got - want).sum(axis=(1, 2, 3)).mean()
            expected += weight * distance / (channels * height * width)
    assert VggPerceptualLoss(features)(outputs, targets).item() == pytest.approx(expected, rel=1e-4)


def test_gradient_reaches_the_picture_and_not_vgg(features: nn.Sequential) -> None:
    loss = VggPerceptualLoss(features)
    output = torch.rand(1, 3, 32, 32, requires_grad=True)
    loss([output], [torch.rand(1, 3, 32, 32)]).backward()
    assert output.grad is not None
    assert output.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in loss.parameters())


def test_weights_come_from_the_hub_cache_or_a_file(
    features: nn.Sequential, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = {f"features.{name}": tensor for name, tensor in features.state_dict().items()}
    state["classifier.0.weight"] = torch.zeros(1)
    file = tmp_path / "hub" / "checkpoints" / "vgg19-dcbb9e9d.pth"
    file.parent.mkdir(parents=True)
    torch.save(state, file)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    for loaded in (load_vgg19(), load_vgg19(file)):
        assert torch.equal(loaded[28].weight, features[28].weight)


def test_missing_weights_name_every_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    with pytest.raises(CheckpointError) as caught:
        load_vgg19()
    for way in ("download https://", "--vgg-weights", "--perceptual l1"):
        assert way in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(b"no weights")
    with pytest.raises(CheckpointError, match="does not hold"):
        load_vgg19(path)
    torch.save({"features.0.weight": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match="does not hold"):
        load_vgg19(path)


def test_weights_are_downloaded_once_and_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "source.pth"
    source.write_bytes(b"weights")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    monkeypatch.setattr(vgg_weights, "WEIGHTS_URL", source.as_uri())
    with pytest.raises(CheckpointError, match="its SHA-256 is 9a129038") as caught:
        vgg_weights.fetch_weights()
    assert "dcbb9e9d" in str(caught.value)
    assert not list((tmp_path / "hub" / "checkpoints").iterdir())
    monkeypatch.setattr(vgg_weights, "SHA256_PREFIX", hashlib.sha256(b"weights").hexdigest()[:8])
    assert vgg_weights.fetch_weights().read_bytes() == b"weights"
    source.unlink()
    assert vgg_weights.fetch_weights().read_bytes() == b"weights"
    vgg_weights.cached_weights().unlink()
    with pytest.raises(CheckpointError, match=r"cannot be downloaded from .*--perceptual l1"):
        vgg_weights.fetch_weights()
    assert not list((tmp_path / "hub" / "checkpoints").iterdir())
