"""Run readers, one engine and writers around a ring of slots.

Readers and writers are daemon threads: one that hangs in a broken disk must not keep the process
alive.
"""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass

from pmsgan.batch.files.folder import Folder, Results
from pmsgan.batch.job import Job
from pmsgan.batch.ledger import Ledger
from pmsgan.batch.pictures.decode import quiet_decoders
from pmsgan.batch.readers import Readers
from pmsgan.batch.ring import Batch, Ring, RingStoppedError
from pmsgan.batch.settings import ConvertSettings, Parallelism
from pmsgan.batch.timing import EngineClock, Timing
from pmsgan.batch.writers import Writers
from pmsgan.engine.interface import MAX_IN_FLIGHT, Engine
from pmsgan.errors import DiskFullError, EngineError, FolderError
from pmsgan.interrupt import interruptible
from pmsgan.styles.scaling import Scaling

_WATCH_EVERY_S = 0.2
_PATIENCE_S = 10.0
"""How long a stopped run waits for its threads, which may hang on a broken disk [seconds]."""
_PATIENCE_AFTER_INTERRUPT_S = 1.0
"""How long it waits after a second Ctrl-C."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Outcome:
    """How a run of the pipeline ended."""

    timing: Timing
    stopped: str | None = None
    """Reason why it ended early; None if it did not."""
    is_interrupted: bool = False
    """Whether a user interrupted it."""
    is_disk_full: bool = False
    """Whether it ended because OUT has no space left."""


def run_jobs(
    engine: Engine,
    jobs: Iterator[Job],
    folder: Folder,
    results: Results,
    scaling: Scaling,
    settings: ConvertSettings,
    parallelism: Parallelism,
    *,
    on_done: Callable[[Job], None],
    takes_signals: bool = True,
) -> Outcome:
    """Translate every job's picture; a job whose picture fails gets the reason in its `failure`.

    The calling thread makes all calls to the engine. Ctrl-C or SIGTERM ends the run after the
    pictures in progress; a second one ends it at once. A lost engine or a full disk ends the run,
    and the outcome says so.

    Args:
        engine: an open engine; it stays open, unless a thread that hangs may still use its slots.
        jobs: the pictures to translate; each is taken when its turn comes.
        folder: where the pictures are.
        results: where results go.
        scaling: how results get their size.
        settings: how pictures are fitted and encoded.
        parallelism: how many threads and slots.
        on_done: called for each job that is done, was done before, or has failed, one call at a
            time.
        takes_signals: handle Ctrl-C and SIGTERM as above; else the process's own handlers stay.
    """
    ring = Ring(engine.cached_slots(parallelism.slots))
    style_size = engine.info.height, engine.info.width
    ledger = Ledger(results, on_done)
    readers = Readers(
        parallelism.readers, jobs, folder, results, settings, style_size, scaling, ring, ledger
    )
    writers = Writers(parallelism.writers, results, settings, ring, ledger)
    loop = _EngineLoop(engine, ring, readers, writers, ledger.timing)
    outcome, patience_s = Outcome(ledger.timing), _PATIENCE_S
    with (
        interruptible() if takes_signals else nullcontext(lambda: False) as is_interrupted,
        quiet_decoders(),
    ):
        readers.start()
        writers.start()
        try:
            loop.run(is_interrupted)
            writers.finish()
            ring.raise_error()
        except EngineError as error:
            outcome.stopped = str(error)
        except FolderError as error:
            outcome.stopped, outcome.is_disk_full = str(error), isinstance(error, DiskFullError)
        except KeyboardInterrupt:
            outcome.stopped = "interrupted"
            patience_s = _PATIENCE_AFTER_INTERRUPT_S
            writers.discard()
        finally:
            ring.stop()
            deadline = time.monotonic() + patience_s
            have_ended = writers.finish(deadline)
            if not readers.join(deadline) or not have_ended:
                engine.abandon()  # its memory must not go while a thread works in a slot
        if is_interrupted():
            outcome.stopped = outcome.stopped or "interrupted"
            outcome.is_interrupted = True
    ledger.close()
    return outcome


class _EngineLoop:
    """The thread that owns the engine: submits slots as they become ready, passes results on."""

    def __init__(
        self, engine: Engine, ring: Ring, readers: Readers, writers: Writers, timing: Timing
    ) -> None:
        self._engine = engine
        self._ring = ring
        self._readers = readers
        self._writers = writers
        self._clock = EngineClock(engine, timing)
        self._is_draining = False

    def run(self, is_interrupted: Callable[[], bool]) -> None:
        """Work until nothing is left for the engine; raise the error that stopped the run."""
        in_flight: deque[Batch] = deque()
        while in_flight or not self._ring.is_exhausted:
            self._readers.replace_hung()
            if is_interrupted() and not self._is_draining:
                self._drain()
            batch = self._next_batch(wait=not in_flight)
            if batch is None and not in_flight:
                continue
            if batch is not None:
                self._clock.submit()
                self._engine.submit(batch.slot, len(batch.rows))
                in_flight.append(batch)
                if len(in_flight) < MAX_IN_FLIGHT:
                    continue
            done = in_flight.popleft()
            self._engine.wait(done.slot)
            self._clock.end()
            self._writers.write(done)

    def _drain(self) -> None:
        self._is_draining = True
        _log.warning("finishing the pictures in progress; Ctrl-C again stops at once")
        self._readers.drain()

    def _next_batch(self, *, wait: bool) -> Batch | None:
        try:
            return self._ring.next_filled(_WATCH_EVERY_S) if wait else self._ring.next_full()
        except RingStoppedError as stopped:
            assert stopped.__cause__ is not None
            raise stopped.__cause__ from None
