"""Convert a folder: plan, run, report."""

import contextlib
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pmsgan.batch.baseline import Baseline, baseline_precisions, measure_baseline
from pmsgan.batch.images import read_image
from pmsgan.batch.pipeline import run_jobs
from pmsgan.batch.plan import Job, plan_jobs
from pmsgan.batch.report import Failure, Report
from pmsgan.engine.choices import Backend, Precision
from pmsgan.engine.interface import Engine
from pmsgan.engine.parity import Pictures
from pmsgan.engine.select import open_engine
from pmsgan.errors import ConfigError, EngineError, ImageError, PmsganError
from pmsgan.formats import ImageFormat
from pmsgan.resize import resize_into
from pmsgan.styles.registry import Style, find_style

NUM_SAMPLES = 4
"""How many of the pictures a new engine is checked on."""
NUM_BASELINE_PICTURES = 16
"""How many of the pictures the baseline is measured on."""
MAX_THREADS = 8
"""Readers and writers each, on a machine with many cores."""


def convert_folder(
    in_dir: Path,
    out_dir: Path,
    style: Style | str,
    *,
    backend: Backend = "auto",
    precision: Precision = "auto",
    max_batch: int | None = None,
    require_gpu: bool = False,
    image_format: ImageFormat = "png",
    with_baseline: bool = True,
    on_start: Callable[[int], None] | None = None,
    on_done: Callable[[Job], None] | None = None,
) -> Report:
    """Translate every picture below a folder into a mirrored folder.

    Args:
        in_dir: the folder to convert; nothing in it is written.
        out_dir: the folder to write to; made if it does not exist.
        style: a style, its name, or the path of its folder.
        backend: auto takes the first that can run here.
        precision: auto takes the fastest that is accurate.
        max_batch: pictures in a slot; by default the engine's own choice.
        require_gpu: take no backend that runs on the CPU.
        image_format: of the outputs: png, jpg or webp.
        with_baseline: measure eager PyTorch on some of the pictures afterwards.
        on_start: called once with the number of pictures.
        on_done: called for each picture that is done or has failed.

    Returns:
        The report; a picture that failed is named there and does not end the run.

    Raises:
        ConfigError: a wrong argument, or folders that cannot be used.
        StyleError: there is no such style.
        EngineError: nothing can run the style here.
    """
    found = find_style(style) if isinstance(style, str) else style
    jobs = plan_jobs(in_dir, out_dir, image_format)
    num_threads = min(MAX_THREADS, os.cpu_count() or 1)
    with open_engine(
        found,
        backend=backend,
        precision=precision,
        max_batch=max_batch,
        require_gpu=require_gpu,
        samples=_samples(jobs, found),
    ) as engine:
        _make_folder(out_dir)
        if on_start is not None:
            on_start(len(jobs))
        timing = run_jobs(
            engine,
            jobs,
            num_readers=num_threads,
            num_writers=num_threads,
            on_done=on_done or (lambda job: None),
        )
        done = [job for job in jobs if job.done]
        baselines, reason = _measure(engine, found, done) if with_baseline else ((), "switched off")
    return Report(
        style=found.name,
        engine=engine.info,
        num_done=len(done),
        failures=tuple(
            Failure(name=job.name.as_posix(), reason=job.failure) for job in jobs if job.failure
        ),
        timing=timing,
        baselines=baselines,
        no_baseline=reason,
    )


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot make the folder {folder}: {error.strerror}") from error


def _samples(jobs: Sequence[Job], style: Style) -> Pictures | None:
    """Return a few of the pictures, in the style's size; None if none can be read."""
    samples: list[Pictures] = []
    for job in jobs[:NUM_SAMPLES]:
        row = np.empty((style.height, style.width, 3), np.uint8)
        with contextlib.suppress(ImageError):  # is told when its turn comes
            resize_into(read_image(job.source), row)
            samples.append(row)
    return np.stack(samples) if samples else None


def _measure(
    engine: Engine, style: Style, done: list[Job]
) -> tuple[tuple[Baseline, ...], str | None]:
    """Measure baselines; nothing that goes wrong here may lose the report of a finished run."""
    measured: list[Baseline] = []
    reason = None
    try:
        pictures = _sample(engine, done[:NUM_BASELINE_PICTURES])
        for precision in baseline_precisions(engine.info):
            measured.append(measure_baseline(engine, style, pictures, precision))
    except (PmsganError, OSError, ValueError) as error:
        reason = str(error)
    except KeyboardInterrupt:
        reason = "interrupted"
    return tuple(measured), reason


def _sample(engine: Engine, jobs: list[Job]) -> NDArray[np.uint8]:
    if not jobs:
        raise EngineError("no picture was converted")
    sample = np.empty((len(jobs), engine.info.height, engine.info.width, 3), np.uint8)
    for row, job in zip(sample, jobs, strict=True):
        resize_into(read_image(job.source), row)
    return sample
