"""What to measure, readable without torch."""

from dataclasses import dataclass

from pmsgan.errors import ConfigError
from pmsgan.model.config import check_sides

CONTENDERS = ("tensorrt", "tensorrt-rtx", "openvino", "eager", "torch-compile", "pix2pix")
"""The backends, torch.compile, and the peer network under eager PyTorch."""


PEER_SIDE_MULTIPLE = 256
"""Both sides of the peer's pictures are multiples of this: it halves them eight times [pixels]."""


def fits_peer(height: int, width: int) -> bool:
    """Say whether the peer network takes pictures of this size [pixels]."""
    return height % PEER_SIDE_MULTIPLE == 0 and width % PEER_SIDE_MULTIPLE == 0


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchmarkConfig:
    """What is measured beside each other."""

    sizes: tuple[int, ...] = ()
    """Sides of square pictures [pixels]; empty is the style's own size."""
    batches: tuple[int, ...] = ()
    """Pictures in a slot; empty is the first backend's own choice."""
    contenders: tuple[str, ...] = CONTENDERS
    """Some of `CONTENDERS`; the first one of the backends that can run here is held against all."""
    num_threads: int | None = None
    """That a CPU computes with; None is all of it."""
    num_rounds: int = 3
    """Times that all are gone through, each one in a new process."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a value outside its range."""
        for name in ("sizes", "batches"):
            if any(number < 1 for number in getattr(self, name)):
                raise ConfigError(f"{name} is {getattr(self, name)}: they must be at least 1")
        for size in self.sizes:
            check_sides(size, size)
        for name in ("num_threads", "num_rounds"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ConfigError(f"{name} is {number}: it must be at least 1")
        for name in self.contenders:
            if name not in CONTENDERS:
                raise ConfigError(f"backend {name!r}: use some of {', '.join(CONTENDERS)}")
