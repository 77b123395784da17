"""A difference counts only beyond the noise of both sides."""

import json
import math
from pathlib import Path
from typing import Any

import pytest

from pmsgan.benchmark.compare import Figure, compare_reports
from pmsgan.errors import ConfigError
from pmsgan.spread import Spread


def spread(low: float, median: float, high: float) -> Spread:
    return Spread(median=median, low=low, high=high)


@pytest.mark.parametrize(
    ("unit", "a", "b", "verdict"),
    [
        ("pictures/s", (9, 10, 11), (19, 20, 21), "faster"),
        ("pictures/s", (19, 20, 21), (9, 10, 11), "slower"),
        ("ms", (9, 10, 11), (19, 20, 21), "slower"),
        ("ms", (19, 20, 21), (9, 10, 11), "faster"),
        ("pictures/s", (9, 10, 15), (14, 20, 21), "same"),  # the spreads overlap
        ("pictures/s", (10, 10, 10), (10.9, 10.9, 10.9), "same"),  # too close
        ("pictures/s", (10, 10, 10), (9.2, 9.2, 9.2), "same"),
    ],
)
def test_a_difference_counts_only_beyond_both_spreads(
    unit: str, a: tuple[float, ...], b: tuple[float, ...], verdict: str
) -> None:
    assert Figure(name="x", unit=unit, a=spread(*a), b=spread(*b)).verdict == verdict


def benchmark(pictures_per_s: float, threads: int | None = None, title: str = "eager") -> Any:
    rate = {"median": pictures_per_s, "low": 0.99 * pictures_per_s, "high": 1.01 * pictures_per_s}
    return {
        "kind": "benchmark",
        "pmsgan": "1",
        "style": "anime",
        "config": {"num_threads": threads},
        "machine": {"cores": 2, "packages": {"torch": "2"}},
        "rows": [
            {"size": "64x64", "batch": 4, "title": name, "in_memory": rate, "files_to_files": rate}
            for name in ("openvino", title)
        ],
    }


def conversion(images: list[int], read_ms: float = 1.0) -> Any:
    times = {"count": 9, "median_ms": read_ms, "p25_ms": 0.9 * read_ms, "p75_ms": 1.1 * read_ms}
    timings = {
        "engine_pictures_per_s": {"median": 9.0, "low": 8.0, "high": 10.0},
        "compared_pictures_per_s": {"median": 2.0, "low": 1.0, "high": 3.0},
    }
    return {
        "kind": "conversion",
        "pmsgan": "1",
        "style": "anime",
        "engine": {"precision": "fp32"},
        "pictures_per_s": sum(images) / len(images),
        "throughput": {"span_s": 1.0, "pictures": images},
        "stages": {"read": times, "run": {"count": 0, "median_ms": None}},
        "baselines": [{"title": "eager, fp32", "in_memory": timings, "files_to_files": timings}],
    }


def written(folder: Path, *contents: Any) -> list[Path]:
    paths = [folder / f"{number}.json" for number, _ in enumerate(contents)]
    for path, content in zip(paths, contents, strict=True):
        path.write_text(json.dumps(content))
    return paths


def test_two_benchmarks(tmp_path: Path) -> None:
    result = compare_reports(*written(tmp_path, benchmark(10.0), benchmark(5.0, 1, "compiled")))
    assert [(it.name, it.verdict, it.speed) for it in result.figures] == [
        ("64x64 batch 4, openvino: in memory", "slower", 0.5),
        ("64x64 batch 4, openvino: files to files", "slower", 0.5),
    ]
    assert result.changed == {"config num_threads": (None, 1)}
    assert len(result.unmatched) == 4
    text = result.to_text()
    assert "changed: config num_threads: None -> 1" in text
    assert "0 faster, 2 slower, 0 with no difference beyond noise" in text
    assert result.to_json()["figures"][0]["verdict"] == "slower"


def test_two_conversions(tmp_path: Path) -> None:
    paths = written(tmp_path, conversion([10, 11, 9, 10] * 4 + [3]), conversion([20] * 17, 0.5))
    result = compare_reports(*paths)
    verdicts = {figure.name: figure.verdict for figure in result.figures}
    assert verdicts["files to files"] == "faster"
    assert verdicts["stage read"] == "faster"
    assert verdicts["eager, fp32 in memory"] == "same"
    assert "stage run" not in verdicts
    same = compare_reports(paths[0], paths[0])
    assert {figure.verdict for figure in same.figures} == {"same"}
    assert same.changed == {}
    short = compare_reports(*written(tmp_path, conversion([10, 3]), conversion([20, 3])))
    assert "files to files" not in {figure.name for figure in short.figures}


def test_batches_that_fall_into_spans_are_no_noise(tmp_path: Path) -> None:
    """27 pictures/s in batches of 4, counted in quarters of a second; and half of that."""
    fast, slow = [8, 4, 8, 8] * 10, [4, 4, 0, 4] * 20
    paths = written(tmp_path, conversion(fast), conversion(slow))
    verdicts = {it.name: it.verdict for it in compare_reports(*paths).figures}
    assert verdicts["files to files"] == "slower"


def test_a_report_of_another_version_is_named(tmp_path: Path) -> None:
    report = conversion([10] * 9)
    del report["stages"]
    with pytest.raises(ConfigError, match="another version of pmsgan: it lacks 'stages'"):
        compare_reports(*written(tmp_path, report, report))


def test_a_short_run_shows_no_noise_and_is_not_compared(tmp_path: Path) -> None:
    paths = written(tmp_path, conversion([10, 10]), conversion([20, 20]))
    assert "files to files" not in {figure.name for figure in compare_reports(*paths).figures}


def test_what_is_no_report_is_refused(tmp_path: Path) -> None:
    good, other = written(tmp_path, benchmark(1.0), conversion([1]))
    with pytest.raises(ConfigError, match="compare two of the same kind"):
        compare_reports(good, other)
    with pytest.raises(ConfigError, match="cannot read"):
        compare_reports(good, tmp_path / "missing")
    for text in ("no JSON", "[]", "{}", '{"kind": "plan"}'):
        (tmp_path / "bad").write_text(text)
        with pytest.raises(ConfigError, match=r"give report.json or bench.json"):
            compare_reports(good, tmp_path / "bad")


@pytest.mark.parametrize(
    "damage",
    [
        {"stages": []},
        {"machine": 1},
        {"pictures_per_s": math.inf},
        {"throughput": {"span_s": 0.0, "pictures": [1] * 17}},
        {"throughput": {"span_s": 1.0, "pictures": [10**400] * 17}},
    ],
)
def test_a_report_whose_values_are_no_figures_is_refused(
    tmp_path: Path, damage: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match=r"json is damaged"):
        compare_reports(*written(tmp_path, conversion([10] * 17) | damage, conversion([10] * 17)))


def test_a_stage_that_takes_no_time_is_compared() -> None:
    none, some = (Spread(median=it, low=it, high=it) for it in (0.0, 2.0))
    assert Figure(name="", unit="ms", a=none, b=none).speed == 1.0
    assert Figure(name="", unit="ms", a=some, b=none).verdict == "faster"
    assert Figure(name="", unit="ms", a=none, b=some).speed == 0.0
    assert Figure(name="", unit="pictures/s", a=none, b=some).speed == math.inf


def test_a_report_that_is_nested_too_deeply_is_no_report(tmp_path: Path) -> None:
    path = tmp_path / "report.json"
    path.write_text("[" * 100_000)
    with pytest.raises(ConfigError, match=r"is not JSON: give report.json or bench.json"):
        compare_reports(path, path)
