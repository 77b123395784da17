"""Compare all engines that can run a style here."""

import itertools
import logging
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import cv2

from pmsgan.batch.comparison.baseline import (
    Baseline,
    baseline_contenders,
    eager_contenders,
    measure_against,
)
from pmsgan.batch.comparison.child import Contender
from pmsgan.batch.comparison.workload import Workload
from pmsgan.batch.files.local import LocalFolder
from pmsgan.batch.job import Job
from pmsgan.batch.pictures.load import load_pictures
from pmsgan.batch.plan import plan_folder
from pmsgan.batch.settings import ConvertSettings, RunSettings
from pmsgan.benchmark.config import PEERS, BenchmarkConfig, fits_peer
from pmsgan.benchmark.peer import open_peer
from pmsgan.benchmark.result import Benchmark, Missing
from pmsgan.benchmark.row import Row, compared_row, engine_row
from pmsgan.benchmark.work import Work, examine_work
from pmsgan.engine.accuracy import Pictures, check_pictures
from pmsgan.engine.choices import Backend
from pmsgan.engine.interface import Engine
from pmsgan.engine.machine import computes_bf16, examine_machine
from pmsgan.engine.open import REQUIREMENTS, missing_requirement, open_engine
from pmsgan.errors import ConfigError, EngineError
from pmsgan.model.config import check_side
from pmsgan.styles.registry import Style, find_style
from pmsgan.styles.scaling import Scaling

NUM_PICTURES = 32
"""Least pictures of a workload, which also has at least four batches; a slow contender gets
fewer."""
REPEATS_PER_ROUND = 2
"""How often a contender and the first backend run the workload in a round."""
SINGLE_S = 2.0
"""How long single pictures are translated for their latency, in the first round only: some engines
compile for each new batch size."""
_SETTINGS = ConvertSettings(output_format="jpg")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Case:
    """One size and one batch."""

    style: Style
    """It has the size to measure."""
    batch: int | None
    work: Work | None
    pictures: Path | None


def run_benchmark(
    style: Style | Path | str, config: BenchmarkConfig, pictures: Path | None = None
) -> Benchmark:
    """Compare all engines that can run a style here, over sizes and batches.

    The first backend that can run here is compared with each of the others on the same pictures,
    in memory and files to files.

    Args:
        style: a style, its name, or the path of its folder.
        config: the engines, sizes and batches.
        pictures: a folder of pictures; by default they are drawn.

    Raises:
        ConfigError: the network cannot take a size, or there is no picture.
        StyleError: there is no such style.
        EngineError: nothing can run the style here.
    """
    found = find_style(style)
    for side in config.sizes:
        check_side(f"sizes is {side}, which", side, found.generator.side_multiple)
    results: list[Row | Missing] = []
    views = [(side, side) for side in config.sizes] or [found.view]
    # One view of each size is measured, not tiles.
    scaling = Scaling() if found.scaling.mode == "tiles" else found.scaling
    works: Sequence[Work | None] = [None] * len(views)
    no_work = ""
    try:
        network = found.native_network("count its operations")
        _log.info("measuring the rates that no engine on this machine can exceed")
        works = examine_work(network, views, config.num_threads)
    except (ConfigError, EngineError) as error:
        no_work = str(error)
    for (height, width), work in zip(views, works, strict=True):
        sized = replace(found, height=height, width=width, scaling=scaling)
        if no_work:
            results.append(_missing("GFLOP/s", sized, no_work))
        for batch in dict.fromkeys(config.batches) or (None,):
            try:
                results += _measure(_Case(sized, batch, work, pictures), config)
            except EngineError as error:
                if len(config.sizes) < 2 and len(config.batches) < 2:
                    raise
                title = f"batch {batch}" if batch else "all"
                results.append(_missing(title, sized, str(error), is_failure=True))
    return Benchmark(
        style=found.name,
        baseline=found.baseline_backend,
        machine=examine_machine(),
        config=config,
        rows=tuple(result for result in results if isinstance(result, Row)),
        missing=tuple(result for result in results if isinstance(result, Missing)),
    )


def _missing(title: str, style: Style, reason: str, *, is_failure: bool = False) -> Missing:
    return Missing(title, _size(style), reason, is_failure)


def _size(style: Style) -> str:
    return f"{style.width}x{style.height}"


def _measure(case: _Case, config: BenchmarkConfig) -> Iterator[Row | Missing]:
    """Measure one size and one batch."""
    yield from _cannot_run(case.style, config)
    runnable = _runnable_backends(config, case.style)
    with (
        open_engine(
            case.style,
            backend=runnable[0],
            max_batch=case.batch,
            num_threads=config.num_threads,
        ) as engine,
        tempfile.TemporaryDirectory(prefix="pmsgan-bench-") as scratch,
    ):
        num_pictures = max(NUM_PICTURES, 4 * engine.info.max_batch)
        workload = _make_workload(case, config, num_pictures, Path(scratch))
        contenders = list(_contenders(engine, runnable, config, case.style))
        if not contenders:  # a second process of the same kind shows at least the noise
            contenders = [Contender(backend=runnable[0], precision="auto")]
        baselines, failed = _run_rounds(engine, contenders, workload, config)
        for title, reason in failed.items():
            yield _missing(title, case.style, reason, is_failure=True)
        if baselines:
            yield engine_row(engine, baselines, case.work)
        for baseline in baselines:
            yield compared_row(engine.info, baseline, case.work)


