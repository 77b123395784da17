"""Open an engine for a graph: load its plan from the cache, or build, check and cache one."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from pmsgan.engine.accuracy import Pictures
from pmsgan.engine.cache import cache_folder, require_cache_folder
from pmsgan.engine.choices import Precision
from pmsgan.engine.graph import GraphInfo
from pmsgan.engine.interface import Engine
from pmsgan.engine.sealed import read_sealed_for, write_sealed
from pmsgan.engine.tensorrt.build import DEFAULT_BATCH, BuildConfig, build_plan
from pmsgan.engine.tensorrt.check import check_accuracy
from pmsgan.engine.tensorrt.graphs import choose_graphs
from pmsgan.engine.tensorrt.keys import keys_here, plan_key
from pmsgan.engine.tensorrt.plan import (
    EnginePlan,
    EnginePlanKey,
    read_plan,
    write_plan,
)
from pmsgan.engine.tensorrt.product import (
    PRODUCTS,
    Library,
    ProductName,
)
from pmsgan.engine.tensorrt.support import require_pycuda
from pmsgan.engine.widen import widen, widen_means
from pmsgan.errors import EngineError

TIMINGS_MAGIC = b"pmsgan-timings-1 "

_log = logging.getLogger(__name__)


def open_on_gpu(
    product: ProductName,
    graph: GraphInfo,
    *,
    precision: Precision = "auto",
    max_batch: int = DEFAULT_BATCH,
    engines_per_gpu: int = 1,
    config: BuildConfig | None = None,
    samples: Callable[[], Pictures | None] | None = None,
) -> Engine:
    """Open an engine for a graph on the first GPU.

    The first call takes as long as a build. Later calls load the cached engine quickly.

    Args:
        product: the product to build and run with.
        graph: the graph to run.
        precision: auto (that of the graph), fp16, fp32, or int8 for a calibrated graph.
        max_batch: pictures in a slot.
        engines_per_gpu: engines that share the memory of the GPU evenly.
        config: settings of the builder; by default any cached engine is used.
        samples: returns pictures of the graph's size, on which a new engine is checked.

    Raises:
        EngineError: there is no GPU, the product is not installed, the graph cannot be built, or
            the results are not accurate.
    """
    return _open(
        product,
        graph,
        precision,
        max_batch,
        engines_per_gpu=engines_per_gpu,
        config=config,
        samples=samples,
    )[0]


def _open(
    product: ProductName,
    graph: GraphInfo,
    precision: Precision,
    max_batch: int,
    *,
    engines_per_gpu: int = 1,
    config: BuildConfig | None = None,
    samples: Callable[[], Pictures | None] | None = None,
) -> tuple[Engine, EnginePlan]:
    """Open an engine; return it and its plan."""
    require_pycuda()
    from pmsgan.engine.tensorrt.buffers import gpu_context
    from pmsgan.engine.tensorrt.run import TensorRtEngine

    library = Library(PRODUCTS[product])
    with ExitStack() as stack:
        gpu = stack.enter_context(gpu_context())
        keys = keys_here(library, graph, precision, max_batch, gpu)
        plan, key = _cached(keys, config) or _build_and_keep(library, graph, keys[0], config)
        load = partial(TensorRtEngine, library, gpu=gpu, engines_per_gpu=engines_per_gpu)
        try:
            engine = load(plan.data, key, owned=stack)
        except EngineError as error:
            if not plan.checked:
                raise
            _log.warning("building again: %s is refused (%s)", key.file_name, error)
            plan, key = _build_and_keep(library, graph, keys[0], config)
            engine = load(plan.data, key, owned=stack)
    engine.build_s = plan.build_s
    if graph.calibration is not None:
        engine.info = replace(engine.info, psnr_db=graph.calibration.psnr_db)
    try:
        if engine.kernels is not None and engine.kernels.uses_graphs is None:
            choose_graphs(engine, engine.kernels)
        if not plan.checked:
            engine.compiles_ahead = True  # the kernels that are checked are those that will run
            _log.info("checked: %s", check_accuracy(engine, graph, samples and samples()))
            engine.free_slots()
            engine.compiles_ahead = False
            _keep(replace(plan, checked=True), key)
    except BaseException:
        engine.close()
        raise
    return engine, plan


def make_checked_plan(
    product: ProductName,
    graph: GraphInfo,
    *,
    precision: Precision = "auto",
    max_batch: int = DEFAULT_BATCH,
) -> bytes:
    """Return a checked plan for the first GPU, from the cache or newly built.

    Args:
        product: the product to build with.
        graph: the graph to build from.
        precision: auto (that of the graph), fp16, fp32, or int8 for a calibrated graph.
        max_batch: pictures in a slot.

    Returns:
        The serialised plan, as the product's runtime reads it.

    Raises:
        EngineError: `open_on_gpu` fails.
    """
    engine, plan = _open(product, graph, precision, max_batch)
    engine.close()
    return plan.data


def build_for_capability(
    graph: GraphInfo,
    capability: str,
    *,
    precision: Precision = "auto",
    max_batch: int = DEFAULT_BATCH,
    config: BuildConfig | None = None,
) -> Path:
    """Build a plan of TensorRT for RTX for another GPU; return its path.

    Args:
        graph: the graph to build from.
        capability: the GPU's compute capability, such as 8.9, or portable.
        precision: auto (that of the graph), fp16, fp32, or int8 for a calibrated graph.
        max_batch: pictures in a slot.
        config: settings of the builder; by default any cached plan is used.

    Raises:
        EngineError: the product is not installed, or cannot build this graph or for this GPU, or
            the plan cannot be kept.
    """
    library = Library(PRODUCTS["tensorrt-rtx"])
    folder = require_cache_folder(library.product.name)
    key = plan_key(library, graph, precision, max_batch, capability=capability, gpu="", driver=0)
    if _cached([key], config) is None:
        write_plan(_build(library, graph, key, config), key)
    return folder / key.file_name


def _cached(
    keys: Sequence[EnginePlanKey], config: BuildConfig | None
) -> tuple[EnginePlan, EnginePlanKey] | None:
    """Return the first cached plan for one of the keys that was built with `config`."""
    for key in keys:
        try:
            plan = read_plan(key)
        except EngineError as error:  # it is damaged, or cannot be read
            _log.warning("%s: it is built again", error)
            continue
        if plan is not None and config in (None, plan.config):
            return plan, key
    return None


def _build_and_keep(
    library: Library, graph: GraphInfo, key: EnginePlanKey, config: BuildConfig | None
) -> tuple[EnginePlan, EnginePlanKey]:
    plan = _build(library, graph, key, config)
    _keep(plan, key)
    return plan, key


def _keep(plan: EnginePlan, key: EnginePlanKey) -> None:
    """Cache a plan for the next run; a failure does not harm this one."""
    if cache_folder(key.product) is None:
        return  # which has been noted
    try:
        write_plan(plan, key)
    except EngineError as error:
        _log.warning("the next run will build again: %s", error)


def _build(
    library: Library, graph: GraphInfo, key: EnginePlanKey, config: BuildConfig | None
) -> EnginePlan:
    start = time.perf_counter()
    _log.info("building %s for compute capability %s", graph.path, key.capability)
    config = config or BuildConfig()
    data = graph.read()
    cache = cache_folder(key.product)
    timings = cache and cache / key.timings_name
    built, new_timings = build_plan(
        library,
        _prepared(data, graph, key),
        str(graph.path),
        height=graph.height,
        width=graph.width,
        max_batch=key.max_batch,
        half=key.precision != "fp32",
        config=config,
        capability=key.capability if library.product.builds_ahead else None,
        timing_cache=(timings and read_sealed_for(timings, TIMINGS_MAGIC, {})) or b"",
    )
    if new_timings and timings is not None:
        _cache_timings(timings, new_timings)
    return EnginePlan(built, config, checked=False, build_s=time.perf_counter() - start)


def _prepared(data: bytes, graph: GraphInfo, key: EnginePlanKey) -> bytes:
    """Return the graph in the precision of the plan."""
    if graph.precision == "fp32":
        return data
    return widen(data) if key.precision == "fp32" else widen_means(data)


def _cache_timings(path: Path, data: bytes) -> None:
    """Cache the timings for a faster build; a failure is only a warning."""
    try:
        write_sealed(path, TIMINGS_MAGIC, {}, data)
    except EngineError as error:
        _log.warning("the next build will time kernels again: %s", error)
