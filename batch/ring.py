"""The ring of slots: the only queue between readers, engine and writers.

A slot is free, then filled row by row, then ready, then written from, then free again. Besides what
the ring has rows for, each reader holds one decoded picture; whoever is too fast waits here.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence

from pmsgan.batch.plan import Job
from pmsgan.engine.interface import Slot


class RingStoppedError(Exception):
    """The run ends early; whoever waits at the ring goes home. Its cause is why."""


class Batch:
    """A slot and the jobs whose pictures lie in its rows."""

    def __init__(self, slot: Slot) -> None:
        """Start empty."""
        self.slot = slot
        self.jobs: list[Job] = []
        self.num_open_rows = 0
        """Rows that somebody still works on."""


class Ring:
    """Hands slots from readers to the engine, and back when their pictures are written."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        """Take the slots, all free."""
        self._free = deque(Batch(slot) for slot in slots)
        self._filling: Batch | None = None
        self._ready: deque[Batch] = deque()
        self._changed = threading.Condition()
        self._reading_ended = False
        self._stopped = False
        self._error: BaseException | None = None

    def claim_row(self, job: Job) -> tuple[Batch, int]:
        """Take the next free row for a job; wait while there is none.

        Raises:
            RingStoppedError: the run ends early.
        """
        with self._changed:
            if self._filling is None:
                self._wait_until(lambda: bool(self._free) or self._filling is not None)
            if self._filling is None:
                self._filling = self._free.popleft()
            batch = self._filling
            row = len(batch.jobs)
            batch.jobs.append(job)
            batch.num_open_rows += 1
            if len(batch.jobs) == len(batch.slot.input):
                self._filling = None
            return batch, row

    def row_filled(self, batch: Batch) -> None:
        """Note that a claimed row holds its picture."""
        with self._changed:
            batch.num_open_rows -= 1
            is_full = len(batch.jobs) == len(batch.slot.input)
            if batch.num_open_rows == 0 and is_full:
                self._hand_over(batch)

    def end_reading(self) -> None:
        """Note that no row will be claimed any more; a partly filled slot becomes ready."""
        with self._changed:
            if self._filling is not None and not self._stopped:
                self._hand_over(self._filling)
                self._filling = None
            self._reading_ended = True
            self._changed.notify_all()

    def next_ready(self, *, wait: bool) -> Batch | None:
        """Take the oldest full slot.

        Args:
            wait: for one, unless reading has ended.

        Returns:
            None if there is none now (with `wait`: none any more).

        Raises:
            RingStoppedError: the run ends early.
        """
        with self._changed:
            self._raise_if_stopped()
            if wait:
                self._wait_until(lambda: bool(self._ready) or self._reading_ended)
            return self._ready.popleft() if self._ready else None

    def row_written(self, batch: Batch) -> None:
        """Note that a row's translation is written; the slot is free again after its last."""
        with self._changed:
            batch.num_open_rows -= 1
            if batch.num_open_rows == 0:
                batch.jobs = []
                self._free.append(batch)
                self._changed.notify_all()

    def stop(self, error: BaseException | None = None) -> None:
        """Send everybody home who waits here, now or later, with the first error as the cause."""
        with self._changed:
            self._stopped = True
            self._error = self._error or error
            self._changed.notify_all()

    def raise_if_stopped(self) -> None:
        """Raise RingStoppedError if somebody has called `stop`."""
        with self._changed:
            self._raise_if_stopped()

    def _hand_over(self, batch: Batch) -> None:
        batch.num_open_rows = len(batch.jobs)
        self._ready.append(batch)
        self._changed.notify_all()

    def _wait_until(self, condition: Callable[[], bool]) -> None:
        self._changed.wait_for(lambda: self._stopped or condition())
        self._raise_if_stopped()

    def _raise_if_stopped(self) -> None:
        if self._stopped:
            raise RingStoppedError from self._error
