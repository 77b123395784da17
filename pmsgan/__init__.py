"""Train PMSGAN face-translation networks and convert folders of pictures with them."""

from pkgutil import extend_path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pmsgan.batch.translator import Translator, open_style

# In a checkout, pmsgan/ is found before an installed copy, and holds no batch, engine or export.
# This adds the folders called pmsgan that come later on sys.path, so that they are found there.
__path__ = extend_path(__path__, __name__)
__version__ = "0.2.0"
__all__ = ["Translator", "__version__", "open_style"]


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that `pmsgan --help` does not wait for them."""
    if name in ("Translator", "open_style"):
        from pmsgan.batch import translator

        return getattr(translator, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
