"""Make the keys of plans from the product, the graph and the GPU."""

from typing import TYPE_CHECKING, Literal

from pmsgan.engine.choices import Precision
from pmsgan.engine.graph import GraphInfo, GraphPrecision
from pmsgan.engine.tensorrt.plan import EnginePlanKey
from pmsgan.engine.tensorrt.product import PORTABLE, Library, known_capabilities
from pmsgan.errors import EngineError

if TYPE_CHECKING:
    from pmsgan.engine.tensorrt.buffers import Gpu


def keys_here(
    library: Library, graph: GraphInfo, precision: Precision, max_batch: int, gpu: "Gpu"
) -> list[EnginePlanKey]:
    """Return the keys of plans that can run on this GPU, the one to build first.

    Args:
        library: the product that builds them.
        graph: the graph to build from.
        precision: auto (that of the graph), fp16, fp32, or int8 for a calibrated graph.
        max_batch: pictures in a slot.
        gpu: the GPU that is here.

    Raises:
        EngineError: the graph cannot be built in this precision.
    """
    if not library.product.builds_ahead:
        return [
            plan_key(
                library, graph, precision, max_batch,
                capability=gpu.capability, gpu=gpu.name, driver=gpu.driver,
            )
        ]  # fmt: skip
    known = gpu.capability in known_capabilities(library)
    return [
        plan_key(library, graph, precision, max_batch, capability=capability)
        for capability in ([gpu.capability] if known else []) + [PORTABLE]
    ]


def plan_key(
    library: Library,
    graph: GraphInfo,
    precision: Precision,
    max_batch: int,
    *,
    capability: str,
    gpu: str = "",
    driver: int = 0,
) -> EnginePlanKey:
    """Return the key of a plan.

    Args:
        library: the product that builds it.
        graph: the graph to build from.
        precision: auto (that of the graph), fp16, fp32, or int8 for a calibrated graph.
        max_batch: pictures in a slot; 1 if the graph takes one at a time.
        capability: the GPU's compute capability, such as 8.9, or portable.
        gpu: name of the GPU; empty if the plan runs on every GPU of its capability.
        driver: CUDA version that the driver supports, such as 13000; 0 if it does not matter.

    Raises:
        EngineError: the graph cannot be built in this precision.
    """
    return EnginePlanKey(
        graph_sha256=graph.identity,
        product=library.product.name,
        version=library.version,
        capability=capability,
        gpu=gpu,
        driver=driver,
        precision=_resolve(precision, graph),
        height=graph.height,
        width=graph.width,
        max_batch=1 if graph.is_batch_fixed else max_batch,
    )


def _resolve(precision: Precision, graph: GraphInfo) -> GraphPrecision | Literal["int8"]:
    if graph.calibration is not None:
        return "int8"
    if precision in ("auto", graph.precision):
        return graph.precision
    if precision == "fp32":
        return "fp32"
    raise EngineError(
        f"{graph.path.name} is in {graph.precision} and TensorRT runs it as it is: "
        f"use --precision auto or fp32, not {precision}"
    )
