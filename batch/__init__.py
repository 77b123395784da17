"""Convert pictures: `convert_folder`, `convert_pictures`, `convert_picture`."""

from typing import TYPE_CHECKING, Any

from pmsgan.batch.settings import Cluster, ConvertSettings, RunSettings, Selection
from pmsgan.styles.palette import read_palette

if TYPE_CHECKING:
    from pmsgan.batch.convert import convert_folder, convert_picture, convert_pictures

__all__ = [
    "Cluster",
    "ConvertSettings",
    "RunSettings",
    "Selection",
    "convert_folder",
    "convert_picture",
    "convert_pictures",
    "read_palette",
]


def __getattr__(name: str) -> Any:
    """Import functions on first use, so that `pmsgan --help` need not wait for them."""
    if name in __all__:
        from pmsgan.batch import convert

        return getattr(convert, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
