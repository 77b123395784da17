"""Convert a folder: plan, run, report."""

import itertools
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from pmsgan.batch.comparison.baseline import Baseline, measure_eager
from pmsgan.batch.comparison.workload import NUM_SAMPLES, Sample, load_pictures
from pmsgan.batch.files.folder import reader
from pmsgan.batch.files.local_output import OutFolder
from pmsgan.batch.pipeline import Outcome, run_jobs
from pmsgan.batch.plan import Job, Plan, plan_folder
from pmsgan.batch.report.report import Report
from pmsgan.batch.report.tally import Tally
from pmsgan.batch.report.thumbnails import Sheet
from pmsgan.batch.settings import ConvertSettings
from pmsgan.batch.workers import MIN_SLOTS, Workers, choose_workers
from pmsgan.engine.choices import Backend
from pmsgan.engine.interface import Engine
from pmsgan.engine.machine import examine_machine, peak_memory_bytes
from pmsgan.engine.open import open_engine
from pmsgan.errors import EngineError, PmsganError
from pmsgan.styles.looks import tell_difference
from pmsgan.styles.registry import Style, find_style

NUM_LOOKED_AT = 8
"""Pictures that are held against what the style expects."""
MAX_BASELINE_PICTURES = 32
"""How many of the pictures the baseline is measured on at most."""

_log = logging.getLogger(__name__)


def convert_folder(
    in_dir: Path | str,
    out_dir: Path | str,
    style: Style | str = "anime",
    *,
    settings: ConvertSettings | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    overwrite: bool = False,
    backend: Backend = "auto",
    require_gpu: bool = False,
    max_batch: int | None = None,
    num_readers: int | None = None,
    num_writers: int | None = None,
    num_slots: int = MIN_SLOTS,
    with_baseline: bool = False,
    on_start: Callable[[int], None] | None = None,
    on_done: Callable[[Job], None] | None = None,
) -> Report:
    """Translate every picture below a folder into a mirrored folder.

    What an earlier run has done is kept, if the picture has not changed since.

    Args:
        in_dir: the folder to convert; nothing in it is written.
        out_dir: the folder to write to; made if it does not exist.
        style: a style, its name, or the path of its folder.
        settings: how pictures are fitted, computed and encoded.
        include: patterns such as *.jpg; where there are some, a picture must match one.
        exclude: patterns; pictures and folders that match one are passed over.
        overwrite: do everything again, whatever is in `out_dir`.
        backend: auto takes the first that can run here.
        require_gpu: take no backend that runs on the CPU.
        max_batch: pictures in a slot; by default the engine's own choice.
        num_readers: threads that read and decode; by default one for each core, at most 8.
        num_writers: threads that encode and write; likewise.
        num_slots: batches in memory, at least 1.
        with_baseline: measure eager PyTorch on some of the pictures afterwards.
        on_start: called once with the number of pictures.
        on_done: called for each picture that is done, kept or has failed.

    Returns:
        The report. Pictures that failed are named there and do not end the run; what does (Ctrl-C,
        a full disk, a lost GPU) is in its `stopped`.

    Raises:
        ConfigError: a wrong argument, or folders that cannot be used.
        StyleError: there is no such style.
        EngineError: nothing can run the style here.
    """
    in_dir, out_dir, settings = Path(in_dir), Path(out_dir), settings or ConvertSettings()
    found = find_style(style) if isinstance(style, str) else style
    workers = choose_workers(num_readers, num_writers, num_slots)
    plan = plan_folder(in_dir, out_dir, settings.output_format, include=include, exclude=exclude)
    announce(plan)
    warn_of_other_pictures(found, plan, settings)
    started = time.perf_counter()
    with (
        OutFolder(out_dir, found, settings, overwrite=overwrite) as out,
        open_engine(
            found,
            backend=backend,
            precision=settings.precision,
            max_batch=max_batch,
            require_gpu=require_gpu,
            samples=lambda: load_pictures(
                itertools.islice(plan.jobs(), NUM_SAMPLES), found, settings
            )[1],
        ) as engine,
    ):
        out.begin()
        open_s = time.perf_counter() - started
        if on_start is not None:
            on_start(plan.num_jobs)
        tally = Tally(plan, on_done)
        outcome = run_jobs(engine, plan.jobs(), out, settings, workers, on_done=tally.count)
        if outcome.stopped is not None and outcome.is_disk_full:
            outcome.stopped += _space(out, plan.num_jobs - tally.num_seen)
        peak_bytes = peak_memory_bytes()
        baselines, reason = (
            _measure(engine, found, settings, workers, tally, outcome)
            if with_baseline
            else ((), "switched off")
        )
        return Report(
            style=found.name,
            engine=engine.info,
            machine=examine_machine(),
            workers=workers,
            num_done=tally.num_done,
            num_kept=tally.num_kept,
            num_left=plan.num_jobs - tally.num_seen,
            failures=tuple(tally.failures),
            notes=tuple(tally.notes),
            passed_over=dict(plan.num_passed_over),
            open_s=open_s,
            timing=outcome.timing,
            peak_memory_bytes=peak_bytes,
            stopped=outcome.stopped,
            is_interrupted=outcome.is_interrupted,
            baselines=baselines,
            no_baseline=reason,
            sheet=Sheet(found, settings, out_dir, tuple(tally.sample)),
        )


