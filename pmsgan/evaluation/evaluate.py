"""Compare folders of predicted pictures with the true ones."""

import functools
import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from pmsgan.errors import DataError, EvaluationError
from pmsgan.evaluation.config import METRIC_NAMES, MetricName, SizeChoice
from pmsgan.evaluation.folders import Match, match_folders
from pmsgan.evaluation.metrics import (
    PairMetric,
    load_pair_metric,
    measure_fid,
    read_rgb,
    to_tensor,
)
from pmsgan.evaluation.result import Comparison, Evaluation, Score
from pmsgan.evaluation.sizes import match_sizes

MAX_FID_BATCH = 50
FID_BATCH_PIXELS = 1 << 24
"""Inception takes pictures as floats in their own size first: 200 MB of them [pixels]."""

Pixels = NDArray[np.uint8]
USUAL_SIZE = SizeChoice()


def evaluate_folders(
    predicted: Path,
    truth: Path,
    metrics: Sequence[MetricName] = METRIC_NAMES,
    *,
    size: SizeChoice = USUAL_SIZE,
) -> Evaluation:
    """Compare one method's pictures with the true ones, see `compare_methods`."""
    methods = {predicted.resolve().name: predicted}
    return compare_methods(methods, truth, metrics, size=size).evaluations[0]


def compare_methods(
    methods: Mapping[str, Path],
    truth: Path,
    metrics: Sequence[MetricName] = METRIC_NAMES,
    *,
    size: SizeChoice = USUAL_SIZE,
    left_out: Collection[str] = (),
    on_start: Callable[[int], None] = lambda count: None,
    on_picture: Callable[[], None] = lambda: None,
) -> Comparison:
    """Measure the differences of several methods' pictures from the true ones.

    Pictures are matched by their path below the folders, without the suffix. All methods are scored
    on the same pictures: one that a method lacks, or that cannot be compared, is left out for all,
    and named; so is a metric that cannot be measured.

    Args:
        methods: folder of pictures of each method, by its name; at least one.
        truth: folder of the true pictures.
        metrics: metrics to measure.
        size: the size to compare in.
        left_out: names of true pictures to leave out.
        on_start: called once with the largest number of calls of `on_picture`.
        on_picture: called for each picture of a method, and for each that Inception has seen.

    Raises:
        DataError: the folders cannot be matched.
    """
    matches = {
        name: match_folders(folder, truth).without(left_out) for name, folder in methods.items()
    }
    common = _common(matches)
    on_start(len(common) * len(methods) * (3 if "fid" in metrics else 1))
    torch.backends.cudnn.allow_tf32 = False  # nor do the engines that it is to judge
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    measurer = _Measurer(methods, metrics, device, size)
    for picture in common:
        files = {name: match.pairs[picture] for name, match in matches.items()}
        measurer.measure(picture, files)
        for _ in methods:
            on_picture()
    return Comparison(
        evaluations=tuple(
            Evaluation(
                method=name,
                scores=measurer.scores(name, on_picture),
                num_pairs=len(measurer.compared),
                only_predicted=match.only_predicted,
                only_true=match.only_true,
                failures=measurer.failures[name],
                num_resized=measurer.num_resized[name],
            )
            for name, match in matches.items()
        ),
        sizes=measurer.sizes,
        resizes_truth=size.resize_truth,
    )


def _common(matches: Mapping[str, Match]) -> list[str]:
    """Return the pictures that all methods have."""
    common = sorted(set.intersection(*(set(match.pairs) for match in matches.values())))
    if not common:
        raise DataError(f"{' and '.join(matches)} have no true picture in common")
    return common


class _Measurer:
    """Measures picture after picture; a failing picture or metric does not affect the others."""

    def __init__(
        self,
        methods: Mapping[str, Path],
        metrics: Sequence[MetricName],
        device: torch.device,
        size: SizeChoice,
    ) -> None:
        self.failures: dict[str, dict[str, str]] = {name: {} for name in methods}
        """Why pictures of a method cannot be compared, by their names."""
        self.num_resized = dict.fromkeys(methods, 0)
        """How many results of a method were brought to another size."""
        self.compared: list[dict[str, tuple[Path, Path]]] = []
        """Predicted and true file of each method, for each picture that was compared."""
        self.sizes: Counter[tuple[int, int]] = Counter()
        """How many pictures were compared at which width and height."""
        self._metrics = metrics
        self._device = device
        self._size = size
        self._ready: dict[MetricName, PairMetric] = {}
        self._missing: dict[MetricName, Score] = {}
        for name in metrics:
            try:
                if name != "fid":
                    self._ready[name] = load_pair_metric(name, device)
            except EvaluationError as error:
                self._missing[name] = Score(value=None, reason=str(error))
        self._values: dict[str, dict[MetricName, dict[str, float]]] = {
            method: {name: {} for name in self._ready} for method in methods
        }
        self._reasons: dict[tuple[str, MetricName], str] = {}

    def measure(self, picture: str, files: dict[str, tuple[Path, Path]]) -> None:
        """Measure one picture of all methods with each metric of pairs."""
        pairs = {}
        for method, (predicted, truth) in files.items():
            try:
                pairs[method] = _read_pair(predicted, truth, self._size)
            except DataError as error:
                self.failures[method][picture] = str(error)
        if len(pairs) < len(files):
            return
        self.compared.append(files)
        height, width = next(iter(pairs.values()))[1].shape[:2]
        self.sizes[width, height] += 1
        for method, (ours, true, is_resized) in pairs.items():
            self.num_resized[method] += is_resized
            tensors = to_tensor(ours, self._device), to_tensor(true, self._device)
            for metric, measure in self._ready.items():
                try:
                    with torch.inference_mode():
                        self._values[method][metric][picture] = measure(*tensors)
                except EvaluationError as error:
                    self._values[method][metric][picture] = math.nan
                    self._reasons[method, metric] = str(error)

    def scores(self, method: str, on_picture: Callable[[], None]) -> dict[MetricName, Score]:
        """Return the scores of a method over the pictures that were compared."""
        scores = self._missing | {
            metric: Score.of(found, self._reasons.get((method, metric)))
            for metric, found in self._values[method].items()
        }
        if "fid" in self._metrics:
            scores["fid"] = self._fid(method, on_picture)
        return {name: scores[name] for name in self._metrics}

    def _fid(self, method: str, on_picture: Callable[[], None]) -> Score:
        """Measure FID; pictures of one size go through Inception together."""
        batch = 1
        if len(self.sizes) == 1:
            ((width, height),) = self.sizes
            batch = max(1, min(MAX_FID_BATCH, FID_BATCH_PIXELS // (height * width)))
        predicted, truth = (
            [
                functools.partial(_read_side, *files[method], self._size, side)
                for files in self.compared
            ]
            for side in (0, 1)
        )
        try:
            value = measure_fid(predicted, truth, self._device, batch=batch, on_picture=on_picture)
        except (DataError, EvaluationError) as error:
            return Score(value=None, reason=str(error))
        return Score(value=value)


def _read_pair(predicted: Path, truth: Path, size: SizeChoice) -> tuple[Pixels, Pixels, bool]:
    """Return a result and the true picture in one size, and whether the result was resized."""
    ours, true = read_rgb(predicted), read_rgb(truth)
    return *match_sizes(ours, true, size), ours.shape != true.shape


def _read_side(predicted: Path, truth: Path, size: SizeChoice, side: int) -> Pixels:
    """Return the result (side 0) or the true picture (side 1), in one size."""
    ours, true, _ = _read_pair(predicted, truth, size)
    return true if side else ours
