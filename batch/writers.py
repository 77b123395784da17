"""Threads that encode the engine's results and write them."""

import queue
import threading
import time
from contextlib import suppress

from pmsgan.batch.files.folder import Results
from pmsgan.batch.ledger import Ledger
from pmsgan.batch.pictures.encode import encode
from pmsgan.batch.ring import Batch, Ring
from pmsgan.batch.settings import ConvertSettings
from pmsgan.batch.timing import StageTimes
from pmsgan.errors import ImageError


class Writers:
    """The writing end of a run."""

    def __init__(
        self, count: int, results: Results, settings: ConvertSettings, ring: Ring, ledger: Ledger
    ) -> None:
        """Make the threads.

        Args:
            count: how many threads.
            results: where results go.
            settings: how they are encoded.
            ring: takes the rows back that are written.
            ledger: counts the jobs that end here.
        """
        self._results = results
        self._settings = settings
        self._ring = ring
        self._ledger = ledger
        self._waiting: queue.SimpleQueue[tuple[Batch, int] | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(
                target=ring.run_thread, args=(self._write_all,), daemon=True, name="writer"
            )
            for _ in range(count)
        ]

    def start(self) -> None:
        """Begin to wait for results."""
        for thread in self._threads:
            thread.start()

    def write(self, batch: Batch) -> None:
        """Let the threads write all rows of a batch."""
        for number in range(len(batch.rows)):
            self._waiting.put((batch, number))

    def discard(self) -> None:
        """Forget the rows that no thread has begun with."""
        with suppress(queue.Empty):
            while True:
                self._waiting.get_nowait()

    def finish(self, deadline: float | None = None) -> bool:
        """Wait until all is written, until `deadline` on the monotonic clock at most.

        Returns:
            Whether all threads have ended.
        """
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _write_all(self) -> None:
        """Write results until there is none any more."""
        times = self._ledger.new_times()
        while (waiting := self._waiting.get()) is not None:
            self._write(*waiting, times)

    def _write(self, batch: Batch, number: int, times: StageTimes) -> None:
        row = batch.rows[number]
        job = row.job
        if job.failure is not None:  # it could not be fitted: the row is empty
            self._ring.row_written(batch)
            self._ledger.end(job)
            return
        try:
            try:
                with times.measure("encode"):
                    result = row.loaded.add(
                        batch.slot.output[number], batch.slot.input[number], row.number
                    )
                    if result is None:  # tiles of the picture are missing
                        return
                    suffix = "." + job.output.rpartition(".")[2]
                    data = encode(result, row.loaded, suffix, self._settings)
                    job.num_pixels = result.shape[0] * result.shape[1]
            finally:
                self._ring.row_written(batch)  # before the disk, which may be slow
            with times.measure("write"):
                keep_date = self._settings.metadata == "keep"
                self._results.write(job, data, row.stamp, keep_date=keep_date)
            notes = (row.loaded.note, job.note)
            job.note = "; ".join(note for note in notes if note) or None
            if row.loaded.colouring is not None:
                job.parts = row.loaded.colouring.found
        except ImageError as error:
            self._ledger.fail(job, str(error))
        self._ledger.end(job)
