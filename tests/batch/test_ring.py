"""The ring alone, without an engine: who waits, who is woken, and what is handed over."""

import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pmsgan.batch import ring as ring_module
from pmsgan.batch.ring import Batch, Ring, RingStoppedError

ROW: Any = None
"""The ring does not look at it."""
FOR_EVER_S = 3600.0
"""A wake-up that is lost is not hidden by a time-out."""


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring_module, "FILLING_S", 0.001)


def ring_of(num_slots: int, num_rows: int) -> Ring:
    slots: list[Any] = [SimpleNamespace(input=[0] * num_rows) for _ in range(num_slots)]
    return Ring(slots)


class Waiting:
    """A call in a thread, which waits in the ring or has ended."""

    def __init__(self, ring: Ring, call: Callable[[], object]) -> None:
        self.results: list[object] = []
        self.thread = threading.Thread(target=self.run, args=(call,), daemon=True)
        self.thread.start()
        conditions: list[Any] = [ring._freed, ring._filled]
        while self.thread.is_alive() and not any(it._waiters for it in conditions):
            self.thread.join(0.001)

    def run(self, call: Callable[[], object]) -> None:
        try:
            self.results.append(call())
        except RingStoppedError as error:
            self.results.append(error)

    def result(self) -> Any:
        self.thread.join(10)
        (result,) = self.results
        return result


def fill(ring: Ring, count: int) -> list[Batch]:
    batches = [ring.claim_row(ROW)[0] for _ in range(count)]
    for batch in batches:
        ring.row_filled(batch)
    return batches


def test_rows_are_given_in_order_and_a_full_slot_is_handed_over() -> None:
    ring = ring_of(2, 2)
    claimed = [ring.claim_row(ROW) for _ in range(3)]
    assert [number for _, number in claimed] == [0, 1, 0]
    first, second = claimed[0][0], claimed[2][0]
    assert claimed[1][0] is first is not second
    assert ring.next_full() is None
    ring.row_filled(first)
    assert ring.next_full() is None  # one of its rows is still being filled
    ring.row_filled(first)
    assert ring.next_full() is first
    assert ring.next_full() is None
    assert first.num_open_rows == 2  # to be written
    assert not ring.is_exhausted
    ring.row_filled(second)
    ring.end_reading()
    assert not ring.is_exhausted
    assert ring.next_full() is second
    assert ring.is_exhausted


def test_a_slot_is_free_after_its_last_row_is_written() -> None:
    ring = ring_of(1, 2)
    (batch, _) = fill(ring, 2)
    assert ring.next_full() is batch
    reader = Waiting(ring, lambda: ring.claim_row(ROW))
    ring.row_written(batch)
    assert reader.thread.is_alive()
    assert len(batch.rows) == 2
    ring.row_written(batch)
    assert reader.result() == (batch, 0)
    assert (len(batch.rows), batch.num_open_rows) == (1, 1)


@pytest.mark.parametrize("num_rows", [1, 2, 3])
def test_an_engine_is_woken_by_the_last_row_of_a_slot(num_rows: int) -> None:
    ring = ring_of(1, num_rows)
    batches = [ring.claim_row(ROW)[0] for _ in range(num_rows)]
    engine = Waiting(ring, lambda: ring.next_filled(FOR_EVER_S))
    for batch in batches:
        ring.row_filled(batch)
    assert engine.result() is batches[0]
    assert ring.next_full() is None


def test_an_idle_engine_is_woken_by_a_slot_that_is_partly_filled() -> None:
    ring = ring_of(1, 3)
    batch, _ = ring.claim_row(ROW)
    engine = Waiting(ring, lambda: ring.next_filled(FOR_EVER_S))
    while not ring._takes_parts:
        engine.thread.join(0.001)
    ring.row_filled(batch)
    assert engine.result() is batch
    assert batch.num_open_rows == 1
    assert not ring._takes_parts
    other = Waiting(ring, lambda: ring.claim_row(ROW))  # the slot that was taken takes no more
    ring.row_written(batch)
    assert other.result() == (batch, 0)


