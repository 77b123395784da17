"""Prepare an engine ahead of time."""

from pmsgan.engine.cache import cache_folder
from pmsgan.engine.choices import Backend, Precision
from pmsgan.engine.select import choose_backend, open_engine
from pmsgan.errors import EngineError


def build(
    style: str,
    *,
    backend: Backend = "auto",
    precision: Precision = "auto",
) -> str:
    """Compile a style for this machine into the user's cache.

    Returns:
        One line that says what was prepared, and where.

    Raises:
        StyleError: there is no such style.
        EngineError: no backend here can run it, or the one taken compiles nothing.
    """
    choice = choose_backend(backend)
    if choice.backend == "eager":
        raise EngineError("the eager backend compiles nothing: pip install openvino")
    with open_engine(style, backend=choice.backend, precision=precision) as engine:
        info = engine.info
    return (
        f"prepared {style} for {info.backend} ({info.runtime}, {info.device}, {info.precision}, "
        f"{info.width}x{info.height}) in {cache_folder(choice.backend)}"
    )
