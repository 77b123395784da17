"""Compare a folder run with its parts.

    python tools/bench_folder.py IN_DIR --style anime
    python tools/bench_folder.py IN_DIR --no-engine --format jpg

A folder run cannot end before its slowest stage has done all pictures, nor before the processors
have done the work of all stages. This measures each stage by itself, with as many threads as the
run has, then the whole, in turn, several times. --no-engine copies pictures in the engine's place.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from pmsgan.batch.files.local import LocalFolder
from pmsgan.batch.files.local_output import LocalOutput
from pmsgan.batch.files.stamp import FileStamp
from pmsgan.batch.job import Job
from pmsgan.batch.pictures.decode import quiet_decoders
from pmsgan.batch.pictures.encode import encode
from pmsgan.batch.pictures.load import LoadedPicture, load
from pmsgan.batch.pipeline import run_jobs
from pmsgan.batch.plan import plan_folder
from pmsgan.batch.settings import MAX_THREADS, ConvertSettings, RunSettings
from pmsgan.engine.interface import Engine, EngineInfo, Slot
from pmsgan.engine.open import open_engine
from pmsgan.styles.registry import find_style


class Copier(Engine):
    """An engine that costs next to nothing."""

    def __init__(self, height: int, width: int) -> None:
        """Copy pictures of this size."""
        self.info = EngineInfo(
            backend="copy", device="none", precision="none", height=height, width=width,
            max_batch=8, runtime="none",
        )  # fmt: skip
        self._counts: dict[Slot, int] = {}

    def _new_slots(self, count: int) -> list[Slot]:
        """Make slots in plain memory."""
        shape = (self.info.max_batch, self.info.height, self.info.width, 3)
        return [Slot(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)) for _ in range(count)]

    def _submit(self, slot: Slot, count: int) -> None:
        """Note how many."""
        self._counts[slot] = count

    def _wait(self, slot: Slot) -> None:
        """Copy them."""
        count = self._counts.pop(slot)
        slot.output[:count] = slot.input[:count]

    def _close(self) -> None:
        """Do nothing: slots lie in plain memory."""


def measure(work: Callable[[], object]) -> tuple[float, float]:
    """Return the wall and processor seconds that `work` takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


@contextmanager
def fresh_output(pictures: LocalFolder) -> Iterator[LocalOutput]:
    """Give an empty folder that results can be written to."""
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalFolder(Path(folder)).output({}, pictures, overwrite=False) as output,
    ):
        output.begin()
        yield output


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("in_dir", type=Path)
    parser.add_argument("--style", default="anime")
    parser.add_argument("--format", default="png", choices=["png", "jpg", "webp"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-engine", action="store_true")
    usual = min(MAX_THREADS, os.cpu_count() or 1)
    parser.add_argument("--threads", type=int, default=usual, help="readers, and writers")
    arguments = parser.parse_args()
    cores, threads = os.cpu_count() or 1, arguments.threads
    style, settings = find_style(arguments.style), ConvertSettings(output_format=arguments.format)
    size = style.view
    shares, rates = [], []
    engine: Engine = Copier(*size) if arguments.no_engine else open_engine(style)
    with engine, ThreadPoolExecutor(threads) as pool, quiet_decoders():
        source = LocalFolder(arguments.in_dir)
        plan = plan_folder(
            source, LocalFolder(Path(tempfile.gettempdir(), "out")), arguments.format
        )
        jobs = list(plan.jobs())
        pictures = np.empty((len(jobs), *size, 3), np.uint8)
        loaded: list[tuple[FileStamp, LoadedPicture]] = []

        def read_one(job: Job, row: np.ndarray) -> tuple[FileStamp, LoadedPicture]:
            data, stamp = source.read(job.source)
            picture = load(data, size, settings, style.scaling)
            picture.fill(row)
            return stamp, picture

        def read() -> None:
            loaded[:] = pool.map(read_one, jobs, pictures)

        def write(output: LocalOutput) -> None:
            def write_one(
                job: Job,
                row: np.ndarray,
                original: np.ndarray,
                read: tuple[FileStamp, LoadedPicture],
            ) -> None:
                stamp, picture = read
                result = picture.add(row, original)
                output.write(job, encode(result, picture, f".{arguments.format}", settings), stamp)

            list(pool.map(write_one, jobs, results, pictures, loaded))

        read()
        results = engine.translate(pictures)
        info = engine.info
        print(f"{len(jobs)} pictures, {info.backend} {info.precision}, {cores} cores; seconds:")
        print("   read   engine    write | bound: stage  cpu/cores | folder run   run/bound")
        for number in range(1 + arguments.rounds):
            read_s, read_cpu = measure(read)
            engine_s, engine_cpu = measure(lambda: engine.translate(pictures))
            with fresh_output(source) as output:
                write_s, write_cpu = measure(lambda output=output: write(output))
            with fresh_output(source) as output:
                timing = run_jobs(
                    engine,
                    iter(jobs),
                    source,
                    output,
                    style.scaling,
                    settings,
                    RunSettings(readers=threads, writers=threads).parallelism(),
                    on_done=lambda job: None,
                ).timing
            if number == 0:
                continue  # the first one warms up
            slowest = max(read_s, engine_s, write_s)
            per_core = (read_cpu + engine_cpu + write_cpu) / cores
            shares.append(timing.wall_s / max(slowest, per_core))
            rates.append(len(jobs) / timing.wall_s)
            print(
                f"{read_s:7.2f} {engine_s:8.2f} {write_s:8.2f} | {slowest:12.2f} "
                f"{per_core:10.2f} | {timing.wall_s:10.2f} {shares[-1]:11.3f}"
            )
    print(f"folder run: median {statistics.median(rates):.0f} pictures/s")
    low, high = min(shares), max(shares)
    print(f"run/bound: median {statistics.median(shares):.3f} ({low:.3f}..{high:.3f})")


if __name__ == "__main__":
    main()
