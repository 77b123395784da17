"""OpenVINO: the default where there is no NVIDIA GPU.

Each row of a slot is a request of its own at batch 1. This is the fastest way on a CPU (a batch of
4 in one request is slower), and a partial last batch costs nothing. As many requests run at a time
as OpenVINO has streams; the others wait in its queue.
"""

import contextlib
import functools
import hashlib
import json
import logging

import numpy as np

from pmsgan.engine.cache import cache_folder
from pmsgan.engine.graph import INPUT_NAME, GraphInfo
from pmsgan.engine.interface import Engine, EngineInfo, Slot
from pmsgan.engine.sealed import read_sealed_for, write_sealed
from pmsgan.engine.telemetry import without_telemetry
from pmsgan.errors import EngineError

with without_telemetry():
    import openvino

BACKEND = "openvino"
MAGIC = b"pmsgan-openvino-1 "
DEVICE = "CPU"
MIN_BATCH = 4
"""Pictures in a slot on a small CPU; with fewer, readers would wait for each other."""

_log = logging.getLogger(__name__)


class OpenVinoEngine(Engine):
    """A deployment graph compiled for the CPU."""

    def __init__(
        self,
        graph: GraphInfo,
        *,
        precision: str = "auto",
        max_batch: int | None = None,
        num_threads: int | None = None,
        use_cache: bool = True,
    ) -> None:
        """Compile a graph, or load it from the cache.

        Args:
            graph: the graph to run; it is compiled for its height and width alone.
            precision: auto (bf16 where the CPU computes in it, else fp32), bf16 or fp32.
            max_batch: pictures in a slot; by default enough for all streams of the CPU.
            num_threads: threads to compute with; by default one for each core.
            use_cache: load the compiled graph from the user's cache, and keep it there.

        Raises:
            EngineError: OpenVINO cannot read, compile or run the graph.
        """
        try:
            core = _core()
            hint = _hint(core, precision)
        except RuntimeError as error:  # its libraries cannot be loaded, for want of memory
            raise EngineError(f"OpenVINO cannot start: {_reason(error)}") from error
        properties: dict[str, str | int] = {
            "PERFORMANCE_HINT": "THROUGHPUT",
            "INFERENCE_PRECISION_HINT": hint,
        }
        if num_threads is not None:
            properties["INFERENCE_NUM_THREADS"] = num_threads
            # Other processes use the other cores; with pinning, each would take the first ones.
            properties["ENABLE_CPU_PINNING"] = "NO"
        if use_cache:
            self._compiled = _cached(core, graph, properties)
        else:
            self._compiled = _compile(core, graph, properties)
        self.info = EngineInfo(
            backend=BACKEND,
            device=str(core.get_property(DEVICE, "FULL_DEVICE_NAME")).strip(),
            precision=_short_name(self._compiled.get_property("INFERENCE_PRECISION_HINT")),
            height=graph.height,
            width=graph.width,
            max_batch=max_batch or self._default_batch(),
            runtime=f"OpenVINO {openvino.__version__.split('-')[0]}",
        )
        self._requests: dict[Slot, list[openvino.InferRequest]] = {}
        self._running: dict[Slot, int] = {}

    def _default_batch(self) -> int:
        streams = int(self._compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        return max(MIN_BATCH, streams)

    def _new_slots(self, count: int) -> list[Slot]:
        """Make slots whose rows the requests read and write in place."""
        return [self._make_slot() for _ in range(count)]

    def _submit(self, slot: Slot, count: int) -> None:
        """Start one request for each of the first `count` rows."""
        self._running[slot] = count
        try:
            for request in self._requests[slot][:count]:
                request.start_async()
        except RuntimeError as error:
            raise EngineError(f"OpenVINO failed to run the graph: {_reason(error)}") from error

    def _wait(self, slot: Slot) -> None:
        """Wait for the slot's requests; raise EngineError if one failed."""
        try:
            for request in self._requests[slot][: self._running.get(slot, 0)]:
                request.wait()
        except RuntimeError as error:
            raise EngineError(f"OpenVINO failed to run the graph: {_reason(error)}") from error
        self._running.pop(slot, None)

    def _close(self) -> None:
        """Cancel running requests, so that none writes into a slot any more; free all requests."""
        for slot, count in self._running.items():
            for request in self._requests[slot][:count]:
                request.cancel()
                with contextlib.suppress(RuntimeError):  # it says that it was cancelled
                    request.wait()
        self._running.clear()
        for requests in self._requests.values():
            requests.clear()  # they point into the slots, which must live longer

    def _make_slot(self) -> Slot:
        shape = (self.info.max_batch, self.info.height, self.info.width, 3)
        slot = Slot(input=np.zeros(shape, np.uint8), output=np.zeros(shape, np.uint8))
        self._requests[slot] = [self._make_request(slot, row) for row in range(self.info.max_batch)]
        return slot

    def _make_request(self, slot: Slot, row: int) -> openvino.InferRequest:
        request = self._compiled.create_infer_request()
        rows = slice(row, row + 1)
        try:
            request.set_input_tensor(openvino.Tensor(slot.input[rows], shared_memory=True))
            request.set_output_tensor(openvino.Tensor(slot.output[rows], shared_memory=True))
        except RuntimeError as error:  # a stranger's graph may give what it does not declare
            raise EngineError(
                f"the graph gives no pictures of {self.info.width}x{self.info.height}: "
                f"{_reason(error)}"
            ) from error
        return request


@functools.cache
def _core() -> openvino.Core:
    """Return the one Core of this process, which is never released.

    Its CPU plugin gives the calling thread a stack for signals, and frees it in the thread that
    releases the Core: the next Ctrl-C is then a segmentation fault. A second Core has the same
    effect.
    """
    return openvino.Core()


def _cached(
    core: openvino.Core, graph: GraphInfo, properties: dict[str, str | int]
) -> openvino.CompiledModel:
    """Load a compiled graph from the cache, or compile it and keep it there.

    OpenVINO has a cache of its own, which takes damaged files for compiled graphs.
    """
    if (folder := cache_folder(BACKEND)) is None:
        return _compile(core, graph, properties)
    header = {
        "graph_sha256": graph.sha256,
        "height": graph.height,
        "width": graph.width,
        "properties": properties,
        "version": openvino.__version__,
        "processor": str(core.get_property(DEVICE, "FULL_DEVICE_NAME")),
        "capabilities": sorted(core.get_property(DEVICE, "OPTIMIZATION_CAPABILITIES")),
    }
    key = hashlib.sha256(json.dumps(header, sort_keys=True).encode()).hexdigest()[:8]
    name = f"{graph.sha256[:16]}-{graph.width}x{graph.height}-{key}.engine"
    if (data := read_sealed_for(folder / name, MAGIC, header)) is not None:
        try:
            return core.import_model(data, DEVICE, properties)
        except RuntimeError as error:
            _log.warning("OpenVINO compiles again, it refuses %s: %s", name, _reason(error))
    compiled = _compile(core, graph, properties)
    try:
        write_sealed(folder / name, MAGIC, header, compiled.export_model().getvalue())
    except (EngineError, RuntimeError) as error:
        _log.info("the next run will compile again: %s", _reason(error))
    return compiled


def _compile(
    core: openvino.Core, graph: GraphInfo, properties: dict[str, str | int]
) -> openvino.CompiledModel:
    try:
        model = core.read_model(graph.path)
        model.reshape({INPUT_NAME: [1, graph.height, graph.width, 3]})
        return core.compile_model(model, DEVICE, properties)
    except RuntimeError as error:
        raise EngineError(
            f"OpenVINO cannot compile {graph.path}: {_reason(error)}; export it again"
        ) from error


def _hint(core: openvino.Core, precision: str) -> str:
    computes_bf16 = "BF16" in core.get_property(DEVICE, "OPTIMIZATION_CAPABILITIES")
    if precision == "auto":
        return "bf16" if computes_bf16 else "f32"
    if precision == "fp32":
        return "f32"
    if precision == "bf16" and computes_bf16:
        return "bf16"
    raise EngineError(
        f"this CPU does not compute in {precision} under OpenVINO: use --precision auto or fp32"
    )


def _short_name(element_type: object) -> str:
    name = str(element_type).lower()
    return "bf16" if "bfloat16" in name or "bf16" in name else "fp32"


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