def test_an_idle_engine_takes_the_oldest_full_slot_and_not_a_part() -> None:
    ring = ring_of(2, 2)
    full, *_, part = fill(ring, 3)
    assert ring.next_filled(FOR_EVER_S) is full
    assert part.num_open_rows == 0
    assert ring.claim_row(ROW) == (part, 1)  # so it is still being filled


def test_an_idle_engine_gives_a_slot_a_moment_to_become_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ring_module, "FILLING_S", FOR_EVER_S)
    ring = ring_of(1, 2)
    (batch,) = fill(ring, 1)
    engine = Waiting(ring, lambda: ring.next_filled(FOR_EVER_S))
    fill(ring, 1)
    assert engine.result() is batch
    assert len(batch.rows) == 2


def test_nothing_is_taken_while_a_row_is_being_filled() -> None:
    ring = ring_of(1, 2)
    ring.claim_row(ROW)
    assert ring.next_filled(0.001) is None
    assert not ring._takes_parts


@pytest.mark.parametrize("filling_s", [0.001, FOR_EVER_S])
@pytest.mark.parametrize("num_filled", [0, 1])
def test_the_end_of_reading_wakes_the_engine(
    monkeypatch: pytest.MonkeyPatch, num_filled: int, filling_s: float
) -> None:
    ring = ring_of(1, 3)
    batch, _ = ring.claim_row(ROW)
    if num_filled:
        monkeypatch.setattr(ring_module, "FILLING_S", filling_s)
        ring.row_filled(batch)
    else:
        ring = ring_of(1, 3)
    engine = Waiting(ring, lambda: ring.next_filled(FOR_EVER_S))
    ring.end_reading()
    assert engine.result() is (batch if num_filled else None)
    assert ring.is_exhausted
    assert ring.next_filled(FOR_EVER_S) is None


@pytest.mark.parametrize("filling_s", [0.001, FOR_EVER_S])
def test_a_stop_wakes_everybody(monkeypatch: pytest.MonkeyPatch, filling_s: float) -> None:
    monkeypatch.setattr(ring_module, "FILLING_S", filling_s)
    ring, cause = ring_of(1, 1), ValueError("why")
    ring.raise_error()
    assert not ring.is_stopped
    ring.claim_row(ROW)
    threads = [Waiting(ring, lambda: ring.claim_row(ROW)) for _ in range(2)]
    threads.append(Waiting(ring, lambda: ring.next_filled(FOR_EVER_S)))
    while not ring._filled._waiters or len(ring._freed._waiters) < 2:  # type: ignore[attr-defined]
        threads[-1].thread.join(0.001)
    ring.stop(cause)
    ring.stop(ValueError("another"))
    assert ring.is_stopped
    for thread in threads:
        assert isinstance(thread.result(), RingStoppedError)
        assert thread.result().__cause__ is cause
    for call in (ring.next_full, lambda: ring.claim_row(ROW), lambda: ring.next_filled(0.0)):
        with pytest.raises(RingStoppedError):
            call()
    with pytest.raises(ValueError, match="why"):
        ring.raise_error()


def test_a_stopped_ring_hands_nothing_over_at_the_end() -> None:
    ring = ring_of(1, 2)
    fill(ring, 1)
    ring.stop()
    ring.end_reading()
    assert ring.is_exhausted


def test_an_error_of_a_thread_stops_the_ring() -> None:
    def fail() -> None:
        raise KeyError("bug")

    ring, ran = ring_of(1, 1), []
    ring.run_thread(lambda: ran.append(1))
    assert ran and not ring.is_stopped
    ring.run_thread(fail)
    assert ring.is_stopped
    ring.run_thread(lambda: ring.claim_row(ROW) and None)  # which raises RingStoppedError
    with pytest.raises(KeyError, match="bug"):
        ring.raise_error()
