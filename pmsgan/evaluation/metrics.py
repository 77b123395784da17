"""Measure the metrics, each with a library, on RGB pictures.

- FID: torch-fidelity, Inception of 2015 as in the original, 2,048 features.
- FSIM: piq, on luminance only (not FSIMc).
- LPIPS: lpips 0.1.4, that is version 0.1 of its linear layers.
"""

import importlib.util
import math
import urllib.error
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from pmsgan.data.picture_file import PictureFile
from pmsgan.display import DisplayStream, display
from pmsgan.errors import EvaluationError, PmsganError
from pmsgan.evaluation.config import METRICS, MetricName
from pmsgan.install import install_command

PairMetric = Callable[[Tensor, Tensor], float]
"""Takes the predicted and the true picture, float32 [1, 3, H, W] RGB, 0..1."""


def load_pair_metric(name: MetricName, device: torch.device) -> PairMetric:
    """Make a metric of single pairs ready: FSIM or LPIPS.

    Raises:
        EvaluationError: its library is not installed, or its weights are not available; the metric
            also raises it for a pair that the library cannot take.
    """
    with _reasons_named(name):
        if name == "fsim":
            import piq

            def fsim(ours: Tensor, truth: Tensor) -> float:
                with _reasons_named(name):
                    return float(piq.fsim(ours, truth, data_range=1.0, chromatic=False))

            return fsim
        import lpips

        network = lpips.LPIPS(net=name.removeprefix("lpips-"), version="0.1", verbose=False)
        network = network.to(device).eval()

        def distance(ours: Tensor, truth: Tensor) -> float:
            with _reasons_named(name):
                return float(network(2.0 * ours - 1.0, 2.0 * truth - 1.0))

        return distance


ReadPicture = Callable[[], NDArray[np.uint8]]
"""Reads a picture, uint8 [H, W, 3] RGB."""


def measure_fid(
    predicted: Sequence[ReadPicture],
    truth: Sequence[ReadPicture],
    device: torch.device,
    *,
    batch: int,
    on_picture: Callable[[], None] = lambda: None,
) -> float:
    """Return the Frechet Inception distance of two sets of pictures.

    Args:
        predicted: results.
        truth: true pictures.
        device: where Inception runs.
        batch: pictures at a time; 1 where they are not all of one size.
        on_picture: called for each picture of both sets.

    Raises:
        EvaluationError: the library is not installed, its weights are not available, there are
            fewer than two pictures, or the distance is not a number.
    """
    with _reasons_named("fid"):
        if len(predicted) < 2:
            raise EvaluationError("it takes at least two pictures")
        import torch_fidelity

        result = torch_fidelity.calculate_metrics(
            input1=_Pictures(predicted, on_picture),
            input2=_Pictures(truth, on_picture),
            fid=True,
            batch_size=batch,
            cuda=device.type == "cuda",
            cache=False,
            save_cpu_ram=True,  # no worker processes
            verbose=False,
        )
        value = float(result[torch_fidelity.KEY_METRIC_FID])
        if not math.isfinite(value):
            raise EvaluationError("the distance is not a number")
        return value


def read_rgb(path: Path) -> NDArray[np.uint8]:
    """Return a picture as uint8 [H, W, 3] RGB.

    Raises:
        DataError: it cannot be read.
    """
    return np.ascontiguousarray(PictureFile(path).read()[..., ::-1])


def to_tensor(image: NDArray[np.uint8], device: torch.device) -> Tensor:
    """Return uint8 [H, W, 3] as float32 [1, 3, H, W], 0..1."""
    return torch.from_numpy(image).to(device).permute(2, 0, 1)[None].float() / 255.0


class _Pictures(Dataset[Tensor]):
    """Pictures as uint8 [3, H, W] RGB."""

    def __init__(self, pictures: Sequence[ReadPicture], on_picture: Callable[[], None]) -> None:
        self._pictures = pictures
        self._on_picture = on_picture

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> Tensor:
        self._on_picture()
        return torch.from_numpy(self._pictures[index]()).permute(2, 0, 1)


@contextmanager
def _reasons_named(name: MetricName) -> Iterator[None]:
    """Turn any failure of a library into a reason and a remedy, and keep stdout free of its output.

    A failure must not lose hours of other metrics.
    """
    package = METRICS[name].package
    if importlib.util.find_spec(package) is None:
        raise EvaluationError(f"{package} is not installed: {install_command('eval')}")
    try:
        with warnings.catch_warnings(), redirect_stdout(DisplayStream(display)):
            warnings.simplefilter("ignore")
            yield
    except PmsganError:
        raise
    except (urllib.error.URLError, ConnectionError, TimeoutError) as error:
        reason = getattr(error, "reason", error)
        raise EvaluationError(
            f"the weights cannot be downloaded ({reason}): fetch them on another machine, and give "
            "a copy of its torch hub folder with --weights-dir"
        ) from error
    except Exception as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if "torchvision::" in reason:
            raise EvaluationError(
                "torch and torchvision come from different builds: install both from the same index"
            ) from error
        raise EvaluationError(f"the library fails: {reason}") from error


def set_weights_folder(folder: Path) -> None:
    """Take weights from a copy of torch hub's folder: FOLDER/checkpoints/NAME.pth.

    Raises:
        EvaluationError: there is no such folder.
    """
    if not (folder / "checkpoints").is_dir():
        raise EvaluationError(
            f"{folder} has no folder `checkpoints`: give a copy of torch hub's folder, "
            f"which is {torch.hub.get_dir()} here"
        )
    cast("Any", torch.hub).set_dir(str(folder))
