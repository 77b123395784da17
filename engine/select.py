"""Choose the runtime: the one asked for, or the first that can run here."""

import importlib.util
import logging
from dataclasses import dataclass

from pmsgan.engine.choices import Backend, Precision
from pmsgan.engine.graph import read_graph
from pmsgan.engine.interface import Engine
from pmsgan.errors import EngineError
from pmsgan.styles.registry import Style, find_style

_MODULES: dict[Backend, tuple[str, str]] = {
    "openvino": ("openvino", "pip install openvino"),
    "eager": ("torch", "pip install 'pmsgan[train]'"),
}
"""What each backend needs and how to have it, in the order in which `auto` tries them."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """A backend, and why it was taken."""

    backend: Backend
    reason: str


def choose_backend(wanted: Backend = "auto") -> Choice:
    """Say which backend to use.

    Raises:
        EngineError: the one asked for, or every one, lacks its library.
    """
    if wanted != "auto":
        if (missing := missing_library(wanted)) is not None:
            raise EngineError(f"backend {wanted} cannot run here: {missing}")
        return Choice(wanted, "asked for")
    passed_over: list[str] = []
    for backend in _MODULES:
        missing = missing_library(backend)
        if missing is None:
            reason = "; ".join([*passed_over, "the first that can run here"])
            return Choice(backend, reason)
        passed_over.append(f"{backend}: {missing}")
    raise EngineError(f"no backend can run here ({'; '.join(passed_over)})")


def missing_library(backend: Backend) -> str | None:
    """Say what a backend lacks and how to install it, or None if nothing."""
    module, command = _MODULES[backend]
    if importlib.util.find_spec(module) is None:
        return f"{module} is not installed ({command})"
    return None


def open_engine(
    style: Style | str,
    *,
    backend: Backend = "auto",
    precision: Precision = "auto",
    max_batch: int | None = None,
) -> Engine:
    """Make a style ready to run.

    Args:
        style: a style, its name, or the path of its folder.
        backend: auto takes the first that can run here.
        precision: auto takes the fastest that the backend is known to be accurate in.
        max_batch: pictures in a slot, at least 1; by default the engine's own choice.

    Raises:
        StyleError: there is no such style, or it is damaged.
        EngineError: the backend cannot run here, or cannot run this graph.
    """
    if max_batch is not None and max_batch < 1:
        raise EngineError(f"max_batch is {max_batch}: it must be at least 1")
    found = find_style(style) if isinstance(style, str) else style
    choice = choose_backend(backend)
    _log.info("backend %s (%s)", choice.backend, choice.reason)
    # Each runtime is imported only when it is taken: the others need not be installed.
    if choice.backend == "openvino":
        from pmsgan.engine.openvino import OpenVinoEngine

        return OpenVinoEngine(read_graph(found.graph), precision=precision, max_batch=max_batch)
    from pmsgan.engine.eager import EagerEngine

    return EagerEngine(
        found.weights,
        found.generator,
        height=found.height,
        width=found.width,
        precision=precision,
        max_batch=max_batch,
    )
