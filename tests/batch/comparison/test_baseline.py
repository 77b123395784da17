"""An engine compared with another one."""

import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from pmsgan.batch.comparison import baseline as baseline_module
from pmsgan.batch.comparison import deadline as deadline_module
from pmsgan.batch.comparison.baseline import (
    Timings,
    _count,
    eager_contenders,
    measure_against,
    measure_baselines,
)
from pmsgan.batch.comparison.child import ComparisonProcess, Contender, open_contender
from pmsgan.batch.comparison.deadline import Deadline
from pmsgan.batch.comparison.workload import Workload
from pmsgan.batch.files.local import LocalFolder
from pmsgan.batch.pictures.load import load_pictures
from pmsgan.batch.plan import plan_folder
from pmsgan.batch.settings import ConvertSettings, Parallelism
from pmsgan.engine.open import open_engine
from pmsgan.errors import EngineError
from pmsgan.styles.registry import Style

SINGLE = Contender(backend="eager", precision="fp32")


@pytest.fixture(autouse=True)
def short_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test here is about how long a run takes."""
    monkeypatch.setattr(baseline_module, "RUN_S", 0.05)


@pytest.fixture
def workload(style: Style, in_dir: Path, tmp_path: Path) -> Workload:
    settings = ConvertSettings()
    folder = LocalFolder(in_dir)
    plan = plan_folder(folder, LocalFolder(tmp_path / "out"))
    size = style.height, style.width
    jobs, pictures = load_pictures(plan.jobs(), folder.read, size, settings)
    assert pictures is not None
    return Workload(
        style=style,
        settings=settings,
        parallelism=Parallelism(readers=2, writers=2, slots=4),
        jobs=tuple(jobs),
        pictures=pictures,
    )


def test_both_sides_work_on_the_same_pictures(
    style: Style, workload: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baseline_module, "RUN_S", 1000.0)
    with open_engine(style, backend="eager") as engine:
        measured, reference = measure_against(engine, SINGLE, workload, num_repeats=2)
        assert reference is not None
        results = engine.translate(workload.pictures[:8])
        # The child may have fewer threads, and rounds another way.
        np.testing.assert_allclose(reference.astype(int), results.astype(int), rtol=0, atol=1)
    assert measured.in_memory.num_pictures == 8  # whole batches of the nine pictures
    assert len(measured.in_memory.engine_s) == len(measured.files_to_files.compared_s) == 2
    assert measured.engine_accuracy is not None
    assert measured.engine_accuracy.psnr_db > 60
    content = measured.to_json()
    assert content["in_memory"]["engine_pictures_per_s"]["median"] > 0
    assert content["gpu_pictures_per_s"] is None


def test_a_slow_contender_gets_one_batch(
    style: Style, workload: Workload, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baseline_module, "RUN_S", 0.0)
    with open_engine(style, max_batch=2) as engine:
        measured, _ = measure_against(engine, SINGLE, workload, num_repeats=1)
    assert measured.in_memory.num_pictures == 2


def test_earlier_runs_become_part_of_the_result(style: Style, workload: Workload) -> None:
    with open_engine(style, backend="eager", max_batch=2) as engine:
        first, reference = measure_against(engine, SINGLE, workload, num_repeats=1)
        both, _ = measure_against(
            engine, SINGLE, workload, num_repeats=2, reference=reference, before=first
        )
    assert both.in_memory.num_pictures == first.in_memory.num_pictures
    assert both.in_memory.compared_s[:1] == first.in_memory.compared_s
    assert both.files_to_files.engine_s[:1] == first.files_to_files.engine_s
    assert len(both.in_memory.engine_s) == len(both.files_to_files.compared_s) == 3


def test_speedups_are_those_of_runs() -> None:
    timings = Timings(num_pictures=6, engine_s=(1.0, 2.0, 3.0), compared_s=(4.0, 4.0, 9.0))
    assert asdict(timings.speedup) == {"median": 3.0, "low": 2.0, "high": 4.0}
    assert timings.engine_pictures_per_s.median == 3.0
    assert timings.compared_pictures_per_s.median == 1.5


def test_an_engine_in_half_precision_is_compared_with_eager_in_it_too(
    style: Style, workload: Workload
) -> None:
    with open_engine(style, precision="fp32") as engine:
        engine.info = replace(engine.info, precision="bf16")
        single, half = measure_baselines(engine, workload)
    assert (single.title, half.title) == ("eager, fp32", "eager, bf16")
    assert half.compared_accuracy is not None
    assert 30 < half.compared_accuracy.psnr_db < 90  # to FP32, not to the engine
    assert half.engine_accuracy == single.engine_accuracy


@pytest.mark.parametrize(
    ("precision", "expected"),
    [("fp32", ["fp32"]), ("bf16", ["fp32", "bf16"]), ("fp16", ["fp32", "fp16"])],
)
def test_eager_runs_in_the_precision_of_the_engine(
    style: Style, precision: str, expected: list[str]
) -> None:
    with open_engine(style) as engine:
        contenders = eager_contenders(replace(engine.info, precision=precision))
    assert [contender.precision for contender in contenders] == expected


@pytest.mark.parametrize(
    ("backend", "has_bf16", "expected"),
    [
        ("openvino", True, ["fp32", "bf16"]),
        ("openvino", False, ["fp32"]),
        ("tensorrt", False, ["fp32", "fp16"]),
    ],
)
def test_int8_is_compared_with_what_eager_is_fast_in(
    style: Style,
    backend: str,
    has_bf16: bool,
    expected: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(baseline_module, "computes_bf16", lambda: has_bf16)
    with open_engine(style) as engine:
        info = replace(engine.info, precision="int8", backend=backend)
    assert [contender.precision for contender in eager_contenders(info)] == expected


def test_a_child_that_fails_says_why(workload: Workload, tmp_path: Path) -> None:
    gone = replace(workload, style=replace(workload.style, folder=tmp_path / "gone"))
    with (
        pytest.raises(EngineError, match=r"eager, fp32 failed: .*gone"),
        ComparisonProcess(SINGLE, gone, max_batch=4),
    ):
        pass


def test_a_child_that_cannot_convert_the_files_says_so(workload: Workload) -> None:
    Path(workload.jobs[0].source).unlink()
    with (
        ComparisonProcess(SINGLE, workload, max_batch=4) as process,
        pytest.raises(EngineError, match=r"cannot be converted: .*picture_0.png cannot be read"),
    ):
        process.convert(4)


def test_the_child_compiles_when_it_is_told_to(
    workload: Workload, pictures: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []
    # What compiling itself does is torch's to test, and takes a minute.
    monkeypatch.setattr("torch.nn.Module.compile", lambda self: calls.append(type(self).__name__))
    for is_compiled in (False, True):
        contender = replace(SINGLE, is_compiled=is_compiled)
        with open_contender(contender, workload, max_batch=4, num_threads=1) as measured:
            assert measured.info().runtime.endswith(", compiled") == is_compiled
            assert measured.translate(9) > 0
            assert measured.convert(5) > 0
            results = measured.results()
        assert calls == ["Generator"] * is_compiled
        assert results is not None
        assert results.shape == pictures.shape


def test_a_contender_that_takes_too_long_is_given_up(style: Style, workload: Workload) -> None:
    told: list[float] = []
    with open_engine(style, backend="eager") as engine:
        with pytest.raises(EngineError, match=r"eager, fp32 takes too long to time after this run"):
            list(measure_baselines(engine, workload, Deadline(0.001)))
        baselines = list(measure_baselines(engine, workload, Deadline(600.0, told.append)))
    assert [baseline.title for baseline in baselines] == ["eager, fp32"]
    assert len(told) >= 6
    assert told == sorted(told)


@dataclass
class SlowProcess:
    """A contender that takes equally long for each picture, by a clock of its own."""

    picture_s: float
    now: list[float]

    def translate(self, count: int) -> float:
        self.now[0] += count * self.picture_s
        return count * self.picture_s


@pytest.mark.parametrize(
    ("picture_s", "count"), [(0.001, 8), (0.3, 4), (0.5, 1), (1.9, 1), (2.5, None)]
)
def test_a_contender_gets_no_more_pictures_than_there_is_time_for(
    workload: Workload, monkeypatch: pytest.MonkeyPatch, picture_s: float, count: int | None
) -> None:
    now = [0.0]
    monkeypatch.setattr(deadline_module.time, "perf_counter", lambda: now[0])
    process, deadline = SlowProcess(picture_s, now), Deadline(10.0)
    if count is None:
        with pytest.raises(EngineError, match="would take too long to time after this run"):
            _count(workload, SINGLE, 4, process, deadline)
        assert now[0] == picture_s
    else:
        assert _count(workload, SINGLE, 4, process, deadline) == count


def test_a_child_that_is_killed_leaves_no_files(
    workload: Workload, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))  # of the child
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    job = workload.jobs[0]
    many = tuple(replace(job, name=f"{it}", output=f"{it}.png") for it in range(20_000))
    deadline = Deadline(1.0)
    with (
        pytest.raises(EngineError, match="takes too long to time"),
        ComparisonProcess(SINGLE, replace(workload, jobs=many), 4, deadline=deadline) as process,
    ):
        process.convert(len(many))
    assert list(scratch.iterdir()) == []
