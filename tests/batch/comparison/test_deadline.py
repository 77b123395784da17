"""Repeated work that has to end in time."""

import pytest

from pmsgan.batch.comparison import deadline as deadline_module
from pmsgan.batch.comparison.deadline import Deadline


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr(deadline_module.time, "perf_counter", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("limit_s", "then", "times"), [(10.0, 0, 3), (5.0, 0, 2), (0.0, 0, 1), (9.0, 2, 2)]
)
def test_work_is_repeated_while_the_next_piece_and_what_follows_fit(
    clock: list[float], limit_s: float, then: int, times: int
) -> None:
    told: list[float] = []
    deadline = Deadline(limit_s, told.append)
    for _ in deadline.repeat(3, then):
        clock[0] += 2.0
    assert told == [2.0 * (number + 1) for number in range(times)]
    assert deadline.elapsed_s == 2.0 * times
    assert deadline.left_s == max(0.0, limit_s - 2.0 * times)


def test_without_a_limit_all_is_done(clock: list[float]) -> None:
    deadline = Deadline()
    assert [number for number in deadline.repeat(3)] == [0, 1, 2]
    clock[0] += 1e9
    assert deadline.allows(1e9)


def test_the_clock_stands_still_while_it_is_paused(clock: list[float]) -> None:
    deadline = Deadline(10.0)
    with deadline.paused():
        clock[0] += 30.0
    clock[0] += 4.0
    assert (deadline.elapsed_s, deadline.left_s) == (4.0, 6.0)
