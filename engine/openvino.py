"""OpenVINO: the default where there is no NVIDIA GPU.

Each row of a slot is a request of its own at batch 1. This is the fastest way on a CPU (a batch of
4 in one request is slower), and a partial last batch costs nothing. As many requests run at a time
as OpenVINO has streams; the others wait in its queue.
"""

import contextlib
import functools
import io
import logging
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from pmsgan.engine.blobs import BACKEND, read_blob, write_blob
from pmsgan.engine.choices import Device
from pmsgan.engine.interface import Engine, EngineInfo, Slot
from pmsgan.engine.machine import cpu_flags
from pmsgan.engine.named_graph import INPUT_NAME, NamedGraph
from pmsgan.engine.telemetry import without_telemetry
from pmsgan.errors import EngineError

with without_telemetry():
    import openvino

CPU: Final = "CPU"
FEW_PICTURES = 2
"""Up to this many pictures are translated one after the other, each by all cores."""
MIN_BATCH = 4
"""Pictures in a slot on a small CPU; with fewer, readers would wait for each other."""


_log = logging.getLogger(__name__)


_OTHER_HINTS: dict[str, dict[str, str | int]] = {
    "auto": {},
    "int8": {},
    "fp16": {"INFERENCE_PRECISION_HINT": "f16"},
    "bf16": {"INFERENCE_PRECISION_HINT": "bf16"},
    "fp32": {"INFERENCE_PRECISION_HINT": "f32"},
}
"""Precision hints for devices other than the CPU; by default, a device chooses."""


