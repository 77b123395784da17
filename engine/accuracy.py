"""Compare one graph in two runtimes, in grey levels and PSNR."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pmsgan.counts import count

Pictures = NDArray[np.uint8]
"""Pictures [N, H, W, 3] BGR."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Accuracy:
    """Differences of pictures from their reference."""

    max_difference: int
    """Largest difference of a byte [grey levels, 0..255]."""
    mean_difference: float
    """Mean difference of all bytes [grey levels, 0..255]."""
    psnr_db: float
    """Peak signal-to-noise ratio [dB]; it is infinite if the pictures are equal."""

    @property
    def decibels(self) -> str:
        """Return the PSNR for people."""
        return f"{self.psnr_db:.1f} dB" if math.isfinite(self.psnr_db) else "infinite"

    def to_json(self) -> dict[str, Any]:
        """Return the content for JSON; an infinite PSNR is null, since JSON has no infinity."""
        return asdict(self) | {"psnr_db": self.psnr_db if math.isfinite(self.psnr_db) else None}

    def __str__(self) -> str:
        """Return one line for people."""
        return (
            f"largest difference {count(self.max_difference, 'grey level')}, "
            f"mean {self.mean_difference:.4f}, PSNR {self.decibels}"
        )


def compare(pictures: Pictures, reference: Pictures) -> Accuracy:
    """Compare pictures uint8 [N, H, W, 3] with a reference of the same shape."""
    difference = pictures.astype(np.int16) - reference.astype(np.int16)
    mean_square = float(np.mean(np.square(difference, dtype=np.float64)))
    return Accuracy(
        max_difference=int(np.abs(difference).max()),
        mean_difference=float(np.abs(difference).mean()),
        psnr_db=10.0 * math.log10(255.0**2 / mean_square) if mean_square else math.inf,
    )


def has_constant_picture(pictures: Pictures) -> bool:
    """Return whether a picture has only one colour, which NaN from the network turns into."""
    colors = pictures.reshape(len(pictures), -1, 3)
    return bool((colors == colors[:, :1]).all(axis=(1, 2)).any())


def check_pictures(height: int, width: int) -> Pictures:
    """Draw test pictures that no style was made for, but that every graph must handle.

    Returns:
        Lines on paper, smooth colour, noise, and a black and a white half: uint8 [4, H, W, 3] BGR.
        They are the same in every call.
    """
    rng = np.random.default_rng(0)
    lines = np.full((height, width, 3), 255, np.uint8)
    center = (width // 2, height // 2)
    radius = min(height, width) // 3
    cv2.circle(lines, center, radius, (0, 0, 0), 2, cv2.LINE_AA)
    for dx in (-radius // 2, radius // 2):
        cv2.circle(lines, (center[0] + dx, center[1]), radius // 6, (0, 0, 0), 1, cv2.LINE_AA)
    coarse = rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)
    smooth = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_LINEAR)
    noise = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    halves = np.zeros((height, width, 3), np.uint8)
    halves[:, width // 2 :] = 255
    return np.stack([lines, smooth, noise, halves]).astype(np.uint8)
