"""Open an engine for a graph: load its plan from the cache, or build, check and cache one."""

import logging
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pmsgan.atomic import replacing
from pmsgan.engine.accuracy import Pictures
from pmsgan.engine.cache import cache_folder
from pmsgan.engine.choices import Precision
from pmsgan.engine.graph import GraphInfo, GraphPrecision
from pmsgan.engine.interface import Engine
from pmsgan.engine.tensorrt.build import DEFAULT_BATCH, BuildConfig, build_plan
from pmsgan.engine.tensorrt.check import check_accuracy
from pmsgan.engine.tensorrt.plan import (
    EnginePlan,
    EnginePlanKey,
    StaleEnginePlanError,
    read_plan,
    write_plan,
)
from pmsgan.engine.tensorrt.product import (
    PORTABLE,
    PRODUCTS,
    Library,
    ProductName,
    known_capabilities,
)
from pmsgan.engine.widen import widen
from pmsgan.errors import EngineError

if TYPE_CHECKING:
    from pmsgan.engine.tensorrt.buffers import Gpu

_log = logging.getLogger(__name__)


def open_on_gpu(
    product: ProductName,
    graph: GraphInfo,
    *,
    precision: Precision = "auto",
    max_batch: int = DEFAULT_BATCH,
    config: BuildConfig | None = None,
    samples: Callable[[], Pictures | None] | None = None,
) -> Engine:
    """Open an engine for a graph on the first GPU.

    The first call takes as long as a build. Later calls load the cached engine in a moment, except
    that TensorRT for RTX compiles kernels each time.

    Args:
        product: the product to build and run with.
        graph: the graph to run.
        precision: auto (that of the graph), fp16 or fp32.
        max_batch: pictures in a slot.
        config: settings of the builder; by default any cached engine is used.
        samples: returns pictures of the graph's size, on which a new engine is checked.

    Raises:
        EngineError: there is no GPU, the product is not installed, the graph cannot be built, or
            the results are not accurate.
    """
    try:
        from pmsgan.engine.tensorrt.buffers import gpu_context
        from pmsgan.engine.tensorrt.run import TensorRtEngine
    except (ImportError, OSError) as error:
        raise EngineError(
            f"pycuda cannot be loaded ({error}): build it against the CUDA that is here, "
            "pip install --force-reinstall --no-binary pycuda pycuda"
        ) from error

    library = Library(PRODUCTS[product])
    with ExitStack() as stack:
        gpu = stack.enter_context(gpu_context())
        keys = _keys_here(library, graph, precision, max_batch, gpu)
        plan, key = _cached(keys, config) or _build(library, graph, keys[0], config)
        try:
            engine = TensorRtEngine(library, plan.data, key, gpu, owned=stack)
        except EngineError as error:
            if not plan.checked:
                raise
            _log.warning("building again: %s is refused (%s)", key.path(), error)
            plan, key = _build(library, graph, keys[0], config)
            engine = TensorRtEngine(library, plan.data, key, gpu, owned=stack)
    try:
        if not plan.checked:
            _log.info("checked: %s", check_accuracy(engine, graph, samples and samples()))
            engine.free_slots()
            write_plan(replace(plan, checked=True), key)
    except BaseException:
        engine.close()
        raise
    return engine


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
        precision: auto (that of the graph), fp16 or fp32.
        max_batch: pictures in a slot.

    Returns:
        The serialised plan, as the product's runtime reads it.

    Raises:
        EngineError: `open_on_gpu` fails, or the plan has left the cache.
    """
    with open_on_gpu(product, graph, precision=precision, max_batch=max_batch):
        pass  # now the cache holds a checked plan
    from pmsgan.engine.tensorrt.buffers import gpu_context

    library = Library(PRODUCTS[product])
    with gpu_context() as gpu:
        cached = _cached(_keys_here(library, graph, precision, max_batch, gpu), None)
    if cached is None:
        raise EngineError(f"the engine of {graph.path} has left the cache: try again")
    return cached[0].data


def build_for_capability(
    graph: GraphInfo,
    capability: str,
    *,
    precision: Precision = "auto",
    max_batch: int = DEFAULT_BATCH,
    config: BuildConfig | None = None,
) -> Path:
    """Build a plan of TensorRT for RTX for a GPU that need not be here; return its path.

    Args:
        graph: the graph to build from.
        capability: the GPU's compute capability, such as 8.9, or portable.
        precision: auto (that of the graph), fp16 or fp32.
        max_batch: pictures in a slot.
        config: settings of the builder; by default any cached plan is used.

    Raises:
        EngineError: the product is not installed, or cannot build this graph or for this GPU.
    """
    library = Library(PRODUCTS["tensorrt-rtx"])
    key = _key(library, graph, precision, max_batch, capability=capability, gpu="", driver=0)
    if _cached([key], config) is None:
        _build(library, graph, key, config)
    return key.path()


def _keys_here(
    library: Library, graph: GraphInfo, precision: Precision, max_batch: int, gpu: "Gpu"
) -> list[EnginePlanKey]:
    """Return the keys of plans that can run on this GPU, the one to build first."""
    if not library.product.builds_ahead:
        return [
            _key(
                library, graph, precision, max_batch,
                capability=gpu.capability, gpu=gpu.name, driver=gpu.driver,
            )
        ]  # fmt: skip
    known = gpu.capability in known_capabilities(library)
    return [
        _key(library, graph, precision, max_batch, capability=capability)
        for capability in ([gpu.capability] if known else []) + [PORTABLE]
    ]


def _key(
    library: Library,
    graph: GraphInfo,
    precision: Precision,
    max_batch: int,
    *,
    capability: str,
    gpu: str = "",
    driver: int = 0,
) -> EnginePlanKey:
    return EnginePlanKey(
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


def _resolve(precision: Precision, graph: GraphInfo) -> GraphPrecision:
    if precision in ("auto", graph.precision):
        return graph.precision
    if precision == "fp32":
        return "fp32"
    raise EngineError(
        f"{graph.path.name} is in {graph.precision} and TensorRT runs it as it is: "
        f"use --precision auto or fp32, not {precision}"
    )


def _cached(
    keys: Sequence[EnginePlanKey], config: BuildConfig | None
) -> tuple[EnginePlan, EnginePlanKey] | None:
    """Return the first cached plan for one of the keys that was built with `config`."""
    for key in keys:
        try:
            plan = read_plan(key)
        except StaleEnginePlanError as error:
            _log.info("%s", error)
            continue
        if plan is not None and config in (None, plan.config):
            return plan, key
    return None


def _build(
    library: Library, graph: GraphInfo, key: EnginePlanKey, config: BuildConfig | None
) -> tuple[EnginePlan, EnginePlanKey]:
    _log.info("building %s for compute capability %s", graph.path, key.capability)
    config = config or BuildConfig()
    data = graph.path.read_bytes()
    timings = cache_folder(key.product) / f"timings-{key.version}-sm{key.capability}.bin"
    built, new_timings = build_plan(
        library,
        data if key.precision == graph.precision else widen(data),
        str(graph.path),
        height=graph.height,
        width=graph.width,
        max_batch=key.max_batch,
        half=key.precision == "fp16",
        config=config,
        capability=key.capability if library.product.builds_ahead else None,
        timing_cache=_read_timings(timings),
    )
    plan = EnginePlan(built, config, checked=False)
    write_plan(plan, key)
    if new_timings:
        _cache_timings(timings, new_timings)
    return plan, key


def _read_timings(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _cache_timings(path: Path, data: bytes) -> None:
    """Cache the timings for a faster build; a failure is only a warning."""
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(data)
    except OSError as error:
        _log.warning("cannot cache the timings in %s: %s", path, error.strerror)
