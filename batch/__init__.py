"""Convert a folder of pictures: `pmsgan.batch.convert_folder`."""

from typing import TYPE_CHECKING, Any

from pmsgan.batch.settings import Cluster, ConvertSettings, RunSettings, Selection

if TYPE_CHECKING:
    from pmsgan.batch.convert import convert_folder

__all__ = ["Cluster", "ConvertSettings", "RunSettings", "Selection", "convert_folder"]


def __getattr__(name: str) -> Any:
    """Import `convert_folder` when it is asked for: `pmsgan --help` need not wait for it."""
    if name == "convert_folder":
        from pmsgan.batch.convert import convert_folder

        return convert_folder
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
