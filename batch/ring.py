"""The ring of slots: the only queue between readers, engine and writers.

A slot is free, then filled row by row, then ready, then written from, then free again. An idle
engine takes a slot before it is full. Besides the pictures in the ring's rows, each reader holds
one decoded picture; a thread that is too fast waits here.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pmsgan.batch.files.stamp import FileStamp
from pmsgan.batch.job import Job
from pmsgan.batch.pictures.load import LoadedPicture
from pmsgan.engine.interface import Slot

FILLING_S = 0.02
"""How long an idle engine waits for a slot to become full [seconds]."""


class RingStoppedError(Exception):
    """The run is stopping; raised in every waiting thread, with the reason as its cause."""


@dataclass(frozen=True, slots=True)
class SlotRow:
    """A picture, or a tile of one, in a row of a slot."""

    job: Job
    stamp: FileStamp
    """The picture's file as it was read."""
    loaded: LoadedPicture
    number: int = 0
    """Which of the picture's rows this is."""


class Batch:
    """A slot and the pictures in its rows."""

    def __init__(self, slot: Slot) -> None:
        """Start empty."""
        self.slot = slot
        self.rows: list[SlotRow] = []
        self.num_open_rows = 0
        """Rows that a reader or a writer still works on."""


class Ring:
    """Hands slots from readers to the engine, and back when their pictures are written."""

    def __init__(self, slots: Sequence[Slot]) -> None:
        """Take the slots, all free."""
        self._free = deque(Batch(slot) for slot in slots)
        self._filling: Batch | None = None
        self._ready: deque[Batch] = deque()
        self._lock = threading.Lock()
        # A wake-up costs more than a row is worth, so rows cause none.
        self._freed = threading.Condition(self._lock)
        """A slot is free; readers wait for it."""
        self._filled = threading.Condition(self._lock)
        """A slot is ready; the engine's thread waits for it."""
        self._takes_parts = False
        """The engine's thread also waits for a partly filled slot."""
        self._reading_ended = False
        self._stopped = False
        self._error: BaseException | None = None

    def claim_row(self, row: SlotRow) -> tuple[Batch, int]:
        """Take the next free row for a picture; wait while there is none.

        Returns:
            The batch, and the number of the row in it.

        Raises:
            RingStoppedError: the run ends early.
        """
        with self._lock:
            self._raise_if_stopped()
            if self._filling is None:
                self._wait_for(self._freed, lambda: bool(self._free) or self._filling is not None)
            if self._filling is None:
                self._filling = self._free.popleft()
            batch = self._filling
            batch.rows.append(row)
            batch.num_open_rows += 1
            if len(batch.rows) == len(batch.slot.input):
                self._filling = None
            return batch, len(batch.rows) - 1

    def row_filled(self, batch: Batch) -> None:
        """Note that a claimed row holds its picture."""
        with self._lock:
            batch.num_open_rows -= 1
            if batch.num_open_rows > 0:
                return
            if batch is not self._filling:
                self._hand_over(batch)
            elif self._takes_parts:
                self._filled.notify()

    def end_reading(self) -> None:
        """Note that no row will be claimed any more; a partly filled slot becomes ready."""
        with self._lock:
            if self._filling is not None and not self._stopped:
                self._hand_over(self._filling)
                self._filling = None
            self._reading_ended = True
            self._filled.notify()

    def next_full(self) -> Batch | None:
        """Take the oldest full slot; None if there is none now.

        Raises:
            RingStoppedError: the run ends early.
        """
        with self._lock:
            self._raise_if_stopped()
            return self._ready.popleft() if self._ready else None

    def next_filled(self, timeout_s: float) -> Batch | None:
        """Take the oldest full slot, or else a partly filled one: for an idle engine.

        A slot that is being filled gets a moment to become full: half of a CPU would be idle over
        a single picture, for as long as that takes.

        Returns:
            None if there is nothing after `timeout_s`, or nothing will come.

        Raises:
            RingStoppedError: the run ends early.
        """
        with self._lock:
            self._wait_for(
                self._filled, lambda: bool(self._ready) or self._reading_ended, FILLING_S
            )
            self._takes_parts = True
            self._wait_for(
                self._filled,
                lambda: bool(self._ready) or self._is_partly_filled() or self._reading_ended,
                timeout_s,
            )
            self._takes_parts = False
            if not self._ready and self._filling is not None and self._is_partly_filled():
                self._hand_over(self._filling)
                self._filling = None
            return self._ready.popleft() if self._ready else None

    @property
    def is_exhausted(self) -> bool:
        """Whether the engine has no work left and will get no more."""
        with self._lock:
            return self._reading_ended and not self._ready

    def row_written(self, batch: Batch) -> None:
        """Note that a row's translation is written; the slot is free again after its last."""
        with self._lock:
            batch.num_open_rows -= 1
            if batch.num_open_rows == 0:
                batch.rows = []
                self._free.append(batch)
                self._freed.notify(len(batch.slot.input))  # a reader for each row

    @property
    def is_stopped(self) -> bool:
        """The run is stopping."""
        return self._stopped

    def stop(self, error: BaseException | None = None) -> None:
        """Stop the run: every thread that waits here, now or later, gets RingStoppedError.

        Args:
            error: the reason; only the first one is kept.
        """
        with self._lock:
            self._stopped = True
            self._error = self._error or error
            self._freed.notify_all()
            self._filled.notify_all()

    def raise_error(self) -> None:
        """Raise the first error that `stop` was called with, if any."""
        with self._lock:
            if self._error is not None:
                raise self._error

    def run_thread(self, body: Callable[[], None]) -> None:
        """Run a thread's body; an error that ends it stops the run."""
        try:
            body()
        except RingStoppedError:
            pass
        except BaseException as error:
            self.stop(error)

    def _hand_over(self, batch: Batch) -> None:
        batch.num_open_rows = len(batch.rows)
        self._ready.append(batch)
        self._filled.notify()

    def _is_partly_filled(self) -> bool:
        return self._filling is not None and self._filling.num_open_rows == 0

    def _wait_for(
        self,
        changed: threading.Condition,
        condition: Callable[[], bool],
        timeout_s: float | None = None,
    ) -> None:
        changed.wait_for(lambda: self._stopped or condition(), timeout_s)
        self._raise_if_stopped()

    def _raise_if_stopped(self) -> None:
        if self._stopped:
            raise RingStoppedError from self._error
