"""What a folder run has to say at its end."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pmsgan
from pmsgan.atomic import replacing
from pmsgan.batch.baseline import Baseline
from pmsgan.batch.pipeline import Timing
from pmsgan.engine.interface import EngineInfo
from pmsgan.errors import PmsganError


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """Something about one picture."""

    name: str
    """Path below IN."""
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A folder run that has ended."""

    style: str
    engine: EngineInfo
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
    timing: Timing
    stopped: str | None
    """Why the run ended before all was done; the same command, without --overwrite, goes on."""
    is_interrupted: bool
    """A user stopped it."""
    baselines: tuple[Baseline, ...]
    """Eager PyTorch in FP32, then in what this processor is quick in."""
    no_baseline: str | None
    """Why there is none, or not the second."""

    @property
    def images_per_s(self) -> float:
        """Converted pictures in a second, reading and writing included."""
        return self.num_done / self.timing.wall_s

    def to_json(self) -> dict[str, Any]:
        """Return the report as it is written to report.json."""
        return {
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
            "seconds": asdict(self.timing),
            "engine": asdict(self.engine),
            "baselines": [baseline.to_json() for baseline in self.baselines],
            "no_baseline": self.no_baseline,
        }

    def to_text(self) -> str:
        """Return the report as a table for people."""
        return "\n".join(f"{name:<14}{value}" for name, value in self._rows())

    def _rows(self) -> list[tuple[str, str]]:
        timing, engine = self.timing, self.engine
        rows = [
            ("images", self._counts()),
            ("time", f"{timing.wall_s:.2f} s, {self.images_per_s:.1f} images/s"),
            (
                "busy",
                f"read {timing.read_s:.2f} s, run {timing.run_s:.2f} s, "
                f"write {timing.write_s:.2f} s"
                + (f", GPU {timing.gpu_s:.2f} s" if timing.gpu_s is not None else ""),
            ),
            ("engine", f"{engine.backend} ({engine.runtime}), {engine.device}"),
            (
                "precision",
                f"{engine.precision}, {engine.width}x{engine.height}, batch {engine.max_batch}",
            ),
        ]
        if self.notes:
            rows.append(("notes", f"{len(self.notes)} pictures have notes in the report"))
        for base in self.baselines:
            rows += [
                (
                    "baseline",
                    f"eager {base.eager.precision} ({base.eager.runtime}) "
                    f"{base.eager_images_per_s:.1f} images/s, "
                    f"engine alone {base.engine_images_per_s:.1f} images/s"
                    + (
                        f" ({base.gpu_images_per_s:.1f} without copies)"
                        if base.gpu_images_per_s is not None
                        else ""
                    ),
                ),
                (
                    "speed-up",
                    f"{base.speedup:.2f} times eager {base.eager.precision}, "
                    f"PSNR {base.psnr_db:.1f} dB to it ({base.num_pictures} pictures)",
                ),
            ]
        if self.no_baseline is not None:
            rows.append(("baseline", f"not measured: {self.no_baseline}"))
        return rows

    def _counts(self) -> str:
        text = f"{self.num_done} done, {len(self.failures)} failed"
        if self.num_kept:
            text += f", {self.num_kept} done before"
        if self.num_left:
            text += f", {self.num_left} left"
        return text


def write_report(report: Report, path: Path) -> None:
    """Write a report as JSON; an interrupted write leaves no half file.

    Raises:
        PmsganError: it cannot be written.
    """
    text = json.dumps(report.to_json(), indent=2) + "\n"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise PmsganError(f"cannot write the report {path}: {error.strerror}") from error
