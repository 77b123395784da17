"""Steps on folders: how fast pictures can be fed, and one whole conversion."""

import json
import statistics
import sys
import tempfile
from pathlib import Path

from gpu_steps.attempts import Figures, Parts, attempt, attempt_apart, copy_samples, run

FORMATS = ("png", "jpg")


def with_gpu(count: int) -> int:
    """Return `count` pictures, or few where no card is to be fed."""
    from pmsgan.engine.gpu import count_gpus

    return count if count_gpus() else 40


def ceiling() -> Parts:
    """Read and write a folder with several numbers of threads, where the engine costs nothing."""
    from pmsgan.engine.machine import count_cores

    cores = count_cores()
    with tempfile.TemporaryDirectory() as scratch:
        pictures = copy_samples(Path(scratch, "in"), with_gpu(1000))
        for form in FORMATS:
            for threads in sorted({min(it, cores) for it in (1, 4, 8, cores)}, reverse=True):
                yield f"{form}, {threads} threads", attempt(bench, pictures, form, threads)
    yield "interpreter held", attempt(bench_interpreter)


def bench_interpreter() -> list[str]:
    """Return for how long a picture holds the interpreter, which bounds one process."""
    return run(
        sys.executable, "tools/bench_gil.py", "16", "256", "--pictures", str(with_gpu(1000)),
        "--rounds", "2",
    ).splitlines()  # fmt: skip


def bench(pictures: Path, form: str, threads: int) -> list[str]:
    """Return the table of a folder run against its stages, without an engine."""
    return run(
        sys.executable, "tools/bench_folder.py", pictures, "--no-engine", "--format", form,
        "--threads", str(threads), "--rounds", "2",
    ).splitlines()  # fmt: skip


def workers() -> Parts:
    """Convert with a network of next to no work, without Ray, then with 1 to 4 of its workers."""
    from pmsgan.engine.gpu import count_gpus
    from pmsgan.engine.machine import count_cores

    with tempfile.TemporaryDirectory() as scratch:
        pictures, tiny = copy_samples(Path(scratch, "in"), with_gpu(8000)), Path(scratch, "tiny")
        run(sys.executable, "tools/untrained_style.py", tiny, "--base", "4", "--size", "64")
        for form in FORMATS:
            yield f"{form}, no cluster", attempt_apart(share_out, pictures, tiny, form, 0)
            for number in range(1, min(4, count_cores()) + 1):
                yield (
                    f"{form}, {number} workers",
                    attempt_apart(share_out, pictures, tiny, form, number),
                )
        for number in range(1, 5) if count_gpus() else ():
            yield f"one card, {number} workers", attempt_apart(share_card, pictures, number)


def share_card(pictures: Path, num_workers: int) -> Figures:
    """Convert with the style `anime` by workers that share the first card."""
    return share_out(pictures, "anime", "jpg", num_workers, devices=(0,))


def share_out(
    pictures: Path, style: Path | str, form: str, num_workers: int, devices: tuple[int, ...] = ()
) -> Figures:
    """Convert on the processors, or on cards; 0 workers means without Ray."""
    from pmsgan import batch

    with tempfile.TemporaryDirectory() as out:
        report = batch.convert_folder(
            pictures, out, style, settings=batch.ConvertSettings(output_format=form),  # type: ignore[arg-type]
            run=batch.RunSettings(backend="auto" if devices else "openvino"),
            cluster=batch.Cluster(workers=num_workers, devices=devices) if num_workers else None,
        ).to_json()  # fmt: skip
    rates = [it / report["throughput"]["span_s"] for it in report["throughput"]["pictures"] if it]
    return {
        "pictures_done": report["pictures_done"],
        "pictures_failed": report["pictures_failed"],
        "wall_s": report["seconds"]["wall"],  # with the start of the workers
        "steady_pictures_per_s": statistics.median(rates),
    }


def convert() -> Parts:
    """Convert a folder with the backend that `auto` chooses, with the comparison."""
    with tempfile.TemporaryDirectory() as scratch:
        pictures = copy_samples(Path(scratch, "in"), with_gpu(4000))
        for form in FORMATS:
            yield form, attempt(convert_by_command, pictures, form)


def convert_by_command(pictures: Path, form: str) -> Figures:
    """Convert a folder by the command; return what it prints, and its report."""
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch, "report.json")
        told = run(
            sys.executable, "-m", "pmsgan", "convert", pictures, Path(scratch, "out"),
            "--style", "anime", "--format", form, "--report", report,
        )  # fmt: skip
        return {
            "told": told.splitlines(),
            "report": json.loads(report.read_text(encoding="utf-8")),
        }
