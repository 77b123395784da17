"""Imitate drawings made by hand: pencil, pen, marker or chalk, paper, light, camera."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Color = tuple[float, float, float]
"""BGR, 0..255."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """The pen and the paper of a drawing, and how it was scanned or photographed."""

    ink: Color = (0.0, 0.0, 0.0)
    paper: Color = (255.0, 255.0, 255.0)
    pressure: float = 1.0
    """Amount of ink in a full line, 0..1."""
    grain: float = 0.0
    """Share of a line's ink that the paper's grain takes off, 0..1."""
    shadow: float = 0.0
    """How much darker the darkest corner of the paper is, 0..1."""
    noise: float = 0.0
    """Standard deviation of the camera's noise [grey levels]."""
    blur: float = 0.0
    """Standard deviation of the camera's blur [pixels]; 0 is sharp."""
    jpeg_quality: int | None = None
    """None leaves it without artefacts."""


def photograph(
    lines: NDArray[np.float32], look: Look, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Return line art as a camera or a scanner sees it.

    Args:
        lines: amount of ink, float32 [H, W], 0..1.
        look: the choices.
        rng: gives grain, light and noise.

    Returns:
        uint8 [H, W, 3] BGR.
    """
    height, width = lines.shape
    grain = rng.random((height, width), np.float32)
    ink = lines * look.pressure * (1.0 - look.grain * grain)
    paper, pen = (np.array(color, np.float32) for color in (look.paper, look.ink))
    picture = paper + ink[:, :, np.newaxis] * (pen - paper)
    if look.shadow:
        light = smooth_noise(rng, (height, width), cells=2)[:, :, np.newaxis]
        picture *= 1.0 - look.shadow * light
    if look.blur:
        picture = cv2.GaussianBlur(picture, (0, 0), look.blur).astype(np.float32, copy=False)
    if look.noise:
        picture += look.noise * rng.standard_normal((height, width, 1), np.float32)
    levels: NDArray[np.uint8] = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    if look.jpeg_quality is None:
        return levels
    data = cv2.imencode(".jpg", levels, [cv2.IMWRITE_JPEG_QUALITY, look.jpeg_quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def smooth_noise(
    rng: np.random.Generator, shape: tuple[int, int], cells: int
) -> NDArray[np.float32]:
    """Return noise that changes over a `cells`-th of the picture: float32 [H, W], about 0..1."""
    coarse = rng.random((cells + 1, cells + 1), np.float32)
    fine = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(fine, 0.0, 1.0).astype(np.float32, copy=False)
