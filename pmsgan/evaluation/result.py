"""Results of an evaluation, as plain data."""

import math
import statistics
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from pmsgan.evaluation.bootstrap import CONFIDENCE, NUM_RESAMPLES, Difference, paired_difference
from pmsgan.evaluation.config import METRICS, MetricName


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """One metric of one method."""

    value: float | None
    """The mean over pictures, or FID; None if it was not measured."""
    deviation: float | None = None
    """Standard deviation over pictures; None for FID."""
    reason: str | None = None
    """Reason why it was not measured, or not on every picture."""
    by_picture: Mapping[str, float] | None = None
    """Value of each picture, NaN where there is none; None for FID."""

    @classmethod
    def of(cls, by_picture: Mapping[str, float], reason: str | None = None) -> "Score":
        """Return the mean of the pictures that have a number."""
        numbers = [value for value in by_picture.values() if math.isfinite(value)]
        if not numbers:
            return cls(
                value=None,
                reason=reason or "it could be computed for no picture",
                by_picture=by_picture,
            )
        return cls(
            value=statistics.fmean(numbers),
            deviation=statistics.stdev(numbers) if len(numbers) > 1 else 0.0,
            reason=reason,
            by_picture=by_picture,
        )

    def to_json(self) -> dict[str, Any]:
        """Return values that JSON can hold; NaN becomes null."""
        by_picture = None
        if self.by_picture is not None:
            by_picture = {
                name: value if math.isfinite(value) else None
                for name, value in self.by_picture.items()
            }
        return asdict(self) | {"by_picture": by_picture}

    @property
    def missing(self) -> list[str]:
        """Pictures without a number."""
        return [name for name, value in (self.by_picture or {}).items() if not math.isfinite(value)]


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """One method: predicted pictures beside true ones."""

    method: str
    scores: Mapping[MetricName, Score]
    num_pairs: int
    """Pairs that were compared."""
    only_predicted: tuple[str, ...] = ()
    only_true: tuple[str, ...] = ()
    failures: Mapping[str, str]
    """Pairs that could not be compared, and why."""
    num_resized: int = 0
    """Number of results or true pictures that were resized to match the other."""

    @property
    def is_complete(self) -> bool:
        """Whether everything was measured on every picture."""
        unmatched = (*self.only_predicted, *self.only_true, *self.failures)
        return not unmatched and all(
            score.value is not None and not score.missing for score in self.scores.values()
        )

    def with_failures(self, failures: Mapping[str, str]) -> "Evaluation":
        """Give the reasons why pictures have no result, instead of calling them missing."""
        return replace(
            self,
            failures={**self.failures, **failures},
            only_true=tuple(name for name in self.only_true if name not in failures),
        )

    def to_json(self) -> dict[str, Any]:
        """Return values that JSON can hold; NaN becomes null."""
        return {
            "method": self.method,
            "num_pairs": self.num_pairs,
            "num_resized": self.num_resized,
            "only_predicted": self.only_predicted,
            "only_true": self.only_true,
            "failures": dict(self.failures),
            "scores": {
                name: {"better": METRICS[name].better} | score.to_json()
                for name, score in self.scores.items()
            },
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedCount:
    """Pairs of an evaluation that its networks were trained on."""

    names: tuple[str, ...]
    """Pairs, one of whose files was trained on."""
    are_scored: bool
    """Whether they are scored anyway."""
    same_name: tuple[str, ...] = ()
    """Scored pairs of other files that have the name of a pair that was trained on."""

    @property
    def left_out(self) -> frozenset[str]:
        """The pairs that are not scored."""
        return frozenset() if self.are_scored else frozenset(self.names)


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Methods that were measured on the same pictures."""

    evaluations: tuple[Evaluation, ...]
    """At least one; the others are compared with the first."""
    sizes: Mapping[tuple[int, int], int]
    """How many pictures were compared at which width and height [pixels]."""
    resizes_truth: bool = False
    """Whether the true pictures were brought to the results' size, and not the other way round."""
    trained: TrainedCount | None = None
    """None if the training pairs of the networks are unknown."""

    @property
    def metrics(self) -> tuple[MetricName, ...]:
        """The metrics that were asked for."""
        return tuple(self.evaluations[0].scores)

    @property
    def is_complete(self) -> bool:
        """Whether everything was measured on every picture of every method."""
        return all(evaluation.is_complete for evaluation in self.evaluations)

    def difference(self, metric: MetricName, evaluation: Evaluation) -> Difference | None:
        """Return how much higher a method scores than the first; None if that is unknown."""
        ours, first = (one.scores[metric].by_picture for one in (evaluation, self.evaluations[0]))
        return None if ours is None or first is None else paired_difference(ours, first)

    def to_json(self) -> dict[str, Any]:
        """Return values that JSON can hold; NaN becomes null."""
        return {
            "kind": "evaluation",
            "evaluations": [evaluation.to_json() for evaluation in self.evaluations],
            "differences": {
                "reference": self.evaluations[0].method,
                "confidence": CONFIDENCE,
                "num_resamples": NUM_RESAMPLES,
                "of": [
                    {"method": evaluation.method, "metric": metric, **asdict(difference)}
                    for evaluation in self.evaluations[1:]
                    for metric in self.metrics
                    if (difference := self.difference(metric, evaluation)) is not None
                ],
            },
            "sizes": [
                {"width": width, "height": height, "num_pictures": count}
                for (width, height), count in self.sizes.items()
            ],
            "resizes_truth": self.resizes_truth,
            "trained": None if self.trained is None else asdict(self.trained),
        }
