"""Compare a folder of predicted pictures with the true ones."""

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pmsgan.errors import DataError, EvaluationError
from pmsgan.evaluation.config import METRIC_NAMES, MetricName
from pmsgan.evaluation.folders import match_folders
from pmsgan.evaluation.metrics import (
    PairMetric,
    load_pair_metric,
    measure_fid,
    read_rgb,
    to_tensor,
)
from pmsgan.evaluation.result import Evaluation, Score

MAX_FID_BATCH = 50
FID_BATCH_PIXELS = 1 << 24
"""Inception takes pictures as floats in their own size first: 200 MB of them [pixels]."""


def evaluate_folders(
    predicted: Path,
    truth: Path,
    metrics: Sequence[MetricName] = METRIC_NAMES,
    *,
    method: str | None = None,
    on_start: Callable[[int], None] = lambda count: None,
    on_picture: Callable[[], None] = lambda: None,
) -> Evaluation:
    """Measure how far predicted pictures are from true ones.

    Pictures are matched by their path below the folders, without the suffix. Pairs of different
    sizes and pictures that cannot be read are left out and named; so is a metric that cannot be
    measured.

    Args:
        predicted: a folder of pictures.
        truth: a folder of pictures.
        metrics: metrics to measure.
        method: name for tables, by default the folder's.
        on_start: called once with how often `on_picture` will be called at most.
        on_picture: called for each pair, and for each picture that Inception has seen.

    Raises:
        DataError: the folders cannot be matched.
    """
    match = match_folders(predicted, truth)
    with_fid = "fid" in metrics
    on_start(len(match.pairs) * (3 if with_fid else 1))
    torch.backends.cudnn.allow_tf32 = False  # nor do the engines that it is to judge
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    measurer = _PairMeasurer([name for name in metrics if name != "fid"], device)
    for picture, files in match.pairs.items():
        measurer.measure(picture, *files)
        on_picture()
    failures = measurer.failures
    scores = measurer.scores()
    if with_fid:
        kept = [files for name, files in match.pairs.items() if name not in failures]
        scores["fid"] = _fid(kept, device, measurer.shapes, on_picture)
    return Evaluation(
        method=method or predicted.resolve().name,
        scores={name: scores[name] for name in metrics},
        num_pairs=len(match.pairs) - len(failures),
        only_predicted=match.only_predicted,
        only_true=match.only_true,
        failures=failures,
    )


class _PairMeasurer:
    """Measures pair after pair; a metric or a pair that fails is noted and costs no other."""

    def __init__(self, metrics: Sequence[MetricName], device: torch.device) -> None:
        self.failures: dict[str, str] = {}
        """Reasons of the pairs that cannot be compared, by name."""
        self.shapes: set[tuple[int, ...]] = set()
        """Shapes of the pictures that were compared."""
        self._device = device
        self._ready: dict[MetricName, PairMetric] = {}
        self._missing: dict[MetricName, Score] = {}
        for name in metrics:
            try:
                self._ready[name] = load_pair_metric(name, device)
            except EvaluationError as error:
                self._missing[name] = Score(value=None, reason=str(error))
        self._values: dict[MetricName, dict[str, float]] = {name: {} for name in self._ready}
        self._reasons: dict[MetricName, str] = {}

    def measure(self, picture: str, predicted: Path, truth: Path) -> None:
        """Measure one pair with each metric."""
        try:
            ours, true = _read_pair(predicted, truth)
        except DataError as error:
            self.failures[picture] = str(error)
            return
        self.shapes.add(ours.shape)
        tensors = to_tensor(ours, self._device), to_tensor(true, self._device)
        for metric, measure in self._ready.items():
            try:
                with torch.inference_mode():
                    self._values[metric][picture] = measure(*tensors)
            except EvaluationError as error:
                self._values[metric][picture] = math.nan
                self._reasons[metric] = str(error)

    def scores(self) -> dict[MetricName, Score]:
        """Return the score of each metric over the pairs so far."""
        return self._missing | {
            name: Score.of(found, self._reasons.get(name)) for name, found in self._values.items()
        }


def _read_pair(predicted: Path, truth: Path) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    ours, true = read_rgb(predicted), read_rgb(truth)
    if ours.shape != true.shape:
        sides = [f"{it.shape[1]}x{it.shape[0]}" for it in (ours, true)]
        raise DataError(f"is {sides[0]}, and the true one {sides[1]}")
    return ours, true


def _fid(
    pairs: Sequence[tuple[Path, Path]],
    device: torch.device,
    shapes: set[tuple[int, ...]],
    on_picture: Callable[[], None],
) -> Score:
    """Measure FID; pictures of one size go through Inception together."""
    batch = 1
    if len(shapes) == 1:
        (shape,) = shapes
        batch = max(1, min(MAX_FID_BATCH, FID_BATCH_PIXELS // (shape[0] * shape[1])))
    predicted, truth = ([files[side] for files in pairs] for side in (0, 1))
    try:
        value = measure_fid(predicted, truth, device, batch=batch, on_picture=on_picture)
    except (DataError, EvaluationError) as error:
        return Score(value=None, reason=str(error))
    return Score(value=value)
