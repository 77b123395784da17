"""Prepare an engine ahead of time."""

from pmsgan.engine.cache import cache_folder
from pmsgan.engine.choices import CompilingBackend, Precision
from pmsgan.engine.select import open_engine
from pmsgan.errors import EngineError


def build(
    style: str,
    *,
    backend: CompilingBackend = "auto",
    precision: Precision = "auto",
) -> str:
    """Compile a style for this machine into the user's cache.

    Returns:
        One line that says what was prepared, and where.

    Raises:
        StyleError: there is no such style.
        EngineError: no backend here can run it, or the one taken compiles nothing.
    """
    with open_engine(style, backend=backend, precision=precision) as engine:
        info = engine.info
    if info.backend == "eager":
        raise EngineError("eager PyTorch compiles nothing: pip install openvino")
    return (
        f"prepared {style} for {info.backend} ({info.runtime}, {info.device}, {info.precision}, "
        f"{info.width}x{info.height}) in {cache_folder(info.backend)}"
    )
