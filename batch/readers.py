"""Threads that read and decode pictures into the rows of slots."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace

from pmsgan.batch.files.folder import Folder, Results
from pmsgan.batch.job import Job
from pmsgan.batch.ledger import Ledger
from pmsgan.batch.pictures.load import load
from pmsgan.batch.ring import Ring, SlotRow
from pmsgan.batch.settings import ConvertSettings
from pmsgan.batch.timing import StageTimes
from pmsgan.errors import ImageError
from pmsgan.styles.scaling import Scaling

READ_TIMEOUT_S = 120.0
"""A picture that takes longer to read and decode has failed [seconds]."""


class ReaderRetiredError(Exception):
    """This reader has hung too long: its picture has failed, and another reader replaced it."""


class Readers:
    """The readers of a run; one that hangs on a broken disk does not hold a slot."""

    def __init__(
        self,
        count: int,
        jobs: Iterator[Job],
        folder: Folder,
        results: Results,
        settings: ConvertSettings,
        style_size: tuple[int, int],
        scaling: Scaling,
        ring: Ring,
        ledger: Ledger,
    ) -> None:
        """Make the threads.

        Args:
            count: how many threads.
            jobs: what to do; each is taken when its turn comes.
            folder: where the pictures are.
            results: says which jobs were done before.
            settings: how pictures are fitted.
            style_size: height and width of one view of the network [pixels].
            scaling: how results get their size.
            ring: hands out the rows to fill.
            ledger: counts the jobs that end here.
        """
        self._jobs = jobs
        self._folder = folder
        self._results = results
        self._settings = settings
        self._style_size = style_size
        self._scaling = scaling
        self._ring = ring
        self._ledger = ledger
        self._lock = threading.Lock()
        self._busy: dict[threading.Thread, tuple[Job, float]] = {}
        """The job of each busy reader, and when it began."""
        self._threads = [self._new_thread() for _ in range(count)]

    def start(self) -> None:
        """Start reading."""
        for thread in self._threads.copy():
            thread.start()

    def drain(self) -> None:
        """Take no further job; jobs in progress are finished."""
        with self._lock:
            self._jobs = iter(())

    def replace_hung(self) -> None:
        """Give up on pictures that take too long, and replace their readers."""
        now = time.monotonic()
        with self._lock:
            hung = [
                thread for thread, (_, since) in self._busy.items() if now - since > READ_TIMEOUT_S
            ]
            given_up = [self._busy.pop(thread)[0] for thread in hung]
            new = [self._new_thread() for _ in hung]
            self._threads = [it for it in self._threads if it not in hung] + new
        for job, thread in zip(given_up, new, strict=True):
            self._ledger.fail(job, f"took longer than {READ_TIMEOUT_S:.0f} s to be read")
            self._ledger.end(job)
            thread.start()

    def join(self, deadline: float) -> bool:
        """Wait for the threads, until `deadline` on the monotonic clock at most.

        Returns:
            Whether all of them have ended.
        """
        with self._lock:
            threads = self._threads.copy()
        for thread in threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def _new_thread(self) -> threading.Thread:
        return threading.Thread(target=self._run, daemon=True, name="reader")

    def _run(self) -> None:
        self._ring.run_thread(self._read_all)
        with self._lock:
            self._threads = [
                thread for thread in self._threads if thread is not threading.current_thread()
            ]
            is_last = not self._threads
        if is_last:
            self._ring.end_reading()

    def _read_all(self) -> None:
        """Fill rows until no job is left."""
        times = self._ledger.new_times()
        try:
            while (job := self._next_job()) is not None:
                # Only a decoded picture claims a row: a bad or slow one never holds a slot.
                if (row := self._read(job, times)) is None:
                    self._ledger.end(job)
                else:
                    self._fill(row, times)
                    for number in range(1, row.loaded.num_rows):
                        self._fill(replace(row, number=number), times)
        except ReaderRetiredError:
            pass

    def _next_job(self) -> Job | None:
        with self._lock:
            return None if self._ring.is_stopped else next(self._jobs, None)

    def _read(self, job: Job, times: StageTimes) -> SlotRow | None:
        """Read and decode a picture; return None if it failed, or was done before."""
        thread = threading.current_thread()
        with self._lock:
            self._busy[thread] = job, time.monotonic()
        row, failure, was_done_before = None, None, False
        try:
            was_done_before = self._results.was_done_before(job)
            if not was_done_before:
                with times.measure("read"):
                    data, stamp = self._folder.read(job.source)
                with times.measure("decode"):
                    loaded = load(data, self._style_size, self._settings, self._scaling)
                    loaded.choose_colours(self._settings, job.name)
                row = SlotRow(job, stamp, loaded)
        except ImageError as error:
            failure = str(error)
        with self._lock:
            if self._busy.pop(thread, None) is None:
                raise ReaderRetiredError
        job.was_done_before = was_done_before
        if failure is not None:
            self._ledger.fail(job, failure)
        return row

    def _fill(self, row: SlotRow, times: StageTimes) -> None:
        """Write a picture, or a tile of one, into the next free row of a slot."""
        batch, number = self._ring.claim_row(row)
        try:
            with times.measure("resize"):
                row.loaded.fill(batch.slot.input[number], row.number)
        except ImageError as error:
            batch.slot.input[number] = 0
            self._ledger.fail(row.job, str(error))
        self._ring.row_filled(batch)
