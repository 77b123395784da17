"""Time the layers of a plan with TensorRT's profiler, and describe them with its inspector."""

import json
import statistics
from typing import Any

from pmsgan.engine.layer_times import Layer
from pmsgan.engine.tensorrt.product import Library


def make_profiler(library: Library) -> Any:
    """Return a profiler for an execution context; its `batches` holds the reported times.

    It must outlive the context.
    """
    api = library.api

    class Profiler(api.IProfiler):  # type: ignore[misc, name-defined]
        """Keeps the milliseconds of each layer in each batch."""

        def __init__(self) -> None:
            api.IProfiler.__init__(self)
            self.batches: list[dict[str, float]] = []

        def begin_batch(self) -> None:
            """Start a new batch."""
            self.batches.append({})

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            """Add a time; a layer may run several times in a batch."""
            times = self.batches[-1]
            times[layer_name] = times.get(layer_name, 0.0) + ms

    return Profiler()


def inspect_layers(library: Library, engine: Any, context: Any) -> dict[str, dict[str, Any]]:
    """Return TensorRT's description of each layer, by its name.

    Args:
        library: the product.
        engine: the loaded plan.
        context: its execution context, whose shapes are set.

    Raises:
        EngineError: there is no inspector.
    """
    inspector = library.require(engine.create_engine_inspector(), "inspect the engine")
    inspector.execution_context = context
    text = inspector.get_engine_information(library.api.LayerInformationFormat.JSON)
    try:
        layers = json.loads(text)["Layers"]
    except (ValueError, KeyError, TypeError):  # the times are worth more than their description
        return {}
    return {layer["Name"]: layer for layer in layers if isinstance(layer, dict) and "Name" in layer}


def layers_of(batches: list[dict[str, float]], described: dict[str, dict[str, Any]]) -> list[Layer]:
    """Return the layers in the order in which they run.

    Args:
        batches: milliseconds of each layer by its name, in each batch.
        described: the inspector's description of each layer.
    """
    return [
        Layer(
            name=name,
            ms=statistics.median(times.get(name, 0.0) for times in batches),
            kind=str(described.get(name, {}).get("LayerType", "")),
            details=described.get(name, {}),
        )
        for name in batches[0]
    ]
