"""The metrics are the libraries' own."""

import functools
from pathlib import Path
from typing import Any

import cv2
import fsim_by_formula
import lpips
import numpy as np
import piq
import pytest
import torch
import torch_fidelity
from numpy.typing import NDArray
from PIL import Image

from pmsgan.errors import EvaluationError
from pmsgan.evaluation import metrics as metrics_module
from pmsgan.evaluation.config import METRIC_NAMES, MetricName
from pmsgan.evaluation.evaluate import evaluate_folders
from pmsgan.evaluation.metrics import to_tensor
from pmsgan.install import install_command

pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own


def by_hand(path: Path) -> torch.Tensor:
    """Read a picture another way: float32 [1, 3, H, W] RGB, 0..1."""
    rgb = np.asarray(Image.open(path).convert("RGB")) / 255.0
    return torch.from_numpy(rgb.astype(np.float32)).permute(2, 0, 1)[None]


def names_of(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


def test_fsim_is_piq_s(predicted: Path, truth: Path) -> None:
    expected = mean(
        [
            float(piq.fsim(by_hand(predicted / name), by_hand(truth / name), chromatic=False))
            for name in names_of(truth)
        ]
    )
    score = evaluate_folders(predicted, truth, ["fsim"]).scores["fsim"]
    assert score.value == pytest.approx(expected, abs=1e-6)
    assert score.value < 0.99
    assert score.by_picture is not None
    assert set(score.by_picture) == {"sub/0", "1", "2", "3"}


@pytest.mark.parametrize("size", [(48, 64), (49, 63), (200, 250), (400, 384)])
def test_fsim_is_that_of_the_formula(size: tuple[int, int]) -> None:
    """The library agrees with a second implementation; it halves a side from 384 pixels on."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (12, 12, 3), dtype=np.uint8)
    truth = np.asarray(cv2.resize(coarse, size), np.uint8)
    noisy = np.clip(truth + rng.normal(0.0, 20.0, truth.shape), 0, 255).astype(np.uint8)
    measure = metrics_module.load_pair_metric("fsim", torch.device("cpu"))
    for ours in (noisy, truth[::-1].copy()):
        got = measure(*(to_tensor(image, torch.device("cpu")) for image in (ours, truth)))
        assert got == pytest.approx(fsim_by_formula.fsim(ours, truth), abs=1e-4)
        assert 0.6 < got < 0.95


@pytest.mark.usefixtures("hub")
@pytest.mark.parametrize("network", ["alex", "squeeze", "vgg"])
def test_lpips_is_that_of_the_library(predicted: Path, truth: Path, network: Any) -> None:
    theirs = lpips.LPIPS(net=network, version="0.1", verbose=False).eval()
    with torch.no_grad():
        expected = mean(
            [
                float(theirs(by_hand(predicted / name), by_hand(truth / name), normalize=True))
                for name in names_of(truth)
            ]
        )
    name: MetricName = f"lpips-{network}"  # type: ignore[assignment]
    score = evaluate_folders(predicted, truth, [name]).scores[name]
    assert score.value == pytest.approx(expected, rel=1e-5)
    assert score.value > 1e-3


@pytest.mark.usefixtures("hub")
def test_fid_is_that_of_the_library(
    predicted: Path, truth: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = functools.partial(torch_fidelity.calculate_metrics, feature_layer_fid="192")
    monkeypatch.setattr(torch_fidelity, "calculate_metrics", quick)  # of 2,048 it takes a minute
    expected = torch_fidelity.calculate_metrics(
        input1=str(predicted), input2=str(truth), samples_find_deep=True, fid=True, cuda=False,
        cache=False, verbose=False, save_cpu_ram=True,
    )["frechet_inception_distance"]  # fmt: skip
    score = evaluate_folders(predicted, truth, ["fid"]).scores["fid"]
    assert score.value == pytest.approx(expected, rel=1e-3, abs=1e-3)


@pytest.mark.usefixtures("hub")
def test_identical_folders_have_the_best_scores(truth: Path) -> None:
    scores = evaluate_folders(truth, truth).scores
    assert tuple(scores) == METRIC_NAMES
    assert scores["fid"].value == pytest.approx(0.0, abs=1e-2)
    assert scores["fsim"].value == pytest.approx(1.0, abs=1e-6)
    for name in ("lpips-alex", "lpips-squeeze", "lpips-vgg"):
        assert scores[name].value == 0.0


def gaussian(rng: np.random.Generator, mean: NDArray[Any], covariance: NDArray[Any]) -> Any:
    """Return features whose mean and covariance are these exactly."""
    features = rng.standard_normal((500, len(mean)))
    features -= features.mean(axis=0)
    features = features @ np.linalg.inv(np.linalg.cholesky(np.cov(features, rowvar=False))).T
    return torch.from_numpy(features @ np.linalg.cholesky(covariance).T + mean)


def test_fid_of_gaussian_features_is_the_closed_form() -> None:
    from torch_fidelity.metric_fid import fid_features_to_statistics, fid_statistics_to_metric

    rng = np.random.default_rng(0)
    means = rng.standard_normal((2, 8))
    variances = rng.uniform(0.5, 2.0, (2, 8))
    features = [gaussian(rng, means[i], np.diag(variances[i])) for i in range(2)]
    expected = ((means[0] - means[1]) ** 2).sum() + (
        (np.sqrt(variances[0]) - np.sqrt(variances[1])) ** 2
    ).sum()
    statistics = [fid_features_to_statistics(it) for it in features]
    got = fid_statistics_to_metric(*statistics, verbose=False)["frechet_inception_distance"]
    assert got == pytest.approx(expected)


@pytest.mark.usefixtures("empty_hub")
@pytest.mark.parametrize("name", ["fid", "lpips-alex", "lpips-vgg"])
def test_weights_that_cannot_be_had_are_a_reason(
    predicted: Path, truth: Path, name: MetricName
) -> None:
    evaluation = evaluate_folders(predicted, truth, [name, "fsim"])
    reason = evaluation.scores[name].reason
    assert reason is not None
    assert reason.startswith("the weights cannot be downloaded")
    assert "--weights-dir" in reason
    assert evaluation.scores["fsim"].value is not None
    assert not evaluation.is_complete


def test_damaged_weights_are_a_reason(predicted: Path, truth: Path, tmp_path: Path) -> None:
    before = torch.hub.get_dir()
    (tmp_path / "hub" / "checkpoints").mkdir(parents=True)
    (tmp_path / "hub" / "checkpoints" / "squeezenet1_1-b8a52dc0.pth").write_bytes(b"half a file")
    metrics_module.set_weights_folder(tmp_path / "hub")
    try:
        evaluation = evaluate_folders(predicted, truth, ["lpips-squeeze"])
    finally:
        torch.hub.set_dir(before)  # type: ignore[no-untyped-call]
    assert str(evaluation.scores["lpips-squeeze"].reason).startswith("the library fails: ")


def test_a_torchvision_of_another_build_is_named(
    predicted: Path, truth: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **options: object) -> object:
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(piq, "fsim", fail)
    reason = str(evaluate_folders(predicted, truth, ["fsim"]).scores["fsim"].reason)
    builds = "torch and torchvision come from different builds"
    assert reason == f"{builds}: install both from the same index"


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="has no folder `checkpoints`"):
        metrics_module.set_weights_folder(tmp_path)


def test_a_library_that_is_not_installed_is_a_reason(
    predicted: Path, truth: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = metrics_module.importlib.util.find_spec
    monkeypatch.setattr(
        metrics_module.importlib.util,
        "find_spec",
        lambda name: None if name == "piq" else real(name),
    )
    score = evaluate_folders(predicted, truth, ["fsim"]).scores["fsim"]
    assert score.reason == f"piq is not installed: {install_command('eval')}"
