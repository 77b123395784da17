"""Measure what a picture costs around an engine that costs nothing.

    python tools/bench_gil.py 16 256
    python tools/bench_gil.py 256 512 --input jpg --output jpg --threads 8

One thread at a time holds the interpreter (the GIL), so one process never does more pictures a
second than the time with the GIL allows, however many cores there are. Time is that on processors,
which hardly depends on what else the machine does; the least of the rounds is the best estimate.
Needs a C compiler, on Linux.
"""

import argparse
import ctypes
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from bench_folder import Copier, fresh_output

from pmsgan.batch.files.local import LocalFolder
from pmsgan.batch.pipeline import run_jobs
from pmsgan.batch.plan import plan_folder
from pmsgan.batch.settings import ConvertSettings, RunSettings
from pmsgan.batch.timing import Timing
from pmsgan.styles.scaling import Scaling

CLOCK = Path(__file__).with_name("gil_clock.c")
NUM_DRAWN = 50
"""Different pictures of a folder; the others are hard links to them."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The cost of one picture [milliseconds]."""

    gil: float
    """Processor time of threads that hold the interpreter."""
    cpu: float
    """Processor time of all threads."""
    wall: float


class GilClock:
    """Counts how much of the process's work is done with the GIL held."""

    def __init__(self, folder: Path) -> None:
        """Compile the clock into a folder."""
        library = folder / "gil_clock.so"
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", CLOCK, "-o", library], check=True)
        self._library = ctypes.CDLL(str(library))

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count what is done inside."""
        self._library.gil_clock_start()
        try:
            yield
        finally:
            self._library.gil_clock_stop()

    @property
    def share_held(self) -> float:
        """The part of the work, 0 to 1, that was done with the GIL held."""
        held, samples = self._library.gil_clock_held(), self._library.gil_clock_samples()
        return float(held / max(1, samples))


def draw_pictures(folder: Path, side: int, suffix: str, count: int) -> None:
    """Write pictures of smooth colour with some noise."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for number in range(count):
        path = folder / f"{number:06}.{suffix}"
        if number >= NUM_DRAWN:
            path.hardlink_to(folder / f"{number % NUM_DRAWN:06}.{suffix}")
            continue
        smooth = cv2.resize(rng.integers(0, 256, (4, 4, 3), np.uint8), (side, side))
        noise = rng.integers(-8, 9, smooth.shape)
        cv2.imwrite(str(path), np.clip(smooth + noise, 0, 255).astype(np.uint8))


def convert(folder: Path, side: int, suffix: str, threads: int) -> tuple[int, Timing]:
    """Convert a folder; return the number of its pictures, and where the time went."""
    source = LocalFolder(folder)
    settings = ConvertSettings(output_format=suffix)  # type: ignore[arg-type]
    plan = plan_folder(source, LocalFolder(folder / "none"), settings.output_format)
    with Copier(side, side) as engine, fresh_output(source) as results:
        outcome = run_jobs(
            engine, plan.jobs(), source, results, Scaling(), settings,
            RunSettings(readers=threads, writers=threads).parallelism(),
            on_done=lambda job: None,
        )  # fmt: skip
    return plan.num_jobs, outcome.timing


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("sides", type=int, nargs="+", help="of pictures and engine [pixels]")
    parser.add_argument("--input", default="png", choices=["png", "jpg"])
    parser.add_argument("--output", default="png", choices=["png", "jpg", "webp"])
    parser.add_argument("--threads", type=int, default=2, help="readers, and writers")
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=10)
    given = parser.parse_args()
    costs: dict[int, list[Cost]] = {side: [] for side in given.sides}
    with tempfile.TemporaryDirectory() as scratch:
        clock = GilClock(Path(scratch))
        for side in given.sides:
            draw_pictures(Path(scratch, str(side)), side, given.input, given.pictures)
        for number in range(1 + given.rounds):
            for side, found in costs.items():
                with clock.running():
                    count, timing = convert(
                        Path(scratch, str(side)), side, given.output, given.threads
                    )
                if number == 0:
                    continue  # the first one warms up
                cpu, wall = 1e3 * timing.cpu_s / count, 1e3 * timing.wall_s / count
                found.append(Cost(cpu * clock.share_held, cpu, wall))
    print("milliseconds for one picture, the least and the median of the rounds")
    print("   side |   with the GIL held | processor, in all |                wall")
    for side, found in costs.items():
        columns = []
        for name in ("gil", "cpu", "wall"):
            values = [getattr(cost, name) for cost in found]
            columns.append(f"{min(values):8.3f} {statistics.median(values):8.3f}")
        print(f"{side:7} | " + "   | ".join(columns))


if __name__ == "__main__":
    main()
