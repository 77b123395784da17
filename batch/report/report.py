"""The report of a run."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pmsgan
from pmsgan.batch.comparison.baseline import Baseline
from pmsgan.batch.report.thumbnails import Thumbnail
from pmsgan.batch.settings import ConvertSettings, Parallelism
from pmsgan.batch.timing import Stage, Timing
from pmsgan.counts import count
from pmsgan.engine.interface import EngineInfo
from pmsgan.engine.machine import Machine
from pmsgan.errors import name_picture
from pmsgan.spread import digits
from pmsgan.terminal import printable

BASELINES = {"eager": "eager PyTorch", "onnxruntime": "ONNX Runtime"}
"""Names of the baselines for people, by their backend."""
BASELINE_OFF = "switched off"
"""Reason when the user wants no baseline."""
NOTHING_TO_COMPARE = "no picture was converted"
"""Reason when there is nothing to measure a baseline on."""
MAX_FAILURES = 5
"""Failures that the text for a terminal names; report.json names all."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """A remark about one picture."""

    name: str
    """Path below IN."""
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeWork:
    """The work that one machine of a cluster did."""

    name: str
    num_workers: int
    num_done: int
    num_failed: int
    busy_s: float
    """Time that all its workers together were busy [seconds]."""
    engine: str
    is_lost: bool
    """Whether it was lost before the run ended."""

    def __str__(self) -> str:
        """One line for people."""
        if not self.num_workers:
            return "lost before it finished any picture" if self.is_lost else "idle"
        text = (
            f"{self.num_done} done, {self.num_failed} failed by "
            f"{count(self.num_workers, 'worker')}, busy {self.busy_s:.1f} s; {self.engine}"
        )
        return f"LOST after {text}" if self.is_lost else text


@dataclass(frozen=True, slots=True)
class Busy:
    """One kind of thread, or the engine, and the stages that it works on."""

    title: str
    count: int
    """How many there were."""
    stages: tuple[Stage, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Equipment:
    """The engine, the machine and the threads of a run."""

    engine: EngineInfo
    """The engine; on a cluster, one of them."""
    machine: Machine
    """The machine that it ran on."""
    parallelism: Parallelism
    """Threads and slots of all engines together."""
    open_s: float
    """Time until the first engine was ready [seconds]."""
    peak_memory_bytes: int | None
    """Peak memory of a process at the end of the run [bytes]; None if the system does not report
    it."""
    num_engines: int = 1
    nodes: tuple[NodeWork, ...] = ()
    """Machines of a cluster."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A finished run, as plain data."""

    style: str
    settings: ConvertSettings
    equipment: Equipment
    num_done: int
    num_done_before: int
    """Pictures that an earlier run converted and whose results still exist."""
    num_pixels: int
    """Size of all results that this run has made [pixels]."""
    num_left: int
    """Pictures that the run did not reach before it stopped."""
    failures: tuple[Remark, ...]
    """Pictures that could not be converted, and folders that could not be listed."""
    notes: tuple[Remark, ...]
    """Remarks about pictures that were converted."""
    skipped: dict[str, int]
    """Number of entries below IN that were skipped, for each reason."""
    timing: Timing
    stopped: str | None
    """Reason why the run ended early; the same command, without --overwrite, resumes it."""
    is_interrupted: bool
    """Whether a user stopped it."""
    display_died: bool
    """Whether the terminal, or the reader of stderr, went away or stopped reading."""
    baselines: tuple[Baseline, ...]
    """Eager PyTorch in FP32, then in the fastest precision of this processor; for a style
    whose network came as an ONNX file, ONNX Runtime in FP32."""
    no_baseline: str | None
    """Reason why a baseline, or the second one, is missing."""
    thumbnails: tuple[Thumbnail, ...]

    @property
    def pictures_per_s(self) -> float:
        """Converted pictures in a second, reading and writing included."""
        return self.num_done / self.timing.wall_s

    @property
    def megapixels_per_s(self) -> float:
        """Millions of pixels of results in a second, reading and writing included."""
        return self.num_pixels / 1e6 / self.timing.wall_s

    @property
    def missing_baseline(self) -> str | None:
        """Reason why a baseline is missing; None if none was wanted or possible."""
        return None if self.no_baseline in (BASELINE_OFF, NOTHING_TO_COMPARE) else self.no_baseline

    @property
    def has_ended(self) -> bool:
        """Whether a user interrupted the run when no picture was left: there is no rest."""
        return self.is_interrupted and self.num_left == 0

    @property
    def busy(self) -> tuple[Busy, ...]:
        """Threads and engines, each with its stages."""
        num_engines, parallelism = self.equipment.num_engines, self.equipment.parallelism
        engine = "engine" if num_engines == 1 else "engines"
        everybody = [
            Busy("readers", parallelism.readers, ("read", "decode", "resize")),
            Busy(engine, num_engines, ("run",)),
            Busy("writers", parallelism.writers, ("encode", "write")),
        ]
        if self.timing.stages.stages["copy"].count:
            everybody.insert(1, Busy("copies", num_engines, ("copy",)))
        return tuple(everybody)

    def share(self, seconds: float, count: int = 1) -> float:
        """Return which part (0..1) of the run `count` threads spent on something."""
        return seconds / (self.timing.wall_s * count)

    def to_json(self) -> dict[str, Any]:
        """Return the content of report.json."""
        timing, durations, equipment = self.timing, self.timing.stages.stages, self.equipment
        return {
            "kind": "conversion",
            "pmsgan": pmsgan.__version__,
            "style": self.style,
            "pictures_done": self.num_done,
            "pictures_done_before": self.num_done_before,
            "pictures_failed": len(self.failures),
            "pictures_left": self.num_left,
            "stopped": self.stopped,
            "display_died": self.display_died,
            "failures": [
                {"name": failure.name, "reason": failure.text} for failure in self.failures
            ],
            "notes": [{"name": note.name, "note": note.text} for note in self.notes],
            "skipped": self.skipped,
            "pictures_per_s": self.pictures_per_s,
            "megapixels": self.num_pixels / 1e6,
            "megapixels_per_s": self.megapixels_per_s,
            "seconds": {
                "open": equipment.open_s,
                "wall": timing.wall_s,
                "cpu": timing.cpu_s,
                "warm_up": timing.warm_up_s,
            },
            "stages": {
                stage: durations[stage].to_json()
                | {"share": self.share(durations[stage].total_s, busy.count)}
                for busy in self.busy
                for stage in busy.stages
            },
            "throughput": timing.throughput.to_json(),
            "peak_memory_bytes": equipment.peak_memory_bytes,
            "parallelism": asdict(equipment.parallelism),
            "settings": self.settings.to_json(),
            "machine": equipment.machine.to_json(),
            "engine": asdict(equipment.engine),
            "nodes": [asdict(node) for node in equipment.nodes],
            "baselines": [baseline.to_json() for baseline in self.baselines],
            "no_baseline": self.no_baseline,
        }

    def to_text(self) -> str:
        """Return the report as text for a terminal."""
        blocks = (
            _aligned(self._rows()),
            self._stages(),
            _aligned(self._speedups()),
            self._failures(),
        )
        return "\n\n".join("\n".join(map(printable, block)) for block in blocks if block)

    def counts(self) -> str:
        """Say how many pictures are done, failed, were done before, and are left."""
        text = f"{self.num_done} done, {len(self.failures)} failed"
        if self.num_done_before:
            text += f", {self.num_done_before} done before"
        if self.num_left:
            text += f", {self.num_left} left"
        return text

    def _rows(self) -> list[tuple[str, str]]:
        timing, equipment, engine = self.timing, self.equipment, self.equipment.engine
        opening = "to reach Ray" if equipment.nodes else "to open the engine"
        speed, results = "", []
        if self.num_done:
            speed = (
                f", {self.pictures_per_s:.1f} pictures/s, "
                f"{digits(self.megapixels_per_s)} megapixels/s"
            )
            results = [("results", f"{digits(self.num_pixels / 1e6)} megapixels")]
        rows = [
            ("pictures", self.counts()),
            (
                "time",
                f"{timing.wall_s:.2f} s{speed}; {equipment.open_s:.2f} s before it {opening}",
            ),
            *results,
            *([("palette", str(self.settings.palette))] if self.settings.palette else []),
            ("engine", f"{engine.backend} ({engine.runtime}), {engine.device}"),
            (
                "precision",
                f"{engine.arithmetic}, {engine.width}x{engine.height}, batch {engine.max_batch}",
            ),
            ("machine", str(equipment.machine)),
        ]
        rows += [("node", f"{node.name}: {node}") for node in equipment.nodes]
        if equipment.peak_memory_bytes is not None:
            rows.append(("peak memory", f"{equipment.peak_memory_bytes / 2**20:.0f} MiB"))
        if self.notes:
            noted = count(len(self.notes), "picture has", "pictures have")
            rows.append(("notes", f"{noted} notes in the report"))
        return rows

    def _failures(self) -> list[str]:
        """Name the pictures that failed, last, where people look."""
        shown = self.failures[:MAX_FAILURES]
        lines = [name_picture(failure.name, failure.text) for failure in shown]
        more = len(self.failures) - len(lines)
        lines += [f"and {more} more, which report.json names"] if more else []
        return ["failed:", *lines] if lines else []

    def _stages(self) -> list[str]:
        if not self.num_done:
            return []
        lines = [f"{'stage':<14}{'busy':>9}{'share':>7}{'median':>12}{'p95':>9}{'p99':>9}"]
        for busy in self.busy:
            for stage in busy.stages:
                durations = self.timing.stages.stages[stage]
                if not durations.count:
                    continue
                share = self.share(durations.total_s, busy.count)
                times = [digits(1e3 * durations.quantile(part)) for part in (0.5, 0.95, 0.99)]
                lines.append(
                    f"{stage:<14}{durations.total_s:>7.2f} s{share:>6.0%} "
                    f"{times[0]:>8} ms{times[1]:>9}{times[2]:>9}"
                )
        lines.append(f"{'warm-up':<14}{self.timing.warm_up_s:>7.2f} s, the engine's first batch")
        return lines

    def _speedups(self) -> list[tuple[str, str]]:
        rows = []
        for base in self.baselines:
            memory, files = base.in_memory, base.files_to_files
            rows += [
                (
                    base.title,
                    f"in memory: {digits(memory.engine_pictures_per_s.median)} against "
                    f"{digits(memory.compared_pictures_per_s.median)} pictures/s, "
                    f"{memory.speedup} times as fast",
                ),
                (
                    "",
                    f"files to files: {digits(files.engine_pictures_per_s.median)} against "
                    f"{digits(files.compared_pictures_per_s.median)}, "
                    f"{files.speedup} times as fast",
                ),
            ]
            if base.gpu_pictures_per_s is not None:
                rows.append(("", f"without copies: {digits(base.gpu_pictures_per_s)} pictures/s"))
        if self.baselines:
            engine = self.equipment.engine
            view = f"{engine.width}x{engine.height}"
            rows.append(("", f"each picture in one view of {view}, without tiles, on both engines"))
        if self.baselines and (accuracy := self.baselines[0].engine_accuracy) is not None:
            rows.append(("accuracy", f"to {self.baselines[0].title}: {accuracy}"))
        if self.missing_baseline is not None:
            title = "" if self.baselines else "baseline"
            rows.append((title, f"not measured: {self.missing_baseline}"))
        return rows


def _aligned(rows: Sequence[tuple[str, str]]) -> list[str]:
    return [f"{name:<13} {value}" for name, value in rows]
