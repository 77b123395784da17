"""A run: open the engine, convert, measure, report."""

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from pmsgan.batch.comparison.baseline import Baseline, measure_baselines
from pmsgan.batch.comparison.deadline import Deadline
from pmsgan.batch.comparison.workload import Workload
from pmsgan.batch.conversion import Conversion, RunEnd
from pmsgan.batch.files.folder import Output
from pmsgan.batch.palette_check import describe_missing_parts, describe_unmatched_sections
from pmsgan.batch.pictures.load import NUM_SAMPLES, load_pictures
from pmsgan.batch.pipeline import run_jobs
from pmsgan.batch.plan import Plan
from pmsgan.batch.report.report import (
    BASELINE_OFF,
    BASELINES,
    NOTHING_TO_COMPARE,
    Equipment,
    Report,
)
from pmsgan.batch.report.tally import Tally
from pmsgan.batch.report.thumbnails import make_thumbnails
from pmsgan.batch.settings import MAX_THREADS
from pmsgan.counts import count
from pmsgan.display import display
from pmsgan.engine.interface import Engine
from pmsgan.engine.machine import examine_machine, peak_memory_bytes
from pmsgan.engine.open import missing_requirement, open_engine
from pmsgan.errors import EngineError, FolderError, PmsganError
from pmsgan.styles.input_statistics import describe_difference
from pmsgan.styles.palette import Palette

MIN_BASELINE_S = 10.0
"""The baseline may take as long as the run, but no less than this [seconds]."""
MAX_BASELINE_PICTURES = 32
"""Most pictures that the baseline is measured on."""
NUM_LOOKED_AT = 8
"""Pictures that are compared with the usual input of the style."""

_log = logging.getLogger(__name__)


def run_conversion(
    conversion: Conversion, convert: Callable[[Conversion, Output, Tally], RunEnd]
) -> Report:
    """Open OUT, let `convert` translate the pictures, and report before OUT is released.

    Args:
        conversion: what to do.
        convert: `convert_here`, or another function of this kind.

    Raises:
        ConfigError: OUT cannot be used.
        EngineError: nothing can run the style.
    """
    _announce(conversion.plan)
    _warn_of_other_pictures(conversion)
    palette = conversion.settings.palette or Palette()
    _warn(describe_unmatched_sections(palette, (job.name for job in conversion.plan.jobs())))
    tally = Tally(conversion.plan, conversion.progress)
    with conversion.out.output(
        conversion.run_identity(),
        conversion.pictures,
        overwrite=conversion.run.overwrite,
        verify=conversion.run.verify,
    ) as output:
        end = convert(conversion, output, tally)
        if tally.num_done == conversion.plan.num_jobs:  # it has seen the parts of all pictures
            _warn(describe_missing_parts(palette, tally.parts))
        return _report(conversion, tally, end)


def convert_here(
    conversion: Conversion, output: Output, tally: Tally, *, with_baseline: bool
) -> RunEnd:
    """Convert with one engine on this machine.

    Args:
        conversion: what to do.
        output: OUT, not begun yet.
        tally: counts the pictures.
        with_baseline: measure the baseline on some of the pictures afterwards.

    Raises:
        ConfigError: OUT cannot be written.
        EngineError: nothing can run the style here.
    """
    started = time.perf_counter()
    run, plan = conversion.run, conversion.plan
    parallelism = run.parallelism(None if conversion.is_local else MAX_THREADS)
    with open_engine(
        conversion.scaled_style,
        backend=run.backend,
        device=run.device,
        precision=conversion.settings.precision,
        max_batch=run.max_batch,
        require_gpu=run.require_gpu,
        num_pictures=conversion.num_rows,
        samples=lambda: conversion.first_pictures(NUM_SAMPLES),
    ) as engine:
        output.begin()
        open_s = time.perf_counter() - started
        conversion.progress.start(plan.num_jobs)
        outcome = run_jobs(
            engine,
            plan.jobs(),
            conversion.pictures,
            output,
            conversion.scaled_style.scaling,
            conversion.settings,
            parallelism,
            on_done=tally.count,
        )
        try:
            output.save()
        except FolderError as error:
            outcome.stopped = outcome.stopped or str(error)
        except KeyboardInterrupt:
            outcome.stopped, outcome.is_interrupted = "interrupted", True
        if outcome.stopped is not None and outcome.is_disk_full:
            outcome.stopped += output.space(plan.num_jobs - tally.num_seen)
        equipment = Equipment(
            engine=engine.info,
            machine=examine_machine(),
            parallelism=parallelism,
            open_s=open_s,
            peak_memory_bytes=peak_memory_bytes(),
        )
        end = RunEnd(outcome=outcome, equipment=equipment, no_baseline=BASELINE_OFF)
        return _with_baselines(end, engine, conversion, tally) if with_baseline else end


