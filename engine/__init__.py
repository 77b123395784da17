"""Run a style on this machine: `pmsgan.engine.open_engine`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pmsgan.engine.open import open_engine

__all__ = ["open_engine"]


def __getattr__(name: str) -> Any:
    """Import `open_engine` on first use, so that `pmsgan --help` does not wait for it."""
    if name == "open_engine":
        from pmsgan.engine.open import open_engine

        return open_engine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
