"""A worker converts one shard at a time, with one engine and the pipeline of a local run."""

import itertools
import os
import platform
import tempfile
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import filelock

import pmsgan
from pmsgan.batch.cluster.rate import measure_engine
from pmsgan.batch.cluster.shard_output import open_shard_output
from pmsgan.batch.cluster.task import Shard, ShardResult, Task
from pmsgan.batch.files.folder import Results
from pmsgan.batch.job import Job
from pmsgan.batch.pictures.load import NUM_SAMPLES, load_pictures
from pmsgan.batch.pipeline import run_jobs
from pmsgan.engine.cache import lock_folder
from pmsgan.engine.interface import Engine
from pmsgan.engine.machine import examine_machine, peak_memory_bytes
from pmsgan.engine.open import open_engine
from pmsgan.errors import EngineError, FolderError, PmsganError

MAX_TRIES = 3
"""Workers that may crash on a shard, or on opening the engine on one machine; without a limit one
picture could keep a run from ending."""


class Worker:
    """A process that converts shards; its engine stays open until the process ends."""

    def __init__(self, task: Task) -> None:
        """Set up a worker for the shards of a task."""
        self._task = task
        self._name = f"{platform.node()}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._started = time.monotonic()
        self._held = ExitStack()
        self._engine: Engine | None = None

    def convert(self, shard: Shard) -> ShardResult:
        """Convert a shard; the result reports anything that goes wrong."""
        result = ShardResult(number=shard.number, worker=self._name)
        try:
            if self._engine is None:
                started = time.perf_counter()
                self._engine = self._open(shard)
                result.open_s = time.perf_counter() - started
            self._run(shard, self._engine, result)
        except FolderError as error:
            result.stopped = str(error)
        except (PmsganError, OSError) as error:
            result.stopped, result.cannot_start = str(error), True
        return result

    def measure_engine(self, shard: Shard) -> float:
        """Return the pictures a second that the engine translates when it waits for none.

        Raises:
            PmsganError: there is no engine, or it failed.
            OSError: the style cannot be unpacked.
        """
        if self._engine is None:
            self._engine = self._open(shard)
        return measure_engine(self._engine)

    def close(self) -> None:
        """Free what this holds."""
        self._engine = None
        self._held.close()

    def _open(self, shard: Shard) -> Engine:
        """Open the engine from the machine's cache; build it there once if it is missing."""
        task = self._task
        if pmsgan.__version__ != task.version:
            raise EngineError(
                f"pmsgan {pmsgan.__version__} is installed here, but {task.version} where the run "
                "was started: install the same version on all machines"
            )
        first = list(itertools.islice(shard.jobs(task.pictures), NUM_SAMPLES))
        with (
            tempfile.TemporaryDirectory(prefix="pmsgan-") as scratch,
            _one_at_a_time(lock_folder(), task.name),
        ):
            style = replace(task.unpack_style(Path(scratch)), scaling=task.scaling)
            return self._held.enter_context(
                open_engine(
                    style,
                    backend=task.run.backend,
                    device=task.run.device,
                    precision=task.settings.precision,
                    max_batch=task.run.max_batch,
                    require_gpu=task.run.require_gpu,
                    num_threads=task.cores,
                    engines_per_gpu=task.workers_per_gpu,
                    samples=lambda: load_pictures(
                        first, task.pictures.read, style.view, task.settings
                    )[1],
                )
            )

    def _run(self, shard: Shard, engine: Engine, result: ShardResult) -> None:
        task = self._task
        result.engine, result.machine = engine.info, examine_machine()
        jobs = shard.jobs(task.pictures)
        with open_shard_output(task.out, task, shard, self._name, self._started) as output:
            if output.num_tries > MAX_TRIES:
                result.jobs = list(_give_up(jobs, output.results))
                return
            outcome = run_jobs(
                engine,
                jobs,
                task.pictures,
                output.results,
                task.scaling,
                task.settings,
                task.parallelism,
                on_done=result.jobs.append,
                takes_signals=False,  # a worker that is told to end dies, and another resumes
            )
        result.timing, result.stopped = outcome.timing, outcome.stopped
        result.peak_memory_bytes = peak_memory_bytes()


@contextmanager
def _one_at_a_time(locks: Path, run: str) -> Iterator[None]:
    """Let one process of this machine build the engine; the others wait and load it.

    Raises:
        EngineError: too many processes of this run have died here.
    """
    with ExitStack() as held:
        with suppress(NotImplementedError):  # a file system without locks
            held.enter_context(filelock.FileLock(locks / "engine"))
        begun = locks / f"{run}-{platform.node()}.opening"
        num_died = begun.stat().st_size if begun.exists() else 0
        if num_died >= MAX_TRIES:
            raise EngineError(f"{num_died} workers died while opening the engine")
        with begun.open("ab") as file:
            file.write(b".")
        try:
            yield
        finally:
            begun.unlink(missing_ok=True)


def _give_up(jobs: Iterable[Job], results: Results) -> Iterator[Job]:
    """Record the unfinished pictures of a shard as failed."""
    for job in jobs:
        job.was_done_before = results.was_done_before(job)
        if not job.was_done_before:
            job.failure = (
                f"skipped: {MAX_TRIES} workers crashed on the group of pictures that it belongs to"
            )
            results.note_failure(job, job.failure)
        yield job
