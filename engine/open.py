"""Choose the runtime: the requested one, or the first one that can run here."""

import importlib.util
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pmsgan.engine.accuracy import Pictures
from pmsgan.engine.choices import Backend, Device, Precision
from pmsgan.engine.gpu import count_gpus
from pmsgan.engine.int8.calibration import Calibration, find_calibration
from pmsgan.engine.interface import Engine
from pmsgan.engine.machine import cpu_flags
from pmsgan.engine.named_graph import NamedGraph, graph_of
from pmsgan.engine.tensorrt.build import DEFAULT_BATCH, BuildConfig
from pmsgan.engine.tensorrt.product import PRODUCTS
from pmsgan.engine.tensorrt.support import gpu_fault, installation_fault
from pmsgan.engine.trial import try_style
from pmsgan.errors import EngineError
from pmsgan.install import install_command
from pmsgan.styles.registry import Style, find_style


@dataclass(frozen=True, slots=True)
class _Requirements:
    """The requirements of a backend."""

    modules: tuple[str, ...]
    extra: str | None
    """The extra of pmsgan that installs the modules; None if every installation has them."""
    gpu: bool = False

    def command(self) -> str:
        """Return the command that installs the modules."""
        if self.extra is None:
            return f"pip install {' '.join(self.modules)}"
        return install_command(self.extra)


REQUIREMENTS: dict[Backend, _Requirements] = {
    "tensorrt": _Requirements(("tensorrt", "pycuda"), "tensorrt", gpu=True),
    "tensorrt-rtx": _Requirements(("tensorrt_rtx", "pycuda"), "tensorrt-rtx", gpu=True),
    "openvino": _Requirements(("openvino",), None),
    "eager": _Requirements(("torch",), "train"),
    "onnxruntime": _Requirements(("onnxruntime",), "onnxruntime"),
}
"""The backends in the order in which `auto` tries them."""

NO_GPU = "no NVIDIA GPU with a driver was found"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """A backend, and why it was chosen."""

    backend: Backend
    reason: str


def choose_backend(wanted: Backend = "auto", *, require_gpu: bool = False) -> Choice:
    """Choose a backend that can run here.

    Args:
        wanted: a backend, or auto for the first one that can run here.
        require_gpu: refuse backends that run on the CPU.

    Raises:
        EngineError: the requested backend cannot run here, or none can.
    """
    if wanted not in get_args(Backend):
        raise EngineError(f"there is no backend {wanted!r}: give {', '.join(get_args(Backend))}")
    if wanted != "auto":
        if (missing := missing_requirement(wanted)) is not None:
            raise EngineError(f"backend {wanted} cannot run here: {missing}")
        if require_gpu and not REQUIREMENTS[wanted].gpu:
            raise EngineError(
                f"backend {wanted} runs on the CPU, but a GPU is required: use --backend auto"
            )
        return Choice(wanted, "asked for")
    skipped: dict[str, None] = {}  # each reason once, in order
    for backend, requirements in REQUIREMENTS.items():
        if require_gpu and not requirements.gpu:
            continue
        missing = missing_requirement(backend)
        if missing is None:
            return Choice(backend, "; ".join([*skipped, "the first that can run here"]))
        skipped[NO_GPU if missing.startswith(NO_GPU) else f"{backend}: {missing}"] = None
    kind = "backend on a GPU" if require_gpu else "backend"
    raise EngineError(f"no {kind} can run here ({'; '.join(skipped)})")


def missing_requirement(backend: Backend) -> str | None:
    """Return why a backend cannot run here, and a remedy; None if it can run."""
    requirements = REQUIREMENTS[backend]
    reasons = []
    if requirements.gpu and not count_gpus():
        reasons.append(NO_GPU)
    elif backend in PRODUCTS and (fault := gpu_fault(backend)) is not None:
        reasons.append(fault)
    absent = [name for name in requirements.modules if importlib.util.find_spec(name) is None]
    if absent:
        verb = "is" if len(absent) == 1 else "are"
        reasons.append(f"{' and '.join(absent)} {verb} not installed: {requirements.command()}")
    if not reasons and backend in PRODUCTS:
        return installation_fault(backend)
    return "; ".join(reasons) or None


