"""Results of an evaluation, as a table, LaTeX and JSON."""

import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pmsgan.evaluation.config import METRICS, MIN_FID_PICTURES, MetricName
from pmsgan.spread import digits


@dataclass(frozen=True, kw_only=True, slots=True)
class Score:
    """One metric of one method."""

    value: float | None
    """The mean over pictures, or FID; None if it was not measured."""
    deviation: float | None = None
    """Standard deviation over pictures; None for FID."""
    reason: str | None = None
    """Why it was not measured, or not on every picture."""
    by_picture: Mapping[str, float] | None = None
    """Value of each picture, NaN where there is none; None for FID."""

    @classmethod
    def of(cls, by_picture: Mapping[str, float], reason: str | None = None) -> "Score":
        """Return the mean of the pictures that have a number."""
        numbers = [value for value in by_picture.values() if math.isfinite(value)]
        if not numbers:
            return cls(
                value=None, reason=reason or "no picture has a number", by_picture=by_picture
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

    @property
    def is_complete(self) -> bool:
        """Whether everything was measured on every picture."""
        unmatched = (*self.only_predicted, *self.only_true, *self.failures)
        return not unmatched and all(
            score.value is not None and not score.missing for score in self.scores.values()
        )

    def to_json(self) -> dict[str, Any]:
        """Return values that JSON can hold; NaN becomes null."""
        return {
            "method": self.method,
            "num_pairs": self.num_pairs,
            "only_predicted": self.only_predicted,
            "only_true": self.only_true,
            "failures": dict(self.failures),
            "scores": {
                name: {"better": METRICS[name].better} | score.to_json()
                for name, score in self.scores.items()
            },
        }


MAX_NAMED = 5
"""Pictures that a remark names."""


def to_text(evaluations: Sequence[Evaluation]) -> str:
    """Return a table: a line for each metric, a column for each method."""
    names = list(evaluations[0].scores)
    width = max(14, *(len(_one_line(it.method)) + 2 for it in evaluations))
    heads = "".join(f"{_one_line(it.method):>{width}}" for it in evaluations)
    lines = [f"{'':<18}{'better':<8}{heads}"]
    for name in names:
        metric = METRICS[name]
        values = [it.scores[name].value for it in evaluations]
        cells = "".join(f"{'-' if it is None else digits(it):>{width}}" for it in values)
        lines.append(f"{metric.title:<18}{metric.better:<8}{cells}")
    lines.append(
        f"{'pairs':<26}" + "".join(f"{evaluation.num_pairs:>{width}}" for evaluation in evaluations)
    )
    return "\n".join(lines)


def to_latex(evaluations: Sequence[Evaluation]) -> str:
    """Return a head and rows for a table in LaTeX (booktabs), the best of each metric in bold."""
    names = list(evaluations[0].scores)
    head = " & ".join(
        ["Method", *(f"{METRICS[name].title} {METRICS[name].arrow}" for name in names)]
    )
    best = {}
    for name in names:
        values = [it.scores[name].value for it in evaluations]
        known = [value for value in values if value is not None]
        if len(known) > 1:
            best[name] = min(known) if METRICS[name].better == "lower" else max(known)
    rows = []
    for evaluation in evaluations:
        cells = [_latex_text(evaluation.method)]
        for name in names:
            value = evaluation.scores[name].value
            text = "--" if value is None else digits(value)
            cells.append(
                rf"\textbf{{{text}}}" if value is not None and value == best.get(name) else text
            )
        rows.append(" & ".join(cells) + r" \\")
    return "\n".join([head + r" \\ \midrule", *rows])


def remarks(evaluations: Sequence[Evaluation]) -> list[str]:
    """Return a line for each thing that is missing, or that a reader has to know."""
    methods: dict[str, list[str]] = {}
    for it in evaluations:
        for remark in _remarks(it):
            methods.setdefault(remark, []).append(it.method)
    return [
        _one_line(remark if len(whose) == len(evaluations) else f"{', '.join(whose)}: {remark}")
        for remark, whose in methods.items()
    ]


def _remarks(it: Evaluation) -> Iterator[str]:
    for name, score in it.scores.items():
        title = METRICS[name].title
        if score.value is None:
            yield f"{title} not measured: {score.reason}"
        elif score.missing:
            why = f": {score.reason}" if score.reason else ""
            yield f"{title} has no number for {_some(score.missing)}{why}"
    for names, what in ((it.only_predicted, "predicted alone"), (it.only_true, "true alone")):
        if names:
            yield f"{len(names)} pictures are {what}: {_some(names)}"
    for picture, why in list(it.failures.items())[:MAX_NAMED]:
        yield f"{picture} not compared: {why}"
    if len(it.failures) > MAX_NAMED:
        yield f"{len(it.failures)} pairs not compared"
    is_known = "fid" in it.scores and it.scores["fid"].value is not None
    if is_known and it.num_pairs < MIN_FID_PICTURES:
        yield f"FID of {it.num_pairs} pictures says little: it takes {MIN_FID_PICTURES:,} or more"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more


def _one_line(text: str) -> str:
    """Keep names of files from making lines of their own."""
    return " ".join(text.split())


_LATEX = {"\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}"} | {
    it: f"\\{it}" for it in "&%$#_{}"
}


def _latex_text(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in _one_line(text))
