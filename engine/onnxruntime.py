"""ONNX Runtime in FP32 on the CPU: the baseline of a network that came as an ONNX file.

It is an extra: converting does not need it.
"""

import numpy as np
import onnxruntime

from pmsgan.engine.graph import GraphInfo
from pmsgan.engine.interface import Engine, EngineInfo, Slot
from pmsgan.engine.machine import examine_machine
from pmsgan.engine.named_graph import INPUT_NAME, OUTPUT_NAME
from pmsgan.engine.widen import widen
from pmsgan.errors import EngineError

BACKEND = "onnxruntime"
DEFAULT_BATCH = 4


class OnnxRuntimeEngine(Engine):
    """A deployment graph that ONNX Runtime runs."""

    def __init__(
        self,
        graph: GraphInfo,
        *,
        precision: str = "auto",
        max_batch: int | None = None,
        num_threads: int | None = None,
    ) -> None:
        """Open a graph.

        Args:
            graph: the graph to run; it computes in FP32, even if its weights are in half precision.
            precision: auto or fp32.
            max_batch: pictures in a slot; 4 by default.
            num_threads: threads to compute with; by default one for each core.

        Raises:
            EngineError: another precision was asked for, or ONNX Runtime cannot open the graph.
        """
        if precision not in ("auto", "fp32"):
            raise EngineError(f"the {BACKEND} backend runs in fp32, not in {precision}")
        self._max_rows = 1 if graph.is_batch_fixed else max_batch or DEFAULT_BATCH
        self._session = open_session(_read(graph), num_threads)
        self.info = EngineInfo(
            backend=BACKEND,
            device=examine_machine().cpu,
            precision="fp32",
            height=graph.height,
            width=graph.width,
            max_batch=max_batch or DEFAULT_BATCH,
            runtime=f"ONNX Runtime {onnxruntime.__version__}",
        )

    def _new_slots(self, count: int) -> list[Slot]:
        """Make slots in plain memory."""
        shape = (self.info.max_batch, self.info.height, self.info.width, 3)
        return [
            Slot(input=np.zeros(shape, np.uint8), output=np.zeros(shape, np.uint8))
            for _ in range(count)
        ]

    def _submit(self, slot: Slot, count: int) -> None:
        """Translate the first `count` rows before it returns."""
        try:
            for start in range(0, count, self._max_rows):
                rows = slice(start, min(start + self._max_rows, count))
                feed = {INPUT_NAME: slot.input[rows]}
                (result,) = self._session.run([OUTPUT_NAME], feed)
                if result.shape != slot.output[rows].shape:
                    raise ValueError(f"it gives pictures of shape {list(result.shape)}")
                slot.output[rows] = result
        except Exception as error:  # its errors share no base class
            raise EngineError(f"ONNX Runtime failed to run the graph: {reason(error)}") from error

    def _wait(self, slot: Slot) -> None:
        """Return at once, since `submit` has done the work."""

    def _close(self) -> None:
        """Release the session."""
        del self._session


def open_session(
    data: bytes, num_threads: int | None = None, *, optimise: bool = True
) -> onnxruntime.InferenceSession:
    """Open an ONNX file in ONNX Runtime on the CPU.

    Args:
        data: the bytes of the file.
        num_threads: threads to compute with; by default one for each core.
        optimise: let it rewrite the graph, and choose the order of the operators; otherwise both
            stay, and a result is freed after its last use in that order.

    Raises:
        EngineError: ONNX Runtime refuses the graph.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # its errors say what is wrong
    options.intra_op_num_threads = num_threads or 0
    if not optimise:
        level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.graph_optimization_level = level
        options.execution_order = onnxruntime.ExecutionOrder.PRIORITY_BASED
    try:
        return onnxruntime.InferenceSession(
            data, sess_options=options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # its errors share no base class
        raise EngineError(f"ONNX Runtime refuses the graph: {reason(error)}") from error


def reason(error: Exception) -> str:
    """Return the last line of ONNX Runtime's message."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _read(graph: GraphInfo) -> bytes:
    data = graph.read()
    return widen(data) if graph.precision == "fp16" else data
