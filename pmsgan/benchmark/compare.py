"""Find the figures of two reports that differ by more than the noise of both."""

import json
import math
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pmsgan.errors import ConfigError
from pmsgan.regular_file import MAX_TEXT_BYTES, read_regular
from pmsgan.spread import Spread
from pmsgan.terminal import printable

TOLERANCE = 0.10
"""Medians that are closer than this do not differ, however small the spread within each run is: on
a machine that shares its host, two runs of the same program differ by this much."""
NUM_PARTS = 8
"""Number of parts of a run; their variation shows how certain its throughput is."""

Verdict = Literal["faster", "slower", "same"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A figure that both reports hold."""

    name: str
    unit: str
    """pictures/s, where more is better, or ms, where less is better."""
    a: Spread
    b: Spread

    @property
    def speed(self) -> float:
        """How many times as fast as A report B is."""
        slow, fast = self.a.median, self.b.median
        if self.unit == "ms":
            slow, fast = fast, slow
        if slow == fast:  # both may be 0
            return 1.0
        return fast / slow if slow else math.inf

    @property
    def verdict(self) -> Verdict:
        """The figure differs if the spreads do not touch and the medians are far apart."""
        overlap = self.a.low <= self.b.high and self.b.low <= self.a.high
        if overlap or 1 / (1 + TOLERANCE) <= self.speed <= 1 + TOLERANCE:
            return "same"
        return "faster" if self.speed > 1 else "slower"


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """Two reports, figure by figure."""

    figures: tuple[Figure, ...]
    changed: dict[str, tuple[Any, Any]]
    """Settings, machine and versions that differ, each with both values."""
    unmatched: tuple[str, ...]
    """Figures that only one report holds."""

    def to_json(self) -> dict[str, Any]:
        """Return the comparison for JSON."""
        return {
            "kind": "comparison",
            "changed": self.changed,
            "figures": [
                asdict(figure) | {"speed": figure.speed, "verdict": figure.verdict}
                for figure in self.figures
            ],
            "unmatched": self.unmatched,
        }

    def to_text(self) -> str:
        """Return the comparison for people."""
        width = max((len(figure.name) for figure in self.figures), default=0) + 2
        lines = [f"changed: {name}: {a} -> {b}" for name, (a, b) in self.changed.items()]
        lines.append(f"{'':<{width}}{'A':>26}{'B':>26}{'':>10}{'B/A speed':>10}")
        lines += [
            f"{figure.name:<{width}}{figure.a!s:>26}{figure.b!s:>26} {figure.unit:<9}"
            f"{figure.speed:>10.2f}  {'' if figure.verdict == 'same' else figure.verdict}"
            for figure in self.figures
        ]
        if self.unmatched:
            lines.append(f"only in one report: {'; '.join(self.unmatched)}")
        counts = {kind: 0 for kind in ("faster", "slower", "same")}
        for figure in self.figures:
            counts[figure.verdict] += 1
        lines.append(
            f"{counts['faster']} faster, {counts['slower']} slower, "
            f"{counts['same']} with no difference beyond noise"
        )
        return "\n".join(map(printable, lines))


def compare_reports(a: Path, b: Path) -> Comparison:
    """Compare two files that `pmsgan convert` or `pmsgan bench` wrote.

    Raises:
        ConfigError: a file cannot be read, or the two are of different kinds.
    """
    first, second = _read(a), _read(b)
    if first["kind"] != second["kind"]:
        raise ConfigError(
            f"{a} is a {first['kind']} and {b} a {second['kind']}: compare two of the same kind"
        )
    try:
        figures = [dict(map(_checked, _figures(report))) for report in (first, second)]
        settings = [dict(_settings(report)) for report in (first, second)]
    except (KeyError, TypeError) as error:
        raise ConfigError(
            f"{a} or {b} comes from another version of pmsgan: it lacks {error}"
        ) from error
    except (AttributeError, ValueError, ArithmeticError) as error:
        raise ConfigError(f"{a} or {b} is damaged: {error}") from error
    return Comparison(
        figures=tuple(
            Figure(name=name[0], unit=name[1], a=spread, b=figures[1][name])
            for name, spread in figures[0].items()
            if name in figures[1]
        ),
        changed={
            name: (settings[0].get(name), settings[1].get(name))
            for name in dict.fromkeys([*settings[0], *settings[1]])
            if settings[0].get(name) != settings[1].get(name)
        },
        unmatched=tuple(sorted(name for name, _ in figures[0].keys() ^ figures[1].keys())),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(read_regular(path, MAX_TEXT_BYTES))
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not JSON: give report.json or bench.json") from error
    if not isinstance(content, dict) or content.get("kind") not in ("conversion", "benchmark"):
        raise ConfigError(f"{path} is not a report: give report.json or bench.json")
    return content


def _figures(report: dict[str, Any]) -> Iterator[tuple[tuple[str, str], Spread]]:
    """Yield name, unit and value of each figure."""
    if report["kind"] == "benchmark":
        for row in report["rows"]:
            case = f"{row['size']} batch {row['batch']}, {row['title']}"
            yield (f"{case}: in memory", "pictures/s"), Spread(**row["in_memory"])
            yield (f"{case}: files to files", "pictures/s"), Spread(**row["files_to_files"])
        return
    if report["pictures_per_s"] > 0 and (rates := _rates(**report["throughput"])):
        yield ("files to files", "pictures/s"), _interval(report["pictures_per_s"], rates)
    for stage, times in report["stages"].items():
        if times["count"]:
            # The median's uncertainty: the notch of a box plot (McGill, Tukey, Larsen 1978).
            reach = 1.57 * (times["p75_ms"] - times["p25_ms"]) / math.sqrt(times["count"])
            middle = times["median_ms"]
            yield (
                (f"stage {stage}", "ms"),
                Spread(median=middle, low=max(0.0, middle - reach), high=middle + reach),
            )
    for baseline in report["baselines"]:
        for kind in ("in_memory", "files_to_files"):
            timings, title = baseline[kind], kind.replace("_", " ")
            name = f"compared with {baseline['title']}: engine {title}"
            yield (name, "pictures/s"), Spread(**timings["engine_pictures_per_s"])
            name = f"{baseline['title']} {title}"
            yield (name, "pictures/s"), Spread(**timings["compared_pictures_per_s"])


def _checked(figure: tuple[tuple[str, str], Spread]) -> tuple[tuple[str, str], Spread]:
    """Return a figure as it is; raise ValueError or TypeError if it holds no numbers."""
    name, spread = figure
    if not all(
        math.isfinite(value) and value >= 0 for value in (spread.median, spread.low, spread.high)
    ):
        raise ValueError(f"{name[0]} is {spread}")
    return figure


def _rates(span_s: float, pictures: list[int]) -> list[float]:
    """Return pictures per second in `NUM_PARTS` parts of a run; none of one that was too short."""
    size = (len(pictures) - 1) // NUM_PARTS  # the last span is not whole
    parts = [pictures[size * part : size * (part + 1)] for part in range(NUM_PARTS)]
    return [sum(part) / (size * span_s) for part in parts] if size else []


def _interval(mean: float, parts: list[float]) -> Spread:
    """Return a mean, plus and minus twice the standard error of its parts."""
    reach = 2 * statistics.stdev(parts) / math.sqrt(len(parts))
    return Spread(median=mean, low=max(0.0, mean - reach), high=mean + reach)


def _settings(report: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the settings, machine and versions that may explain a difference."""
    yield "pmsgan", report["pmsgan"]
    yield "style", report["style"]
    for group in ("config", "engine", "settings", "parallelism", "machine"):
        for name, value in report.get(group, {}).items():
            if isinstance(value, dict):
                yield from ((f"{name} {key}", inner) for key, inner in value.items())
            else:
                yield f"{group} {name}", value
