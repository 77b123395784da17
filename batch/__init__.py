"""Convert a folder of pictures: `pmsgan.batch.convert_folder`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pmsgan.batch.convert import convert_folder

__all__ = ["convert_folder"]


def __getattr__(name: str) -> Any:
    """Import what is public when it is asked for, so that `pmsgan --help` need not wait for it."""
    if name == "convert_folder":
        from pmsgan.batch.convert import convert_folder

        return convert_folder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
