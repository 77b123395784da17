"""The pictures of a folder run that two engines are compared on."""

import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path

from pmsgan.batch.files.local import LocalFolder
from pmsgan.batch.job import Job
from pmsgan.batch.pipeline import run_jobs
from pmsgan.batch.settings import ConvertSettings, Parallelism
from pmsgan.engine.accuracy import Pictures
from pmsgan.engine.interface import Engine
from pmsgan.errors import EngineError, name_picture
from pmsgan.styles.registry import Style
from pmsgan.styles.scaling import Scaling

NUM_SINGLE_WARM_UPS = 2
_DISK = LocalFolder(Path())
"""Reads pictures by their paths."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workload:
    """Pictures as files and in memory, and the settings to convert them with."""

    style: Style
    settings: ConvertSettings
    parallelism: Parallelism
    jobs: tuple[Job, ...]
    pictures: Pictures
    """The pictures of the jobs, uint8 [N, H, W, 3] BGR, each in one view of the network."""

    def translate(self, engine: Engine, count: int) -> tuple[float, Pictures]:
        """Translate the first `count` pictures in memory; return the seconds and the results."""
        start = time.perf_counter()
        results = engine.translate(self.pictures[:count])
        return time.perf_counter() - start, results

    def translate_singly(self, engine: Engine, duration_s: float) -> tuple[float, ...]:
        """Translate pictures one by one for about `duration_s`; return the seconds of each."""
        for _ in range(NUM_SINGLE_WARM_UPS):
            engine.translate(self.pictures[:1])
        seconds: list[float] = []
        end = time.perf_counter() + duration_s
        while not seconds or time.perf_counter() < end:
            place = len(seconds) % len(self.pictures)
            start = time.perf_counter()
            engine.translate(self.pictures[place : place + 1])
            seconds.append(time.perf_counter() - start)
        return tuple(seconds)

    def _scaling(self) -> Scaling:
        """Return how results get their size: by one view of each picture, as there is in memory.

        So both engines do the same work, and a slow one need not wait for pictures of many tiles.
        """
        scaling = self.style.scaling
        return Scaling() if scaling.mode == "tiles" else scaling

    def convert(self, engine: Engine, count: int, scratch: str | None = None) -> float:
        """Convert the files of the first `count` pictures to a scratch folder; return the seconds.

        Args:
            engine: an open engine.
            count: how many pictures.
            scratch: folder in which the scratch folder is made; by default that of the system.

        Raises:
            EngineError: a picture failed, or the run stopped.
        """
        jobs = [replace(job, was_done_before=False, note=None) for job in self.jobs[:count]]
        with (
            tempfile.TemporaryDirectory(prefix="pmsgan-", dir=scratch) as folder,
            LocalFolder(Path(folder)).output({}, _DISK, overwrite=False) as out,
        ):
            out.begin()
            outcome = run_jobs(
                engine,
                iter(jobs),
                _DISK,
                out,
                self._scaling(),
                self.settings,
                self.parallelism,
                on_done=lambda job: None,
            )
        if outcome.is_interrupted:
            raise KeyboardInterrupt
        failed = [name_picture(job.name, job.failure) for job in jobs if job.failure]
        if failures := [reason for reason in (outcome.stopped, *failed) if reason]:
            raise EngineError(f"the pictures for the comparison cannot be converted: {failures[0]}")
        return outcome.timing.wall_s