def _with_baselines(end: RunEnd, engine: Engine, conversion: Conversion, tally: Tally) -> RunEnd:
    """Measure baselines; a failure here must not lose the report of a finished run."""
    measured: list[Baseline] = []
    reason = None
    try:
        if end.outcome.stopped is not None:
            raise EngineError("the run was stopped")
        if not conversion.is_local:
            raise EngineError("it takes folders on this machine's disk")
        if not tally.num_done:
            raise EngineError(NOTHING_TO_COMPARE)
        backend = conversion.style.baseline_backend
        if (missing := missing_requirement(backend)) is not None:
            raise EngineError(missing)
        jobs, pictures = load_pictures(
            tally.sample[:MAX_BASELINE_PICTURES],
            conversion.pictures.read,
            conversion.style_size,
            conversion.settings,
        )
        if pictures is None:
            raise EngineError(NOTHING_TO_COMPARE)
        workload = Workload(
            style=conversion.scaled_style,
            settings=conversion.settings,
            parallelism=end.equipment.parallelism,
            jobs=tuple(jobs),
            pictures=pictures,
        )
        limit_s = max(MIN_BASELINE_S, end.outcome.timing.wall_s)
        report_progress = partial(conversion.progress.comparing, BASELINES[backend])
        report_progress(0.0, limit_s)
        deadline = Deadline(limit_s, lambda elapsed_s: report_progress(elapsed_s, limit_s))
        for baseline in measure_baselines(engine, workload, deadline):
            measured.append(baseline)  # and stays, whatever happens to the next
    except (PmsganError, OSError) as error:
        reason = str(error)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    except KeyboardInterrupt:
        reason = "interrupted"
    return replace(end, baselines=tuple(measured), no_baseline=reason)


def _report(conversion: Conversion, tally: Tally, end: RunEnd) -> Report:
    """Build the report, while OUT is still locked."""
    plan, outcome = conversion.plan, end.outcome
    display.flush()
    return Report(
        style=conversion.style.name,
        settings=conversion.settings,
        equipment=end.equipment,
        num_done=tally.num_done,
        num_done_before=tally.num_done_before,
        num_pixels=tally.num_pixels,
        num_left=plan.num_jobs - tally.num_seen,
        failures=tuple(tally.failures),
        notes=tuple(tally.notes),
        skipped=dict(plan.num_skipped),
        timing=outcome.timing,
        stopped=outcome.stopped,
        is_interrupted=outcome.is_interrupted,
        display_died=display.has_died,
        baselines=end.baselines,
        no_baseline=end.no_baseline,
        thumbnails=make_thumbnails(
            tally.sample if conversion.is_local or outcome.stopped is None else (),
            conversion.pictures,
            conversion.out,
            conversion.style_size,
            conversion.settings,
        ),
    )


def _announce(plan: Plan) -> None:
    """Tell the user about surprising parts of a plan."""
    if others := plan.num_skipped - plan.num_unread:
        _log.info("skipped: %s", plan.list_reasons(others))
    if plan.num_unread:
        _log.warning("pictures that are not converted: %s", plan.list_reasons(plan.num_unread))
    if renamed := plan.renamed:
        name, output = renamed[0]
        _log.info(
            "%s named differently, since names would clash otherwise: for example, %s becomes %s",
            count(len(renamed), "result is", "results are"),
            name,
            output,
        )


def _warn(text: str | None) -> None:
    if text is not None:
        _log.warning("%s", text)


def _warn_of_other_pictures(conversion: Conversion) -> None:
    """Warn if the first pictures are clearly not of the kind that the style was made for."""
    style = conversion.style
    if not style.expects:
        return
    pictures = conversion.first_pictures(NUM_LOOKED_AT)
    if pictures is not None and (difference := describe_difference(pictures, style.expects)):
        _log.warning(
            "the pictures do not look like the input of the style %s (%s): %s; pmsgan styles list "
            "shows what each style takes",
            style.name, style.input, difference,
        )  # fmt: skip
