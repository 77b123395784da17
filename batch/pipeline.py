"""Readers, one engine and writers around a ring of slots."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import cv2

from pmsgan.batch.images import read_image, write_image
from pmsgan.batch.plan import Job
from pmsgan.batch.ring import Batch, Ring, RingStoppedError
from pmsgan.engine.interface import MAX_IN_FLIGHT, Engine
from pmsgan.errors import ImageError
from pmsgan.resize import resize_into

NUM_SLOTS = MAX_IN_FLIGHT + 2
"""One more is being filled, and one written from."""


@dataclass(slots=True)
class Timing:
    """Where the time of a run went [seconds]."""

    wall_s: float = 0.0
    """From start to end."""
    read_s: float = 0.0
    """Reading, decoding and resizing, summed over the readers."""
    run_s: float = 0.0
    """The engine had work."""
    gpu_s: float | None = None
    """A GPU computed, by its own clock."""
    write_s: float = 0.0
    """Encoding and writing, summed over the writers."""
    cpu_s: float = 0.0
    """Processor time of the whole process."""


def run_jobs(
    engine: Engine,
    jobs: Sequence[Job],
    *,
    num_readers: int,
    num_writers: int,
    on_done: Callable[[Job], None],
) -> Timing:
    """Translate every job's picture; what went wrong with one is noted in its `failure`.

    The calling thread makes all calls to the engine. Ctrl-C ends the run: files that are being
    written are completed, the rest is left undone.

    Args:
        engine: entered by the caller.
        jobs: what to do.
        num_readers: threads that read, decode and resize.
        num_writers: threads that encode and write.
        on_done: called for each finished job, one call at a time.

    Raises:
        EngineError: the engine failed.
    """
    return _Run(engine, jobs, on_done).run(num_readers, num_writers)


class _Run:
    """One run of the pipeline."""

    def __init__(self, engine: Engine, jobs: Sequence[Job], on_done: Callable[[Job], None]) -> None:
        self.engine = engine
        self.waiting_jobs = iter(jobs)
        self.on_done = on_done
        self.ring = Ring(engine.slots(NUM_SLOTS))
        self.timing = Timing()
        self.lock = threading.Lock()
        self.num_readers_left = 0

    def run(self, num_readers: int, num_writers: int) -> Timing:
        wall, cpu = time.perf_counter(), time.process_time()
        with (
            _single_threaded_opencv(),
            ThreadPoolExecutor(num_readers, "reader") as readers,
            ThreadPoolExecutor(num_writers, "writer") as writers,
        ):
            try:
                self.num_readers_left = num_readers
                for _ in range(num_readers):
                    readers.submit(self.read_all).add_done_callback(self.reader_ended)
                self.run_engine(writers)
                writers.shutdown()
                self.ring.raise_if_stopped()
            except BaseException as error:
                self.stop()
                writers.shutdown(cancel_futures=True)
                if isinstance(error, RingStoppedError) and error.__cause__ is not None:
                    raise error.__cause__ from None
                raise
        self.timing.wall_s = time.perf_counter() - wall
        self.timing.cpu_s = time.process_time() - cpu
        return self.timing

    def read_all(self) -> None:
        """Fill rows until no job is left; the body of a reader thread."""
        while (job := self.next_job()) is not None:
            try:
                with self.measure("read_s"):
                    image = read_image(job.source)
            except ImageError as error:
                self.finish(job, str(error))
                continue
            # Only a decoded picture claims a row: a bad or slow file never holds a slot.
            batch, row = self.ring.claim_row(job)
            with self.measure("read_s"):
                resize_into(image, batch.slot.input[row])
            self.ring.row_filled(batch)

    def run_engine(self, writers: ThreadPoolExecutor) -> None:
        """Submit slots as they become ready, and pass them on as they are done."""
        in_flight: deque[Batch] = deque()
        while True:
            batch = self.ring.next_ready(wait=not in_flight)
            if batch is None and not in_flight:
                return
            with self.measure("run_s"):
                if batch is not None:
                    self.engine.submit(batch.slot, len(batch.jobs))
                    in_flight.append(batch)
                    if len(in_flight) < MAX_IN_FLIGHT:
                        continue
                done = in_flight.popleft()
                gpu_s = self.engine.wait(done.slot)
            if gpu_s is not None:
                self.timing.gpu_s = (self.timing.gpu_s or 0.0) + gpu_s
            for row in range(len(done.jobs)):
                writers.submit(self.write, done, row).add_done_callback(self.writer_ended)

    def write(self, batch: Batch, row: int) -> None:
        """Write one translation; a writer thread's task."""
        job, failure = batch.jobs[row], None
        try:
            with self.measure("write_s"):
                write_image(batch.slot.output[row], job.target)
        except ImageError as error:
            failure = str(error)
        self.ring.row_written(batch)
        self.finish(job, failure)

    @contextmanager
    def measure(self, name: str) -> Iterator[None]:
        """Add the seconds spent inside to one field of the timing."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = time.perf_counter() - start
            with self.lock:
                setattr(self.timing, name, getattr(self.timing, name) + spent)

    def next_job(self) -> Job | None:
        with self.lock:
            return next(self.waiting_jobs, None)

    def finish(self, job: Job, failure: str | None) -> None:
        with self.lock:
            job.failure, job.done = failure, failure is None
            self.on_done(job)

    def reader_ended(self, future: "Future[None]") -> None:
        with self.lock:
            self.num_readers_left -= 1
            is_last = self.num_readers_left == 0
        self.stop_on_error(future)
        if is_last:
            self.ring.end_reading()

    def writer_ended(self, future: "Future[None]") -> None:
        self.stop_on_error(future)

    def stop_on_error(self, future: "Future[None]") -> None:
        """End the run if a thread died of something that is not one picture's fault."""
        error = None if future.cancelled() else future.exception()
        if error is not None and not isinstance(error, RingStoppedError):
            self.stop(error)

    def stop(self, error: BaseException | None = None) -> None:
        with self.lock:
            self.waiting_jobs = iter(())
        self.ring.stop(error)


@contextmanager
def _single_threaded_opencv() -> Iterator[None]:
    """Keep OpenCV from starting threads of its own: readers and writers already fill the cores."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