def announce(plan: Plan) -> None:
    """Say what a user might not expect of a plan."""
    if plan.num_passed_over:
        reasons = ", ".join(f"{n} {reason}" for reason, n in plan.num_passed_over.items())
        _log.info("passed over: %s", reasons)
    if renamed := plan.renamed:
        name, output = renamed[0]
        _log.info(
            "%d results are named differently, since others would have their names: "
            "%s becomes %s, for one",
            len(renamed),
            name,
            output,
        )


def warn_of_other_pictures(style: Style, plan: Plan, settings: ConvertSettings) -> None:
    """Say so if the first pictures are plainly not what the style was made for."""
    if not style.expects:
        return
    jobs = itertools.islice(plan.jobs(), NUM_LOOKED_AT)
    _, pictures = load_pictures(jobs, style, settings, read=reader(plan.in_dir))
    if pictures is not None and (difference := tell_difference(pictures, style.expects)):
        _log.warning(
            "the pictures do not look like what the style %s takes, %s: %s",
            style.name, style.input, difference,
        )  # fmt: skip


def _space(out: OutFolder, num_left: int) -> str:
    """Say how much room is there, and how much is needed."""
    try:
        free, needed = out.free_bytes(), out.needed_bytes(num_left)
    except OSError:
        return ""
    text = f"; free: {free / 1e6:.1f} MB"
    if needed is not None:
        text += f", needed for the {num_left} pictures that are left: about {needed / 1e6:.1f} MB"
    return text


def _measure(
    engine: Engine,
    style: Style,
    settings: ConvertSettings,
    workers: Workers,
    tally: Tally,
    outcome: Outcome,
) -> tuple[tuple[Baseline, ...], str | None]:
    """Measure baselines; nothing that goes wrong here may lose the report of a finished run."""
    measured: list[Baseline] = []
    reason = None
    try:
        if outcome.stopped is not None:
            raise EngineError("the run was stopped")
        jobs = tally.sample[:MAX_BASELINE_PICTURES]
        readable, pictures = load_pictures(jobs, style, settings)
        if pictures is None or not tally.num_done:
            raise EngineError("no picture was converted")
        sample = Sample(
            style=style, settings=settings, workers=workers, jobs=tuple(readable), pictures=pictures
        )
        for baseline in measure_eager(engine, sample):
            measured.append(baseline)  # and stays, whatever becomes of the next
    except (PmsganError, OSError) as error:
        reason = str(error)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
    except KeyboardInterrupt:
        reason = "interrupted"
    return tuple(measured), reason
