"""The metrics' libraries on a CPU, with random weights in files as torch hub would have them."""

import importlib.metadata
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from torch import nn

if any(importlib.util.find_spec(name) is None for name in ("lpips", "piq", "torch_fidelity")):
    collect_ignore = ["test_metrics.py", "test_evaluate.py"]  # need pip install '.[eval]'
elif len({"+" in importlib.metadata.version(it) for it in ("torch", "torchvision")}) > 1:
    # torchvision's operators are built for another torch: its import fails at the first of these.
    for name in ("nms", "qnms"):
        torch.library.define(
            f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
        )


@pytest.fixture(scope="session")
def weights_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of torch hub's folder: the real names and shapes, random numbers."""
    import torch_fidelity.feature_extractor_inceptionv3 as inception
    import torchvision

    folder = tmp_path_factory.mktemp("hub")
    (folder / "checkpoints").mkdir()
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inception, "load_state_dict_from_url", lambda *args, **kwargs: {})
        patch.setattr(
            inception.FeatureExtractorInceptionV3, "load_state_dict", lambda *args, **kwargs: None
        )
        extractor = inception.FeatureExtractorInceptionV3("inception-v3-compat", ["2048"])
    files: dict[str, nn.Module] = {Path(inception.URL_INCEPTION_V3).name: extractor}
    with torch.device("meta"):  # most of their weights is a classifier that nobody uses
        for name in ("AlexNet", "SqueezeNet1_1", "VGG16"):
            weights = torchvision.models.get_weight(f"{name}_Weights.IMAGENET1K_V1")
            files[Path(weights.url).name] = torchvision.models.get_model(name.lower())
    for file, network in files.items():
        state = {key: _random(key, tensor) for key, tensor in network.state_dict().items()}
        torch.save(state, folder / "checkpoints" / file)
    return folder


def _random(key: str, tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_meta:
        return tensor
    if key.startswith("classifier"):
        return torch.zeros(1).expand(tensor.shape)  # one number in the file
    return torch.randn(tensor.shape) * (2.0 / max(1, tensor[0].numel())) ** 0.5


@pytest.fixture
def hub(weights_dir: Path) -> Iterator[Path]:
    """Take the random weights, as --weights-dir does."""
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(weights_dir))  # type: ignore[no-untyped-call]
    yield weights_dir
    torch.hub.set_dir(before)  # type: ignore[no-untyped-call]


@pytest.fixture
def empty_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Have no weights, and no network to fetch them."""
    import socket

    def refuse(*args: Any, **kwargs: Any) -> Any:
        raise ConnectionRefusedError("no network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    before = torch.hub.get_dir()
    torch.hub.set_dir(str(tmp_path / "empty"))  # type: ignore[no-untyped-call]
    yield
    torch.hub.set_dir(before)  # type: ignore[no-untyped-call]


def write_pictures(folder: Path, seed: int, count: int = 4, side: int = 64) -> Path:
    """Write smooth random pictures; two seeds give the same names and other pictures."""
    (folder / "sub").mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for number in range(count):
        coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
        place = folder / "sub" if number == 0 else folder
        cv2.imwrite(str(place / f"{number}.png"), cv2.resize(coarse, (side, side)))
    return folder


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "truth", seed=0)


@pytest.fixture
def predicted(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "predicted", seed=1)
