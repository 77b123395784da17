"""Readers, one engine and writers around a ring of slots.

Readers and writers are daemon threads: one that hangs in a broken disk must not keep the process
alive. While it does, it holds no slot.
"""

import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import nullcontext, suppress
from dataclasses import dataclass

from pmsgan.batch.engine_clock import EngineClock
from pmsgan.batch.files.folder import Reader, read_here
from pmsgan.batch.files.local_results import Results
from pmsgan.batch.pictures.decode import quiet_decoders
from pmsgan.batch.pictures.load import Loaded, check_translated, encode, load_bytes
from pmsgan.batch.plan import Job
from pmsgan.batch.ring import Batch, Ring, RingStoppedError
from pmsgan.batch.settings import ConvertSettings
from pmsgan.batch.timing import StageTimes, Timing
from pmsgan.batch.workers import Workers
from pmsgan.engine.interface import MAX_IN_FLIGHT, Engine
from pmsgan.errors import EngineError, FolderError, ImageError
from pmsgan.interrupt import interruptible

READ_TIMEOUT_S = 120.0
"""A picture that takes longer to be read and decoded has failed."""
_WATCH_EVERY_S = 0.2
_PATIENCE_S = 10.0
"""How long a run that was stopped waits for its threads, which may hang in a broken disk."""
_PATIENCE_AFTER_INTERRUPT_S = 1.0
"""Likewise, after a second Ctrl-C."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Outcome:
    """How a run of the pipeline ended."""

    timing: Timing
    stopped: str | None = None
    """Why it ended before all was done."""
    is_interrupted: bool = False
    """A user wanted it so."""
    is_disk_full: bool = False
    """What ended it is that OUT has no room left."""


def run_jobs(
    engine: Engine,
    jobs: Iterator[Job],
    out: Results,
    settings: ConvertSettings,
    workers: Workers,
    *,
    on_done: Callable[[Job], None],
    read: Reader = read_here,
    takes_signals: bool = True,
) -> Outcome:
    """Translate every job's picture; what went wrong with one is noted in its `failure`.

    The calling thread makes all calls to the engine. Ctrl-C or SIGTERM ends the run after the
    pictures that are in work; a second one at once. A lost engine or a full disk ends the run, and
    the outcome says so.

    Args:
        engine: entered by the caller.
        jobs: what to do; each is taken when its turn comes.
        out: where results go.
        settings: how pictures are fitted and encoded.
        workers: how many threads and slots.
        on_done: called for each job that is done, kept or has failed, one call at a time.
        read: gives a job's picture.
        takes_signals: Ctrl-C and SIGTERM are as above, else as the process has them.
    """
    run = _Run(engine, jobs, out, settings, workers, on_done, read)
    with interruptible() if takes_signals else nullcontext(lambda: False) as is_interrupted:
        return run.run(is_interrupted)


class _Run:
    """One run of the pipeline."""

    def __init__(
        self,
        engine: Engine,
        jobs: Iterator[Job],
        out: Results,
        settings: ConvertSettings,
        workers: Workers,
        on_done: Callable[[Job], None],
        read: Reader,
    ) -> None:
        self.engine = engine
        self.style_size = engine.info.height, engine.info.width
        self.waiting_jobs = jobs
        self.out = out
        self.settings = settings
        self.on_done = on_done
        self.read = read
        self.ring = Ring(engine.kept_slots(workers.slots))
        self.timing = Timing()
        self.started = time.perf_counter()
        self.times: list[StageTimes] = []
        """Of each reader and writer."""
        self.lock = threading.Lock()
        self.to_write: queue.SimpleQueue[tuple[Batch, int] | None] = queue.SimpleQueue()
        self.is_draining = False
        self.reading: dict[threading.Thread, tuple[Job, float]] = {}
        """What each reader has been working on, and since when."""
        self.readers = [self.make_reader() for _ in range(workers.readers)]
        self.writers = [
            threading.Thread(target=self.guard, args=(self.write_all,), daemon=True, name="writer")
            for _ in range(workers.writers)
        ]

    def run(self, is_interrupted: Callable[[], bool]) -> Outcome:
        self.started, cpu = time.perf_counter(), time.process_time()
        outcome, patience_s = Outcome(self.timing), _PATIENCE_S
        with quiet_decoders():
            for thread in self.readers + self.writers:
                thread.start()
            try:
                self.run_engine(is_interrupted)
                self.end_writers()
                self.ring.raise_error()
            except EngineError as error:
                outcome.stopped = str(error)
            except FolderError as error:
                outcome.stopped, outcome.is_disk_full = str(error), error.is_disk_full
            except KeyboardInterrupt:
                outcome.stopped = "interrupted"
                patience_s = _PATIENCE_AFTER_INTERRUPT_S
                with suppress(queue.Empty):
                    while True:
                        self.to_write.get_nowait()
            finally:
                self.stop()
                deadline = time.monotonic() + patience_s
                self.end_writers(deadline)
                for thread in self.readers:
                    thread.join(max(0.0, deadline - time.monotonic()))
            if is_interrupted():
                outcome.stopped = outcome.stopped or "interrupted"
                outcome.is_interrupted = True
        self.timing.wall_s = time.perf_counter() - self.started
        self.timing.cpu_s = time.process_time() - cpu
        with self.lock:
            for times in self.times:
                self.timing.stages.merge(times)
        return outcome

    # The thread that owns the engine.

    def run_engine(self, is_interrupted: Callable[[], bool]) -> None:
        """Submit slots as they become ready, and pass them on as they are done."""
        in_flight: deque[Batch] = deque()
        clock = EngineClock(self.engine, self.timing)
        while in_flight or not self.ring.is_exhausted:
            self.watch(is_interrupted())
            batch = self.next_batch(wait=not in_flight)
            if batch is None and not in_flight:
                continue
            if batch is not None:
                clock.submit()
                self.engine.submit(batch.slot, len(batch.rows))
                in_flight.append(batch)
                if len(in_flight) < MAX_IN_FLIGHT:
                    continue
            done = in_flight.popleft()
            self.engine.wait(done.slot)
            clock.end()
            for row in range(len(done.rows)):
                self.to_write.put((done, row))

    def next_batch(self, *, wait: bool) -> Batch | None:
        try:
            return self.ring.next_filled(_WATCH_EVERY_S) if wait else self.ring.next_full()
        except RingStoppedError as stopped:
            assert stopped.__cause__ is not None
            raise stopped.__cause__ from None

    def watch(self, is_interrupted: bool) -> None:
        """Look after what happens beside the engine: Ctrl-C, and readers that hang."""
        if is_interrupted and not self.is_draining:
            self.is_draining = True
            _log.warning("finishing the pictures that are in work; Ctrl-C again stops at once")
            with self.lock:
                self.waiting_jobs = iter(())
        now = time.monotonic()
        with self.lock:
            hanging = [
                thread
                for thread, (_, since) in self.reading.items()
                if now - since > READ_TIMEOUT_S
            ]
            late = [(self.reading.pop(thread)[0], self.make_reader()) for thread in hanging]
            kept = [reader for reader in self.readers if reader not in hanging]
            self.readers = kept + [reader for _, reader in late]
        for job, reader in late:
            self.note_failure(job, f"took longer than {READ_TIMEOUT_S:.0f} s to be read")
            self.finish(job)
            reader.start()

    def end_writers(self, deadline: float | None = None) -> None:
        for _ in self.writers:
            self.to_write.put(None)
        for thread in self.writers:
            thread.join(None if deadline is None else max(0.0, deadline - time.monotonic()))

    # Reader threads.

    def make_reader(self) -> threading.Thread:
        return threading.Thread(target=self.be_reader, daemon=True, name="reader")

    def be_reader(self) -> None:
        self.guard(self.read_all)
        with self.lock:
            self.readers = [
                reader for reader in self.readers if reader is not threading.current_thread()
            ]
            is_last = not self.readers
        if is_last:
            self.ring.end_reading()

    def read_all(self) -> None:
        """Fill rows until no job is left."""
        times = self.new_times()
        while (job := self.next_job()) is not None:
            if (loaded := self.load(job, times)) is not None:
                # Only a decoded picture claims a row: a bad or slow one never holds a slot.
                batch, row = self.ring.claim_row(job, loaded)
                try:
                    with times.measure("resize"):
                        loaded.fill(batch.slot.input[row])
                except ImageError as error:
                    batch.slot.input[row] = 0
                    self.note_failure(job, str(error))
                self.ring.row_filled(batch)
            else:
                self.finish(job)

    def next_job(self) -> Job | None:
        with self.lock:
            return next(self.waiting_jobs, None)

    def load(self, job: Job, times: StageTimes) -> Loaded | None:
        """Read a picture; None if it has failed, or is done already."""
        thread = threading.current_thread()
        with self.lock:
            self.reading[thread] = job, time.monotonic()
        loaded, failure, is_kept = None, None, False
        try:
            is_kept = self.out.has(job)
            if not is_kept:
                with times.measure("read"):
                    file = self.read(job)
                with times.measure("decode"):
                    loaded = load_bytes(*file, self.style_size, self.settings)
        except ImageError as error:
            failure = str(error)
        with self.lock:
            if self.reading.pop(thread, None) is None:
                raise RingStoppedError  # has hung too long, another reader has its place
        job.is_kept = is_kept
        if failure is not None:
            self.note_failure(job, failure)
        return loaded

    # Writer threads.

    def write_all(self) -> None:
        """Write translations until there is none any more."""
        times = self.new_times()
        while (task := self.to_write.get()) is not None:
            self.write(*task, times)

    def write(self, batch: Batch, row: int, times: StageTimes) -> None:
        job, loaded = batch.rows[row]
        if job.failure is not None:  # it could not be fitted: the row is empty
            self.ring.row_written(batch)
            self.finish(job)
            return
        try:
            try:
                with times.measure("encode"):
                    check_translated(batch.slot.output[row], batch.slot.input[row])
                    suffix = "." + job.output.rpartition(".")[2]
                    data = encode(batch.slot.output[row], loaded, suffix, self.settings)
            finally:
                self.ring.row_written(batch)  # before the disk, which may be slow
            with times.measure("write"):
                self.out.write(job, data, loaded.stamp)
            job.note = loaded.note
        except ImageError as error:
            self.note_failure(job, str(error))
        self.finish(job)

    # All threads.

    def guard(self, body: Callable[[], None]) -> None:
        """Run a thread's body; what ends it early ends the run."""
        try:
            body()
        except RingStoppedError:
            pass
        except BaseException as error:
            self.stop(error)

    def note_failure(self, job: Job, reason: str) -> None:
        job.failure = reason
        self.out.note_failure(job, reason)

    def finish(self, job: Job) -> None:
        with self.lock:
            if not job.is_kept:
                self.timing.throughput.add(time.perf_counter() - self.started)
            self.on_done(job)

    def new_times(self) -> StageTimes:
        """Return what a thread notes its times in, alone."""
        times = StageTimes()
        with self.lock:
            self.times.append(times)
        return times

    def stop(self, error: BaseException | None = None) -> None:
        with self.lock:
            self.waiting_jobs = iter(())
        self.ring.stop(error)
