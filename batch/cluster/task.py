"""What goes to a worker and what comes back."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pmsgan
from pmsgan.batch.files.bucket import Place
from pmsgan.batch.plan import Job
from pmsgan.batch.settings import ConvertSettings
from pmsgan.batch.timing import Timing
from pmsgan.batch.workers import Workers
from pmsgan.engine.choices import Backend
from pmsgan.engine.interface import EngineInfo
from pmsgan.engine.machine import Machine
from pmsgan.styles.registry import DESCRIPTION_NAME, GRAPH_NAME, WEIGHTS_NAME, Style, read_style


@dataclass(frozen=True, kw_only=True, slots=True)
class Task:
    """What all shards of a run have in common."""

    run: str
    """Names this run, and no other."""
    in_dir: Place
    out_dir: Place
    style_name: str
    style_files: dict[str, bytes]
    """The style as files, since the user's own are not on every machine."""
    belongs_to: dict[str, Any]
    """Of the journal."""
    settings: ConvertSettings
    backend: Backend
    require_gpu: bool
    max_batch: int | None
    num_readers: int | None
    num_writers: int | None
    num_slots: int
    cores: int
    """Processor cores of one worker."""
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
    """Return the files of a style."""
    names = (DESCRIPTION_NAME, WEIGHTS_NAME, GRAPH_NAME)
    return {name: (style.folder / name).read_bytes() for name in names}


@dataclass(frozen=True, slots=True)
class Shard:
    """Pictures that one worker does in one go; if it dies, another does the rest of them."""

    number: int
    names: list[tuple[str, str]]
    """Path below IN and below OUT."""
    known: dict[int, int]
    """Which of them are noted as done, see `Journal.known`."""

    def jobs(self, in_dir: Place) -> Iterator[Job]:
        """Make the jobs."""
        root = in_dir if isinstance(in_dir, Path) else Path()
        return (Job(root / name, name, output) for name, output in self.names)


@dataclass(kw_only=True, slots=True)
class ShardResult:
    """How a shard ended."""

    number: int
    worker: str
    """Names the process."""
    jobs: list[Job] = field(default_factory=list)
    """Those that are done, kept or have failed."""
    timing: Timing = field(default_factory=Timing)
    open_s: float = 0.0
    """Until the engine was ready, if this was the worker's first shard [seconds]."""
    engine: EngineInfo | None = None
    machine: Machine | None = None
    workers: Workers | None = None
    peak_memory_bytes: int | None = None
    stopped: str | None = None
    """Why not all was done."""
    cannot_start: bool = False
    """There was no engine."""
    node: str = ""
    """Ray's name of the machine."""
