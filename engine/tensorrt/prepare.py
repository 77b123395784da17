"""From a graph to an engine: take its plan from the cache, or build, check and keep one."""

import logging
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from pmsgan.atomic import replacing
from pmsgan.engine.cache import cache_folder
from pmsgan.engine.choices import Precision
from pmsgan.engine.graph import GraphInfo, GraphPrecision
from pmsgan.engine.interface import Engine
from pmsgan.engine.tensorrt.build import DEFAULT_BATCH, BuildConfig, build_plan
from pmsgan.engine.tensorrt.plan import Plan, PlanKey, StalePlanError, read_plan, write_plan
from pmsgan.engine.tensorrt.product import (
    PORTABLE,
    PRODUCTS,
    Library,
    ProductName,
    has_capability,
)
from pmsgan.engine.widen import widen
from pmsgan.errors import EngineError

_log = logging.getLogger(__name__)


def open_on_gpu(
    product: ProductName,
    graph: GraphInfo,
    *,
    precision: Precision = "auto",
    max_batch: int = DEFAULT_BATCH,
    config: BuildConfig | None = None,
) -> Engine:
    """Make a graph ready to run on the first GPU.

    The first time this takes as long as a build; an engine that is kept is loaded in a moment.

    Args:
        product: what to build and run with.
        graph: what to run.
        precision: auto (what the graph is in), fp16 or fp32.
        max_batch: pictures in a slot.
        config: how to build; by default whatever is kept will do.

    Raises:
        EngineError: no GPU, no product, a graph that cannot be built, or results that are off.
    """
    from pmsgan.engine.tensorrt.buffers import gpu_context
    from pmsgan.engine.tensorrt.gate import check_accuracy
    from pmsgan.engine.tensorrt.run import TensorRtEngine

    library = Library(PRODUCTS[product])
    with ExitStack() as stack:
        gpu = stack.enter_context(gpu_context())
        ahead = library.product.builds_ahead
        key = _key(
            library,
            graph,
            precision,
            max_batch,
            capability=_capability(library, gpu.capability),
            gpu="" if ahead else gpu.name,
            driver=0 if ahead else gpu.driver,
        )
        plan = _take_or_build(library, graph, key, config)
        engine = TensorRtEngine(library, plan.data, key, gpu, owned=stack.pop_all())
    try:
        if not plan.checked:
            _log.info("checked: %s", check_accuracy(engine, graph))
            write_plan(replace(plan, checked=True), key)
    except BaseException:
        engine.close()
        raise
    return engine


def build_ahead(
    graph: GraphInfo,
    capability: str,
    *,
    precision: Precision = "auto",
    max_batch: int = DEFAULT_BATCH,
    config: BuildConfig | None = None,
) -> Path:
    """Build a plan of TensorRT for RTX for a GPU that need not be here; return where it is kept.

    Args:
        graph: what shall run.
        capability: the GPU's compute capability, such as 8.9, or portable.
        precision: auto (what the graph is in), fp16 or fp32.
        max_batch: pictures in a slot.
        config: how to build; by default whatever is kept will do.

    Raises:
        EngineError: the product is not installed, or cannot build the graph or for this GPU.
    """
    library = Library(PRODUCTS["tensorrt-rtx"])
    key = _key(library, graph, precision, max_batch, capability=capability, gpu="", driver=0)
    _take_or_build(library, graph, key, config)
    return key.path()


def _key(
    library: Library,
    graph: GraphInfo,
    precision: Precision,
    max_batch: int,
    *,
    capability: str,
    gpu: str,
    driver: int,
) -> PlanKey:
    return PlanKey(
        graph_sha256=graph.sha256,
        product=library.product.name,
        version=library.version,
        capability=capability,
        gpu=gpu,
        driver=driver,
        precision=_resolve(precision, graph),
        height=graph.height,
        width=graph.width,
        max_batch=max_batch,
    )


def _capability(library: Library, capability: str) -> str:
    """Return what to build for on a GPU of this compute capability."""
    if library.product.builds_ahead and not has_capability(library, capability):
        return PORTABLE
    return capability


def _resolve(precision: Precision, graph: GraphInfo) -> GraphPrecision:
    if precision in ("auto", graph.precision):
        return graph.precision
    if precision == "fp32":
        return "fp32"
    raise EngineError(
        f"{graph.path.name} is in {graph.precision} and TensorRT runs it as it is: "
        f"use --precision auto or fp32, not {precision}"
    )


def _take_or_build(
    library: Library, graph: GraphInfo, key: PlanKey, config: BuildConfig | None
) -> Plan:
    try:
        kept = read_plan(key)
        if kept is not None and config in (None, kept.config):
            return kept
        reason = "no engine is kept for it" if kept is None else "with other settings"
    except StalePlanError as error:
        reason = str(error)
    _log.info("building %s for compute capability %s (%s)", graph.path, key.capability, reason)
    config = config or BuildConfig()
    data = graph.path.read_bytes()
    timings = cache_folder(key.product) / f"timings-{key.version}-sm{key.capability}.bin"
    plan, new_timings = build_plan(
        library,
        widen(data) if key.precision != graph.precision else data,
        str(graph.path),
        height=graph.height,
        width=graph.width,
        max_batch=key.max_batch,
        config=config,
        capability=key.capability if library.product.builds_ahead else None,
        timing_cache=timings.read_bytes() if timings.exists() else b"",
    )
    if new_timings:
        with replacing(timings) as temporary:
            temporary.write_bytes(new_timings)
    built = Plan(plan, config, checked=False)
    write_plan(built, key)
    return built