def open_engine(
    style: Style | Path | str,
    *,
    size: tuple[int, int] | None = None,
    backend: Backend = "auto",
    device: Device = "CPU",
    precision: Precision = "auto",
    max_batch: int | None = None,
    require_gpu: bool = False,
    num_threads: int | None = None,
    engines_per_gpu: int = 1,
    num_pictures: int | None = None,
    config: BuildConfig | None = None,
    samples: Callable[[], Pictures | None] | None = None,
) -> Engine:
    """Open an engine for a style.

    Args:
        style: a style, its name, or the path of its folder.
        size: height and width of one view of the network [pixels]; by default `Style.view`.
        backend: a backend, or auto for the first one that can run here.
        device: device of the backend openvino. On any other than the CPU, the engine is compared
            with FP32 on the CPU before it is used.
        precision: arithmetic; auto is the fastest in which the backend is known to be accurate.
        max_batch: pictures in a slot, at least 1; by default the engine chooses.
        require_gpu: refuse backends that run on the CPU.
        num_threads: threads that a CPU computes with; by default one for each core.
        engines_per_gpu: engines that share the GPU; this one takes at most its share of the free
            memory.
        num_pictures: how many pictures, or tiles of them, there are, if that is known: one or two
            on a CPU are translated by all its cores.
        config: settings of TensorRT's builder; by default any cached engine is used.
        samples: returns some of the pictures to translate, uint8 [N, H, W, 3] BGR of the engine's
            size; it is called when a new engine of TensorRT, or on a device, is checked.

    Raises:
        StyleError: the style does not exist, or is damaged.
        ConfigError: a side is not the multiple that the network needs, or eager PyTorch would have
            to run an imported ONNX file.
        EngineError: the backend cannot run here, or cannot run this graph at this size.
    """
    if max_batch is not None and max_batch < 1:
        raise EngineError(f"max_batch is {max_batch}: it must be at least 1")
    found = find_style(style)
    size = size or found.view
    choice = choose_backend(backend, require_gpu=require_gpu)
    if device != "CPU" and choice.backend != "openvino":
        raise EngineError(f"device {device} belongs to OpenVINO: use --backend openvino")
    if backend == "auto":
        _log.info("backend %s (%s)", choice.backend, choice.reason)
    if choice.backend != "eager":
        try_style(found)
    is_cpu = choice.backend == "openvino" and device == "CPU"
    calibration = _calibration(found, precision, is_cpu=is_cpu)
    # Only the chosen runtime is imported: the others need not be installed.
    if choice.backend in ("tensorrt", "tensorrt-rtx"):
        from pmsgan.engine.tensorrt.open import open_on_gpu

        return open_on_gpu(
            choice.backend,
            graph_of(found, size, calibration).checked(),
            precision=precision,
            max_batch=max_batch or DEFAULT_BATCH,
            engines_per_gpu=engines_per_gpu,
            config=config,
            samples=samples,
        )
    if choice.backend == "openvino":
        from pmsgan.engine.openvino import OpenVinoEngine

        graph = graph_of(found, size, calibration)
        engine = OpenVinoEngine(
            graph,
            device=device,
            precision=precision,
            max_batch=max_batch,
            num_threads=num_threads,
            num_pictures=num_pictures,
        )
        return engine if device == "CPU" else _checked(engine, graph, samples)
    if choice.backend == "onnxruntime":
        from pmsgan.engine.graph import read_graph
        from pmsgan.engine.onnxruntime import OnnxRuntimeEngine

        return OnnxRuntimeEngine(
            read_graph(found.reference_graph, size),
            precision=precision,
            max_batch=max_batch,
            num_threads=num_threads,
        )
    from pmsgan.engine.eager import open_style

    return open_style(
        found, size=size, precision=precision, max_batch=max_batch, num_threads=num_threads
    )


def require_calibration(style: Style) -> Calibration:
    """Return the INT8 calibration of a style.

    Raises:
        EngineError: it has none.
    """
    if (calibration := find_calibration(style)) is None:
        raise EngineError(
            f"the style {style.name} is not calibrated for INT8: pmsgan build-engine --style "
            f"{style.name} --int8 --calibrate DIR (a few dozen pictures of the kind that it was "
            "made for)"
        )
    return calibration


def _calibration(style: Style, precision: Precision, *, is_cpu: bool) -> Calibration | None:
    """Return the calibration with which an engine runs in INT8; None if it runs in float."""
    if precision == "int8":
        return require_calibration(style)
    # Without these instructions INT8 is no faster.
    if precision == "auto" and is_cpu and "avx2" in cpu_flags():
        return find_calibration(style)
    return None


def _checked(
    engine: Engine, graph: NamedGraph, samples: Callable[[], Pictures | None] | None
) -> Engine:
    """Return the engine if its pictures are close to those in FP32; else close it and raise."""
    from pmsgan.engine.tensorrt.check import check_accuracy

    try:
        _log.info("checked: %s", check_accuracy(engine, graph.checked(), samples and samples()))
    except BaseException:
        engine.close()
        raise
    return engine
