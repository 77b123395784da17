"""Messages to and from a worker."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pmsgan
from pmsgan.batch.files.folder import Folder
from pmsgan.batch.job import Job
from pmsgan.batch.settings import ConvertSettings, Parallelism, RunSettings
from pmsgan.batch.timing import Timing
from pmsgan.engine.int8.calibration import find_calibration
from pmsgan.engine.interface import EngineInfo
from pmsgan.engine.machine import Machine
from pmsgan.styles.registry import (
    CALIBRATION_NAME,
    DESCRIPTION_NAME,
    TRAINED_PAIRS_NAME,
    Style,
    read_style,
)
from pmsgan.styles.scaling import Scaling


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """The settings that all shards of a run have in common."""

    name: str
    """Unique name of this run."""
    pictures: Folder
    out: Folder
    out_was_empty: bool = False
    """Whether OUT held nothing when the run began."""
    style_name: str
    style_files: dict[str, bytes]
    """The style as files, since the user's own are not on every machine."""
    run_identity: dict[str, Any]
    """The first line of each journal."""
    scaling: Scaling
    settings: ConvertSettings
    run: RunSettings
    """The same for each worker."""
    cores: int
    """Processor cores of one worker."""
    parallelism: Parallelism
    """Threads and slots of one worker."""
    workers_per_gpu: int = 1
    """Workers that share the memory of a GPU."""
    version: str = pmsgan.__version__

    def unpack_style(self, folder: Path) -> Style:
        """Write the style below a folder, and read it from there.

        Raises:
            StyleError: it cannot be read.
            OSError: it cannot be written.
        """
        folder = folder / self.style_name
        folder.mkdir()
        for name, content in self.style_files.items():
            (folder / name).write_bytes(content)
        return read_style(folder)


def pack_style(style: Style) -> dict[str, bytes]:
    """Return the files that converting needs, with the INT8 calibration that this machine has."""
    names = {DESCRIPTION_NAME, *style.file_names} - {TRAINED_PAIRS_NAME}
    files = {name: (style.folder / name).read_bytes() for name in names}
    if (calibration := find_calibration(style)) is not None:
        files[CALIBRATION_NAME] = calibration.to_text().encode()
    return files


@dataclass(frozen=True, slots=True)
class Shard:
    """Pictures that one worker converts in one go; if it dies, another converts the rest."""

    number: int
    names: list[tuple[str, str]]
    """Path below IN and below OUT."""
    known: dict[int, int]
    """Pictures that are already recorded as done, see `Journal.known`."""

    def jobs(self, pictures: Folder) -> Iterator[Job]:
        """Make the jobs."""
        return (Job(pictures.source(name), name, output) for name, output in self.names)


def shard_name(task_name: str, number: int) -> str:
    """Return a name for a shard that is unique among all runs."""
    return f"{task_name}-{number:06}"


@dataclass(kw_only=True, slots=True)
class ShardResult:
    """How a shard ended."""

    number: int
    worker: str
    """Name of the process."""
    jobs: list[Job] = field(default_factory=list)
    """Those that are done, were done before, or have failed."""
    timing: Timing = field(default_factory=Timing)
    open_s: float = 0.0
    """Time until the engine was ready, if this was the worker's first shard [seconds]."""
    engine: EngineInfo | None = None
    machine: Machine | None = None
    peak_memory_bytes: int | None = None
    stopped: str | None = None
    """Reason why the shard was not completed; None if it was."""
    cannot_start: bool = False
    """Whether the worker could not open an engine."""
    node: str = ""
    """Ray's name of the machine."""
