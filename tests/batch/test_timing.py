"""Durations, pictures over time, and the engine's clock."""

import random
import statistics
from typing import Any

import pytest

from pmsgan.batch import timing as clock_module
from pmsgan.batch.timing import MAX_SPANS, Durations, EngineClock, StageTimes, Throughput, Timing
from pmsgan.engine.interface import GpuTimes


def test_quantiles_are_within_one_percent() -> None:
    chance, durations = random.Random(0), Durations()
    values = [chance.lognormvariate(-6, 2) for _ in range(20_000)]
    for value in values:
        durations.add(value)
    exact = statistics.quantiles(values, n=100)
    for percent in (5, 25, 50, 75, 95, 99):
        assert durations.quantile(percent / 100) == pytest.approx(exact[percent - 1], rel=0.02)
    assert durations.total_s == pytest.approx(sum(values))
    assert durations.count == len(values)


def test_memory_does_not_grow_with_the_number_of_durations() -> None:
    chance, durations = random.Random(0), Durations()
    for _ in range(100_000):
        durations.add(chance.uniform(1e-9, 1000.0))
    assert len(durations._bins) < 1500


def test_nothing_measured_has_no_quantiles() -> None:
    assert Durations().to_json()["median_ms"] is None
    assert Durations().to_json()["busy_s"] == 0.0


def test_threads_are_merged() -> None:
    one, other = StageTimes(), StageTimes()
    with one.measure("read"):
        pass
    with pytest.raises(OSError, match="broken"), other.measure("read"):
        raise OSError("broken")
    one.merge(other)
    assert one.stages["read"].count == 2
    assert one.stages["write"].count == 0


def test_spans_are_doubled_when_they_no_longer_suffice() -> None:
    throughput = Throughput()
    for tenth in range(10_000):
        throughput.add(tenth / 10)
    assert sum(throughput.counts) == 10_000
    assert MAX_SPANS / 2 <= len(throughput.counts) <= MAX_SPANS
    assert throughput.span_s == 16.0
    assert set(throughput.counts[:-1]) == {160}


def test_what_others_counted_is_put_where_it_was_in_the_whole_run() -> None:
    whole, part = Throughput(), Throughput()
    for tenth in range(20):
        part.add(tenth / 10)
    whole.merge(part, started_s=10.0)
    assert sum(whole.counts) == 20
    assert not any(whole.counts[:40])
    assert whole.counts[40:] == part.counts


class Engine:
    gpu_times: GpuTimes | None = None


def test_a_batch_s_turn_begins_when_the_one_before_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(clock_module.time, "perf_counter", lambda: now[0])
    timing = Timing()
    clock: Any = EngineClock(Engine(), timing)  # type: ignore[arg-type]
    for moment, call in [
        (0.0, clock.submit),
        (1.0, clock.submit),
        (3.0, clock.end),  # the first took 3 s
        (4.0, clock.submit),
        (5.0, clock.end),  # the second 2, from 3 to 5
        (6.0, clock.end),  # the third 1
        (9.0, clock.submit),
        (9.5, clock.end),  # the last came when the engine had nothing to do
    ]:
        now[0] = moment
        call()
    run = timing.stages.stages["run"]
    assert timing.warm_up_s == 3.0
    assert (run.count, run.total_s) == (3, 3.5)
    assert timing.stages.stages["copy"].count == 0


def test_a_gpu_is_believed_its_own_clock() -> None:
    timing, engine = Timing(), Engine()
    clock: Any = EngineClock(engine, timing)  # type: ignore[arg-type]
    for times in (GpuTimes(1.0, 0.5), GpuTimes(1.25, 0.625)):
        clock.submit()
        engine.gpu_times = times
        clock.end()
    assert timing.stages.stages["run"].total_s == 0.25
    assert timing.stages.stages["copy"].total_s == 0.125
