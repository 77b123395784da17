"""Train a style from pairs of pictures: `pmsgan.training.train_style`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pmsgan.training.style import train_style

__all__ = ["train_style"]


def __getattr__(name: str) -> Any:
    """Import public names on first use, so that `pmsgan --help` need not wait for them."""
    if name == "train_style":
        from pmsgan.training.style import train_style

        return train_style
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
