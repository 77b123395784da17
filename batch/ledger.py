"""Records how the jobs of a run end, and where its time goes."""

import threading
import time
from collections.abc import Callable

from pmsgan.batch.files.folder import Results
from pmsgan.batch.job import Job
from pmsgan.batch.timing import StageTimes, Timing


class Ledger:
    """Counts jobs as they end; readers, writers and the engine's thread share it."""

    def __init__(self, results: Results, on_done: Callable[[Job], None]) -> None:
        """Start the clock.

        Args:
            results: where failures are recorded, too.
            on_done: called for each job that ends, one call at a time.
        """
        self.timing = Timing()
        self._results = results
        self._on_done = on_done
        self._lock = threading.Lock()
        self._times: list[StageTimes] = []
        self._started, self._cpu = time.perf_counter(), time.process_time()

    def new_times(self) -> StageTimes:
        """Return a record of stage times for the use of one thread."""
        times = StageTimes()
        with self._lock:
            self._times.append(times)
        return times

    def fail(self, job: Job, reason: str) -> None:
        """Record that a job has failed; raise FolderError if that cannot be written."""
        job.failure = reason
        self._results.note_failure(job, reason)

    def end(self, job: Job) -> None:
        """Count a job that is done, was done before, or has failed."""
        with self._lock:
            if not job.was_done_before:
                self.timing.throughput.add(time.perf_counter() - self._started)
            self._on_done(job)

    def close(self) -> Timing:
        """Stop the clock, and return where the time went."""
        self.timing.wall_s = time.perf_counter() - self._started
        self.timing.cpu_s = time.process_time() - self._cpu
        with self._lock:
            for times in self._times:
                self.timing.stages.merge(times)
        return self.timing
