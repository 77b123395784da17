"""Say what measuring costs a folder run: the same run with and without it, in turn.

python tools/bench_measuring.py IN_DIR

An engine that only copies makes the run as quick as it can be, and so the share as large. Since a
machine varies more than that between two runs, the parts that measure are also timed by themselves.
"""

import argparse
import contextlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from bench_folder import Copier, fresh_output

from pmsgan.batch.files.local import LocalFolder
from pmsgan.batch.pipeline import run_jobs
from pmsgan.batch.plan import plan_folder
from pmsgan.batch.settings import ConvertSettings, RunSettings
from pmsgan.batch.timing import EngineClock, StageTimes, Throughput, Timing
from pmsgan.styles.registry import find_style

SETTINGS = ConvertSettings(output_format="jpg")
STAGES = ("read", "decode", "resize", "encode", "write")


@contextlib.contextmanager
def nothing_measured() -> Iterator[None]:
    """Let all that measures do nothing."""
    with (
        mock.patch.object(StageTimes, "measure", lambda self, stage: contextlib.nullcontext()),
        mock.patch.object(Throughput, "add", lambda self, since_start_s: None),
        mock.patch.object(EngineClock, "submit", lambda self: None),
        mock.patch.object(EngineClock, "end", lambda self: None),
    ):
        yield


def cost_of_a_picture(engine: Copier, times: int = 50_000) -> float:
    """Return the seconds that measuring one picture takes."""
    stages, timing = StageTimes(), Timing()
    clock = EngineClock(engine, timing)
    start = time.perf_counter()
    for number in range(times):
        for stage in STAGES:
            with stages.measure(stage):  # type: ignore[arg-type]
                pass
        timing.throughput.add(time.perf_counter() - start)
        if number % engine.info.max_batch == 0:
            clock.submit()
            clock.end()
    return (time.perf_counter() - start) / times


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("in_dir", type=Path)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    style = find_style("anime")
    source = LocalFolder(arguments.in_dir)
    plan = plan_folder(source, LocalFolder(Path(tempfile.gettempdir(), "out")), "jpg")
    parallelism = RunSettings().parallelism()
    ratios, walls = [], []
    with Copier(*style.view) as engine:

        def run() -> tuple[float, float]:
            with fresh_output(source) as output:
                timing = run_jobs(
                    engine,
                    plan.jobs(),
                    source,
                    output,
                    style.scaling,
                    SETTINGS,
                    parallelism,
                    on_done=lambda job: None,
                ).timing
            return timing.wall_s, timing.cpu_s

        run()
        for number in range(arguments.rounds):
            results = {}
            for measures in (True, False) if number % 2 else (False, True):  # A B B A
                with contextlib.nullcontext() if measures else nothing_measured():
                    results[measures] = run()
            walls.append(results[True][0])
            ratios.append([a / b for a, b in zip(results[True], results[False], strict=True)])
        each_s = cost_of_a_picture(engine)
    for name, values in zip(
        ("wall time", "processor time"), zip(*ratios, strict=True), strict=True
    ):
        quartiles = statistics.quantiles(values, n=4)
        print(
            f"{name}, with / without: {quartiles[1]:.4f} ({quartiles[0]:.4f}..{quartiles[2]:.4f})"
        )
    picture_s = statistics.median(walls) / plan.num_jobs
    print(
        f"measuring a picture takes {1e6 * each_s:.1f} us of {1e6 * picture_s:.0f}: "
        f"{each_s / picture_s:.2%}"
    )


if __name__ == "__main__":
    main()
