"""Run a style here: `pmsgan.engine.open_engine`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pmsgan.engine.open import open_engine

__all__ = ["open_engine"]


def __getattr__(name: str) -> Any:
    """Import what is public when it is asked for, so that `pmsgan --help` need not wait for it."""
    if name == "open_engine":
        from pmsgan.engine.open import open_engine

        return open_engine
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
