import time
from collections.abc import Iterator

from pmsgan.training.stopwatch import Stopwatch


def slow_batches() -> Iterator[int]:
    for number in range(3):
        time.sleep(0.05)
        yield number


def waiting_share(summary: str) -> float:
    return float(summary.split("steps/s, ")[1].split("%")[0])


def test_waiting_is_told_from_working() -> None:
    waits = Stopwatch()
    assert list(waits.waiting_for(slow_batches())) == [0, 1, 2]
    summary = waits.summary()
    assert summary.startswith("3 steps in ")
    assert waiting_share(summary) > 80
    works = Stopwatch()
    for _ in works.waiting_for([0, 1, 2]):
        time.sleep(0.05)
    assert waiting_share(works.summary()) < 20