class OpenVinoEngine(Engine):
    """A deployment graph compiled for the CPU, or another device of OpenVINO."""

    def __init__(
        self,
        graph: NamedGraph,
        *,
        device: Device = CPU,
        precision: str = "auto",
        max_batch: int | None = None,
        num_threads: int | None = None,
        num_pictures: int | None = None,
        use_cache: bool = True,
    ) -> None:
        """Compile a graph, or load it from the cache.

        Args:
            graph: the graph to run; it is compiled for its height and width alone.
            device: where to run it.
            precision: auto (bf16 on a CPU that computes in it, else fp32; another device chooses),
                bf16 or fp32, or fp16 on another device. For a graph calibrated for INT8, this is
                the precision of the rest, and int8 means auto.
            max_batch: pictures in a slot; by default enough for all streams of the CPU.
            num_threads: threads to compute with; by default one for each core.
            num_pictures: the number of pictures, if it is known. Few pictures are translated one by
                one on all cores, many on a core each.
            use_cache: load the compiled graph from the user's cache, and keep it there.

        Raises:
            EngineError: OpenVINO cannot read, compile or run the graph, or finds no such device.
        """
        if precision == "int8" and graph.calibration is None:
            raise EngineError(f"{graph.path} is not calibrated for INT8")
        try:
            core = _core()
            hint = _hint(core, precision) if device == CPU else ""
        except RuntimeError as error:  # its libraries cannot be loaded for lack of memory
            raise EngineError(f"OpenVINO cannot start: {_reason(error)}") from error
        are_few = num_pictures is not None and num_pictures <= FEW_PICTURES
        properties: dict[str, str | int] = {
            "PERFORMANCE_HINT": "LATENCY" if are_few else "THROUGHPUT"
        }
        if device != CPU:
            _require_device(device)
            properties |= _OTHER_HINTS[precision]
        else:
            properties["INFERENCE_PRECISION_HINT"] = hint
        if device == "AUTO":
            properties["ENABLE_STARTUP_FALLBACK"] = "NO"  # else the CPU would do the first pictures
        if num_threads is not None and device == CPU:
            properties["INFERENCE_NUM_THREADS"] = num_threads
            # Other processes use the other cores; with pinning, each would take the first ones.
            properties["ENABLE_CPU_PINNING"] = "NO"
        if use_cache and device == CPU:
            self._compiled = _load_or_compile(graph, properties)
        else:
            self._compiled = compile_graph(graph, properties, device=device)
        self.info = EngineInfo(
            backend=BACKEND,
            device=str(core.get_property(device, "FULL_DEVICE_NAME")).strip(),
            precision=_precision_of(self._compiled) if graph.calibration is None else "int8",
            psnr_db=None if graph.calibration is None else graph.calibration.psnr_db,
            height=graph.height,
            width=graph.width,
            max_batch=max_batch or (num_pictures if are_few else None) or self._default_batch(),
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
        """Cancel running requests, so that none writes into a slot later; free all requests."""
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
        except RuntimeError as error:  # a stranger's graph may return undeclared shapes
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


def _load_or_compile(
    graph: NamedGraph, properties: Mapping[str, str | int]
) -> openvino.CompiledModel:
    """Load a compiled graph from the cache, or compile it and keep it there."""
    if (data := read_blob(_blob_key(graph, properties))) is not None:
        try:
            return _core().import_model(io.BytesIO(data), CPU, dict(properties))
        except RuntimeError as error:
            _log.warning("compiling again: OpenVINO refuses a cached graph (%s)", _reason(error))
    checked = graph.checked()
    compiled = compile_graph(checked, properties)
    try:
        write_blob(_blob_key(checked, properties), compiled.export_model().getvalue())
    except RuntimeError as error:  # the engine works, so only the next start takes longer
        _log.info("the next run will compile again: %s", _reason(error))
    return compiled


def _blob_key(graph: NamedGraph, properties: Mapping[str, str | int]) -> dict[str, Any]:
    """Return everything that a compiled graph depends on."""
    return {
        "graph": graph.identity,
        "size": [graph.height, graph.width],
        "openvino": openvino.__version__,
        "device": str(_core().get_property(CPU, "FULL_DEVICE_NAME")).strip(),
        "cpu_flags": list(cpu_flags()),
        "properties": dict(properties),
    }


def compile_graph(
    graph: NamedGraph,
    properties: Mapping[str, Any],
    data: bytes | None = None,
    device: Device = CPU,
) -> openvino.CompiledModel:
    """Compile a graph for one picture of its size.

    Args:
        graph: the graph.
        properties: OpenVINO's properties.
        data: bytes of an ONNX file with the same input, to compile instead.
        device: where to run it.

    Raises:
        EngineError: OpenVINO cannot compile it.
    """
    core = _core()
    data = graph.checked().read() if data is None else data
    try:
        model = core.read_model(data)
        model.reshape({INPUT_NAME: [1, graph.height, graph.width, 3]})
        return core.compile_model(model, device, dict(properties))
    except RuntimeError as error:
        raise EngineError(
            f"OpenVINO cannot compile {graph.path} for the device {device}: {_reason(error)}; "
            "export it again"
        ) from error


def _hint(core: openvino.Core, precision: str) -> str:
    computes_bf16 = "BF16" in core.get_property(CPU, "OPTIMIZATION_CAPABILITIES")
    if precision in ("auto", "int8"):
        return "bf16" if computes_bf16 else "f32"
    if precision == "fp32":
        return "f32"
    if precision == "bf16" and computes_bf16:
        return "bf16"
    raise EngineError(
        f"this CPU does not compute in {precision} under OpenVINO: use --precision auto or fp32"
    )


def _require_device(device: Device) -> None:
    """Raise EngineError if a device is missing; AUTO takes an available one."""
    found = _core().available_devices
    if device != "AUTO" and not any(name.partition(".")[0] == device for name in found):
        raise EngineError(
            f"OpenVINO finds no {device} here, only {', '.join(found)}: install Intel's driver"
        )


def _precision_of(compiled: openvino.CompiledModel) -> str:
    try:
        name = str(compiled.get_property("INFERENCE_PRECISION_HINT")).lower()
    except RuntimeError:  # AUTO does not say
        return "auto"
    if "bfloat16" in name or "bf16" in name:
        return "bf16"
    return "fp16" if "float16" in name or "f16" in name else "fp32"


def _reason(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__
