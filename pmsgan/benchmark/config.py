"""The settings of a benchmark; importing them needs no torch."""

from dataclasses import dataclass

from pmsgan.errors import ConfigError

PEERS = {"pix2pix": 256, "cyclegan": 4, "u2net": 32}
"""Networks that the paper compares with, and the multiple that the sides of their pictures need.

They are pix2pix's U-Net, CycleGAN's generator with 9 residual blocks, and U2-Net.
"""
CONTENDERS = (
    "tensorrt",
    "tensorrt-rtx",
    "openvino",
    "onnxruntime",
    "eager",
    "torch-compile",
    *PEERS,
)
"""The backends, torch.compile, and the peer networks under eager PyTorch."""


def fits_peer(peer: str, height: int, width: int) -> bool:
    """Say whether a peer network takes pictures of this size [pixels]."""
    return height % PEERS[peer] == 0 and width % PEERS[peer] == 0


@dataclass(frozen=True, kw_only=True, slots=True)
class BenchmarkConfig:
    """The engines, sizes and batches to compare."""

    sizes: tuple[int, ...] = ()
    """Sides of square pictures [pixels]; empty means the style's own size."""
    batches: tuple[int, ...] = ()
    """Pictures in a slot; empty means the first backend's own choice."""
    contenders: tuple[str, ...] = CONTENDERS
    """Some of `CONTENDERS`; the first backend that can run here is compared with all others."""
    num_threads: int | None = None
    """Threads that a CPU computes with; None means one for each core."""
    num_rounds: int = 3
    """How often each contender is measured, each time in a new process."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a value outside its range."""
        for name in ("sizes", "batches"):
            if any(number < 1 for number in getattr(self, name)):
                raise ConfigError(f"{name} is {getattr(self, name)}: they must be at least 1")
        for name in ("num_threads", "num_rounds"):
            number = getattr(self, name)
            if number is not None and number < 1:
                raise ConfigError(f"{name} is {number}: it must be at least 1")
        for name in self.contenders:
            if name not in CONTENDERS:
                raise ConfigError(f"backend {name!r}: use some of {', '.join(CONTENDERS)}")
