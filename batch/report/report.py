"""What a folder run has to say at its end."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pmsgan
from pmsgan.batch.comparison.baseline import Baseline
from pmsgan.batch.report.thumbnails import Sheet
from pmsgan.batch.timing import Stage, Timing
from pmsgan.batch.workers import Workers
from pmsgan.engine.interface import EngineInfo
from pmsgan.engine.machine import Machine
from pmsgan.spread import digits


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """Something about one picture."""

    name: str
    """Path below IN."""
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class NodeWork:
    """What one machine of a cluster did."""

    name: str
    num_workers: int
    num_done: int
    num_failed: int
    busy_s: float
    """Of all its workers together [seconds]."""
    engine: str
    is_lost: bool
    """It was gone before the run ended."""

    def __str__(self) -> str:
        """One line for people."""
        if not self.num_workers:
            return "lost before it had finished anything" if self.is_lost else "idle"
        plural = "s" * (self.num_workers != 1)
        text = (
            f"{self.num_done} done, {self.num_failed} failed by {self.num_workers} "
            f"worker{plural}, busy {self.busy_s:.1f} s; {self.engine}"
        )
        return f"LOST after {text}" if self.is_lost else text


@dataclass(frozen=True, slots=True)
class Busy:
    """One kind of thread, or the engine: what it did of the run's time."""

    title: str
    count: int
    """How many there were."""
    stages: tuple[Stage, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A folder run that has ended."""

    style: str
    engine: EngineInfo
    machine: Machine
    workers: Workers
    num_done: int
    num_kept: int
    """Done by an earlier run, and still there."""
    num_left: int
    """Neither done nor tried, since the run was stopped."""
    failures: tuple[Remark, ...]
    """Pictures that could not be converted, and folders that could not be listed."""
    notes: tuple[Remark, ...]
    """What a user should know of pictures that were converted."""
    passed_over: dict[str, int]
    """How much below IN was not a picture to convert, for each reason."""
    open_s: float
    """Until the engine was ready, before the run [seconds]."""
    timing: Timing
    peak_memory_bytes: int | None
    """Of this process, at the end of the run; None where the system does not tell."""
    stopped: str | None
    """Why the run ended before all was done; the same command, without --overwrite, goes on."""
    is_interrupted: bool
    """A user stopped it."""
    baselines: tuple[Baseline, ...]
    """Eager PyTorch in FP32, then in what this processor is quick in."""
    no_baseline: str | None
    """Why there is none, or not the second."""
    sheet: Sheet
    """Pictures to show."""
    num_engines: int = 1
    nodes: tuple[NodeWork, ...] = ()
    """Machines of a cluster; the engine and the machine above are those of one of them."""

    @property
    def images_per_s(self) -> float:
        """Converted pictures in a second, reading and writing included."""
        return self.num_done / self.timing.wall_s

    @property
    def busy(self) -> tuple[Busy, ...]:
        """Who did what."""
        engine = "engine" if self.num_engines == 1 else "engines"
        everybody = [
            Busy("readers", self.workers.readers, ("read", "decode", "resize")),
            Busy(engine, self.num_engines, ("run",)),
            Busy("writers", self.workers.writers, ("encode", "write")),
        ]
        if self.timing.stages.stages["copy"].count:
            everybody.insert(1, Busy("copies", self.num_engines, ("copy",)))
        return tuple(everybody)

    def share(self, seconds: float, count: int = 1) -> float:
        """Return which part (0..1) of the run `count` threads spent on something."""
        return seconds / (self.timing.wall_s * count)

    def to_json(self) -> dict[str, Any]:
        """Return the report as it is written to report.json."""
        timing, durations = self.timing, self.timing.stages.stages
        return {
            "kind": "conversion",
            "pmsgan": pmsgan.__version__,
            "style": self.style,
            "images_done": self.num_done,
            "images_kept": self.num_kept,
            "images_failed": len(self.failures),
            "images_left": self.num_left,
            "stopped": self.stopped,
            "failures": [{"name": it.name, "reason": it.text} for it in self.failures],
            "notes": [{"name": it.name, "note": it.text} for it in self.notes],
            "passed_over": self.passed_over,
            "images_per_s": self.images_per_s,
            "seconds": {
                "open": self.open_s,
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
            "peak_memory_bytes": self.peak_memory_bytes,
            "workers": asdict(self.workers),
            "settings": asdict(self.sheet.settings),
            "machine": self.machine.to_json(),
            "engine": asdict(self.engine),
            "nodes": [asdict(node) for node in self.nodes],
            "baselines": [baseline.to_json() for baseline in self.baselines],
            "no_baseline": self.no_baseline,
        }

    def to_text(self) -> str:
        """Return the report for people."""
        return "\n".join(
            [*_aligned(self._rows()), "", *self._stages(), "", *_aligned(self._speedups())]
        )

    def counts(self) -> str:
        """Say how many pictures ended how."""
        text = f"{self.num_done} done, {len(self.failures)} failed"
        if self.num_kept:
            text += f", {self.num_kept} done before"
        if self.num_left:
            text += f", {self.num_left} left"
        return text

    def _rows(self) -> list[tuple[str, str]]:
        timing, engine = self.timing, self.engine
        opening = "to reach Ray" if self.nodes else "to open the engine"
        rows = [
            ("images", self.counts()),
            (
                "time",
                f"{timing.wall_s:.2f} s, {self.images_per_s:.1f} images/s; "
                f"{self.open_s:.2f} s before it {opening}",
            ),
            ("engine", f"{engine.backend} ({engine.runtime}), {engine.device}"),
            (
                "precision",
                f"{engine.precision}, {engine.width}x{engine.height}, batch {engine.max_batch}",
            ),
            ("machine", str(self.machine)),
        ]
        rows += [("node", f"{node.name}: {node}") for node in self.nodes]
        if self.peak_memory_bytes is not None:
            rows.append(("peak memory", f"{self.peak_memory_bytes / 2**20:.0f} MiB"))
        if self.notes:
            rows.append(("notes", f"{len(self.notes)} pictures have notes in the report"))
        return rows

    def _stages(self) -> list[str]:
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
            alone, whole = base.alone, base.end_to_end
            rows += [
                (
                    base.title,
                    f"alone: {digits(alone.engine_images_per_s.median)} against "
                    f"{digits(alone.rival_images_per_s.median)} images/s, "
                    f"{alone.speedup} times as fast",
                ),
                (
                    "",
                    f"end to end: {digits(whole.engine_images_per_s.median)} against "
                    f"{digits(whole.rival_images_per_s.median)}, {whole.speedup} times as fast",
                ),
            ]
            if base.gpu_images_per_s is not None:
                rows.append(("", f"without copies: {digits(base.gpu_images_per_s)} images/s"))
        if self.baselines and (accuracy := self.baselines[0].engine_accuracy) is not None:
            rows.append(("accuracy", f"to {self.baselines[0].title}: {accuracy}"))
        if self.no_baseline is not None:
            rows.append(("baseline", f"not measured: {self.no_baseline}"))
        return rows


def _aligned(rows: Sequence[tuple[str, str]]) -> list[str]:
    return [f"{name:<14}{value}" for name, value in rows]
