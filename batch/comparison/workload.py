"""Some pictures of a folder run, on which two sides are measured."""

import contextlib
import tempfile
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from pmsgan.batch.files.folder import Reader, read_here
from pmsgan.batch.files.local_output import OutFolder
from pmsgan.batch.pictures.decode import quiet_decoders
from pmsgan.batch.pictures.load import load_bytes
from pmsgan.batch.pipeline import run_jobs
from pmsgan.batch.plan import Job
from pmsgan.batch.settings import ConvertSettings
from pmsgan.batch.workers import Workers
from pmsgan.engine.accuracy import Pictures
from pmsgan.engine.interface import Engine
from pmsgan.errors import EngineError, ImageError
from pmsgan.styles.registry import Style

NUM_SAMPLES = 4
"""How many pictures a new engine is checked on."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """Pictures as files and as the engine takes them, and how a folder of them is converted."""

    style: Style
    settings: ConvertSettings
    workers: Workers
    jobs: tuple[Job, ...]
    pictures: Pictures
    """Of the jobs: uint8 [N, H, W, 3] BGR of the style's size."""

    def translate(self, engine: Engine, count: int) -> tuple[float, Pictures]:
        """Translate the first `count` pictures in memory; return the seconds and the results."""
        start = time.perf_counter()
        results = engine.translate(self.pictures[:count])
        return time.perf_counter() - start, results

    def convert(self, engine: Engine, count: int) -> float:
        """Convert the files of the first `count` pictures to a scratch folder; return the seconds.

        Raises:
            EngineError: that did not go well.
        """
        jobs = [replace(job, is_kept=False, note=None) for job in self.jobs[:count]]
        with (
            tempfile.TemporaryDirectory(prefix="pmsgan-") as folder,
            OutFolder(Path(folder), self.style, self.settings).begin() as out,
        ):
            outcome = run_jobs(
                engine, iter(jobs), out, self.settings, self.workers, on_done=lambda job: None
            )
        if outcome.is_interrupted:
            raise KeyboardInterrupt
        reasons = [outcome.stopped, *(f"{job.name} {job.failure}" for job in jobs if job.failure)]
        if failures := [reason for reason in reasons if reason]:
            raise EngineError(f"the sample cannot be converted: {failures[0]}")
        return outcome.timing.wall_s

    def to_json(self) -> dict[str, Any]:
        """Return all but the pictures, which `from_json` takes back."""
        return {
            "style": str(self.style.folder.absolute()),
            "settings": asdict(self.settings),
            "workers": asdict(self.workers),
            "jobs": [[str(job.source.absolute()), job.name, job.output] for job in self.jobs],
        }

    @classmethod
    def from_json(cls, content: dict[str, Any], style: Style, pictures: Pictures) -> "Sample":
        """Return what `to_json` was called on."""
        return cls(
            style=style,
            settings=ConvertSettings(**content["settings"]),
            workers=Workers(**content["workers"]),
            jobs=tuple(Job(Path(source), *names) for source, *names in content["jobs"]),
            pictures=pictures,
        )


def load_pictures(
    jobs: Iterable[Job], style: Style, settings: ConvertSettings, *, read: Reader = read_here
) -> tuple[list[Job], Pictures | None]:
    """Read pictures in the style's size.

    Returns:
        The jobs whose picture can be read, and their pictures uint8 [N, H, W, 3] BGR; None if
        there are none.
    """
    readable: list[Job] = []
    rows: list[Pictures] = []
    with quiet_decoders():
        for job in jobs:
            row = np.empty((style.height, style.width, 3), np.uint8)
            with contextlib.suppress(ImageError):  # is told when its turn comes
                load_bytes(*read(job), (style.height, style.width), settings).fill(row)
                readable.append(job)
                rows.append(row)
    return readable, np.stack(rows) if rows else None
