"""Hold a folder run against what its parts cost.

    python tools/bench_folder.py IN_DIR --style anime

A folder run cannot end before the engine has run every picture, nor before the processors have done
the work of all stages. This measures each stage by itself, then the whole, in turn, several times,
and prints how close the whole comes to the larger of the two bounds.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from pmsgan.batch.convert import MAX_THREADS
from pmsgan.batch.images import read_image, write_image
from pmsgan.batch.pipeline import run_jobs
from pmsgan.batch.plan import plan_jobs
from pmsgan.engine.select import open_engine
from pmsgan.engine.translate import Translator
from pmsgan.resize import resize_into
from pmsgan.styles.registry import find_style


def measure(work: Callable[[], object]) -> tuple[float, float]:
    """Return the wall and processor seconds that `work` takes."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("in_dir", type=Path)
    parser.add_argument("--style", default="anime")
    parser.add_argument("--format", default="png", choices=["png", "jpg", "webp"])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    cores, threads = os.cpu_count() or 1, min(MAX_THREADS, os.cpu_count() or 1)
    ratios = []
    with tempfile.TemporaryDirectory() as out, open_engine(find_style(arguments.style)) as engine:
        info = engine.info
        jobs = plan_jobs(arguments.in_dir, Path(out), arguments.format)
        pictures = np.empty((len(jobs), info.height, info.width, 3), np.uint8)
        translate = Translator(engine)

        def read() -> None:
            for row, job in zip(pictures, jobs, strict=True):
                resize_into(read_image(job.source), row)

        def write() -> None:
            for row, job in zip(results, jobs, strict=True):
                write_image(row, job.target)

        read()
        results = translate(pictures)
        print(f"{len(jobs)} pictures, {info.backend} {info.precision}, {cores} cores; seconds:")
        print("   read   engine    write | bound: engine  cpu/cores | folder run  ratio")
        for _ in range(arguments.rounds):
            _, read_cpu = measure(read)
            engine_wall, engine_cpu = measure(lambda: translate(pictures))
            _, write_cpu = measure(write)
            timing = run_jobs(
                engine, jobs, num_readers=threads, num_writers=threads, on_done=lambda job: None
            )
            per_core = (read_cpu + engine_cpu + write_cpu) / cores
            ratios.append(timing.wall_s / max(engine_wall, per_core))
            print(
                f"{read_cpu:7.2f} {engine_cpu:8.2f} {write_cpu:8.2f} | {engine_wall:13.2f} "
                f"{per_core:10.2f} | {timing.wall_s:10.2f} {ratios[-1]:6.3f}"
            )
    print(f"median ratio {statistics.median(ratios):.3f} ({min(ratios):.3f}..{max(ratios):.3f})")


if __name__ == "__main__":
    main()
