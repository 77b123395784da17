"""Choose the runtime: the one asked for, or the first that can run here."""

import importlib.util
import logging
from collections.abc import Callable
from dataclasses import dataclass

from pmsgan.engine.accuracy import Pictures
from pmsgan.engine.choices import Backend, Precision
from pmsgan.engine.gpu import count_gpus
from pmsgan.engine.graph import read_graph
from pmsgan.engine.interface import Engine
from pmsgan.engine.tensorrt.build import DEFAULT_BATCH, BuildConfig
from pmsgan.errors import EngineError
from pmsgan.styles.registry import Style, find_style


@dataclass(frozen=True, slots=True)
class _Needs:
    """What a backend needs."""

    modules: tuple[str, ...]
    command: str
    """Installs them."""
    gpu: bool = False


NEEDS: dict[Backend, _Needs] = {
    "tensorrt": _Needs(("tensorrt", "pycuda"), "pip install 'pmsgan[tensorrt]'", gpu=True),
    "tensorrt-rtx": _Needs(
        ("tensorrt_rtx", "pycuda"), "pip install 'pmsgan[tensorrt-rtx]'", gpu=True
    ),
    "openvino": _Needs(("openvino",), "pip install openvino"),
    "eager": _Needs(("torch",), "pip install 'pmsgan[train]'"),
}
"""The backends in the order in which `auto` tries them."""

NO_GPU = "no NVIDIA GPU with a driver was found"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """A backend, and why it was taken."""

    backend: Backend
    reason: str


def choose_backend(wanted: Backend = "auto", *, require_gpu: bool = False) -> Choice:
    """Say which backend to use.

    Args:
        wanted: auto takes the first that can run here.
        require_gpu: take none that runs on the CPU.

    Raises:
        EngineError: the one asked for, or every one, cannot run here.
    """
    if wanted != "auto":
        if (missing := what_is_missing(wanted)) is not None:
            raise EngineError(f"backend {wanted} cannot run here: {missing}")
        if require_gpu and not NEEDS[wanted].gpu:
            raise EngineError(f"backend {wanted} runs on the CPU, and a GPU is required")
        return Choice(wanted, "asked for")
    passed_over: dict[str, None] = {}  # in order, each reason once
    for backend, needs in NEEDS.items():
        if require_gpu and not needs.gpu:
            continue
        missing = what_is_missing(backend)
        if missing is None:
            return Choice(backend, "; ".join([*passed_over, "the first that can run here"]))
        passed_over[NO_GPU if missing.startswith(NO_GPU) else f"{backend}: {missing}"] = None
    kind = "backend on a GPU" if require_gpu else "backend"
    raise EngineError(f"no {kind} can run here ({'; '.join(passed_over)})")


def what_is_missing(backend: Backend) -> str | None:
    """Say what keeps a backend from running here and what to do about it, or None if nothing."""
    needs = NEEDS[backend]
    reasons = []
    if needs.gpu and not count_gpus():
        reasons.append(NO_GPU)
    absent = [name for name in needs.modules if importlib.util.find_spec(name) is None]
    if absent:
        verb = "is" if len(absent) == 1 else "are"
        reasons.append(f"{' and '.join(absent)} {verb} not installed: {needs.command}")
    return "; ".join(reasons) or None


def open_engine(
    style: Style | str,
    *,
    backend: Backend = "auto",
    precision: Precision = "auto",
    max_batch: int | None = None,
    require_gpu: bool = False,
    num_threads: int | None = None,
    config: BuildConfig | None = None,
    samples: Callable[[], Pictures | None] | None = None,
) -> Engine:
    """Make a style ready to run.

    Args:
        style: a style, its name, or the path of its folder.
        backend: auto takes the first that can run here.
        precision: auto takes the fastest that the backend is known to be accurate in.
        max_batch: pictures in a slot, at least 1; by default the engine's own choice.
        require_gpu: take no backend that runs on the CPU.
        num_threads: that a CPU computes with; by default all of it.
        config: how TensorRT builds; by default an engine that is kept will do.
        samples: gives some of what is going to be translated, uint8 [N, H, W, 3] BGR of the
            style's size; called where a new engine of TensorRT has to be checked.

    Raises:
        StyleError: there is no such style, or it is damaged.
        EngineError: the backend cannot run here, or cannot run this graph.
    """
    if max_batch is not None and max_batch < 1:
        raise EngineError(f"max_batch is {max_batch}: it must be at least 1")
    found = find_style(style) if isinstance(style, str) else style
    choice = choose_backend(backend, require_gpu=require_gpu)
    _log.info("backend %s (%s)", choice.backend, choice.reason)
    # Each runtime is imported only when it is taken: the others need not be installed.
    if choice.backend in ("tensorrt", "tensorrt-rtx"):
        from pmsgan.engine.tensorrt.open import open_on_gpu

        return open_on_gpu(
            choice.backend,
            read_graph(found.graph),
            precision=precision,
            max_batch=max_batch or DEFAULT_BATCH,
            config=config,
            samples=samples,
        )
    if choice.backend == "openvino":
        from pmsgan.engine.openvino import OpenVinoEngine

        return OpenVinoEngine(
            read_graph(found.graph),
            precision=precision,
            max_batch=max_batch,
            num_threads=num_threads,
        )
    from pmsgan.engine.eager import open_style

    return open_style(found, precision=precision, max_batch=max_batch, num_threads=num_threads)