def _cannot_run(style: Style, config: BenchmarkConfig) -> Iterator[Missing]:
    """Yield the contenders that cannot run here, or not at this size."""
    for name in config.contenders:
        backend: Backend = name if name in REQUIREMENTS else "eager"
        if (missing := missing_requirement(backend)) is not None:
            yield _missing(name, style, missing)
        elif style.is_imported and name in ("eager", "torch-compile"):
            yield _missing(name, style, "the style is an imported ONNX file")
        elif name in PEERS and not fits_peer(name, style.height, style.width):
            reason = f"its pictures have sides that are multiples of {PEERS[name]}"
            yield _missing(name, style, reason)


def _runnable_backends(config: BenchmarkConfig, style: Style) -> list[Backend]:
    """Return the backends to measure that can run the style here, at least one."""
    absent = "eager" if style.is_imported else ""
    backends: list[Backend] = [
        backend for backend in REQUIREMENTS if backend in config.contenders and backend != absent
    ]
    runnable = [name for name in backends if missing_requirement(name) is None]
    if not runnable:
        raise EngineError(
            "none of the backends to measure can run here; pmsgan doctor says why"
            if backends
            else "add a backend to compare the others with, such as openvino"
        )
    return runnable


def _run_rounds(
    engine: Engine, contenders: list[Contender], workload: Workload, config: BenchmarkConfig
) -> tuple[list[Baseline], dict[str, str]]:
    """Compare an engine with each contender, round after round.

    Two processes of one kind differ, and so do two minutes: the rounds of a contender lie far
    apart, and each has a process of its own.

    Returns:
        The comparisons, and by title why a contender failed.
    """
    measured: dict[str, Baseline] = {}
    failed: dict[str, str] = {}
    reference: Pictures | None = None
    info = engine.info
    for number, contender in enumerate(contenders * config.num_rounds):
        if contender.title in failed:
            continue
        _log.info(
            "measuring %s at %dx%d, batch %d (%d of %d)", contender.title, info.width, info.height,
            info.max_batch, number + 1, len(contenders) * config.num_rounds,
        )  # fmt: skip
        try:
            measured[contender.title], reference = measure_against(
                engine,
                contender,
                workload,
                num_repeats=REPEATS_PER_ROUND,
                num_threads=config.num_threads,
                reference=reference,
                before=measured.get(contender.title),
                single_s=0.0 if contender.title in measured else SINGLE_S,
            )
        except EngineError as error:
            round_number = number // len(contenders) + 1
            where = f" (in round {round_number})" if contender.title in measured else ""
            failed[contender.title] = f"{error}{where}"
    return list(measured.values()), failed


def _contenders(
    engine: Engine, runnable: list[Backend], config: BenchmarkConfig, style: Style
) -> Iterator[Contender]:
    """Yield the contenders; the baseline in FP32 comes first, since it is the reference."""
    eager = eager_contenders(engine.info)
    best = eager[-1].precision
    has_torch = missing_requirement("eager") is None
    if style.baseline_backend in runnable:
        yield from baseline_contenders(engine.info, style)
    if "torch-compile" in config.contenders and has_torch and not style.is_imported:
        yield Contender(backend="eager", precision=best, is_compiled=True)
    for peer in PEERS:
        if peer in config.contenders and has_torch and fits_peer(peer, style.height, style.width):
            yield from (replace(contender, network=peer, open=open_peer) for contender in eager)
    for backend in runnable:
        if backend == style.baseline_backend:
            continue
        if backend != engine.info.backend:
            yield Contender(backend=backend, precision="auto")
        elif engine.info.precision == "int8" and computes_bf16():
            yield Contender(backend=backend, precision="bf16")
        if backend == "onnxruntime":  # it has one precision
            continue
        if backend != engine.info.backend or engine.info.precision != "fp32":
            yield Contender(backend=backend, precision="fp32")


def _make_workload(
    case: _Case, config: BenchmarkConfig, num_pictures: int, scratch: Path
) -> Workload:
    """Return pictures of a folder, or drawn ones, as files and in memory."""
    folder = case.pictures
    if folder is None:
        folder = scratch / "drawn"
        folder.mkdir()
        drawn = check_pictures(case.style.height, case.style.width)
        for number, picture in zip(range(num_pictures), itertools.cycle(drawn), strict=False):
            cv2.imwrite(str(folder / f"{number:04d}.jpg"), picture)
    source = LocalFolder(folder)
    plan = plan_folder(source, LocalFolder(scratch / "out"), _SETTINGS.output_format)
    jobs: Iterator[Job] = itertools.islice(plan.jobs(), num_pictures)
    size = case.style.height, case.style.width
    readable, pictures = load_pictures(jobs, source.read, size, _SETTINGS)
    if pictures is None:
        raise ConfigError(f"{folder} contains no readable picture")
    return Workload(
        style=case.style,
        settings=_SETTINGS,
        parallelism=RunSettings(
            readers=config.num_threads, writers=config.num_threads
        ).parallelism(),
        jobs=tuple(readable),
        pictures=pictures,
    )
