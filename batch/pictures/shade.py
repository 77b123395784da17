"""Cel shading: one darker tone, placed by the positions of the parts alone.

The light comes from the upper left. A body is in the shade along its edges away from the light,
and where a body above it throws a shadow on it, as hair does on a face.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pmsgan.batch.pictures.colour import Pixels
from pmsgan.batch.pictures.flats import enlarge_flat

DARKNESS = 0.2
"""Share of light that a shaded place lacks."""

_GROUND = "ground"
"""The part that is never shaded."""
_FACE = ("skin", "beard", "eyes", "white", "mouth", "glasses")
"""Parts that are one body."""
_WIDTH = 0.075
"""Width of shades, as a share of the side of a square as large as all bodies."""
_OWN = (0.6, 0.8)
"""Offset from an edge into its shade, right and down, in widths of a shade."""
_THROWN = (0.45, 0.7)
"""Offset from an edge to its shadow, right and down, in widths of a shade."""
_BLUR = 0.6
"""Standard deviation of the blur that rounds shades, in widths of a shade."""
_LEAST = 0.02
"""A body with a smaller share of all bodies has no shades."""

_Floats = NDArray[np.float32]


def find_shade(names: Sequence[str], alphas: Pixels, size: tuple[int, int]) -> Pixels:
    """Return how opaque the black is that shades a picture of parts that cover each other.

    Args:
        names: of the parts, from the lowest up.
        alphas: of the parts, 0 transparent .. 255 opaque, uint8 [N, h, w].
        size: height and width of the result [pixels].

    Returns:
        uint8 [H, W]: 0 where light falls, 255 times `DARKNESS` in the shade.
    """
    shade = enlarge_flat(_find_small(names, alphas), size)
    return np.asarray(cv2.convertScaleAbs(shade, alpha=DARKNESS), np.uint8)


def _find_small(names: Sequence[str], alphas: Pixels) -> Pixels:
    """Return where it is shaded, at the size of the alphas: uint8 [h, w], 0 lit .. 255 shaded."""
    bodies = _bodies(names, alphas)
    area = float(sum(body.sum() for body in bodies))
    width = _WIDTH * area**0.5
    shade, above = (np.zeros(alphas.shape[1:], np.float32) for _ in range(2))
    for body in reversed(bodies):
        if body.sum() >= _LEAST * area:
            own = 1 - _moved(body, width, [-way for way in _OWN])
            np.maximum(shade, _two_tones(own, width) * body, out=shade)
            thrown = _moved(above, width, _THROWN)
            np.maximum(shade, _two_tones(thrown, width) * body, out=shade)
            above += body
    return np.rint(255 * shade).astype(np.uint8)


def _bodies(names: Sequence[str], alphas: Pixels) -> list[_Floats]:
    """Return the visible part of each body, float32 [h, w], 0..1, from the lowest up."""
    bodies: dict[str, _Floats] = {}
    is_free = np.ones(alphas.shape[1:], np.float32)
    for name, alpha in zip(reversed(names), alphas[::-1], strict=True):
        seen = is_free * alpha / 255
        is_free -= seen
        if name != _GROUND:
            body = "face" if name in _FACE else name
            bodies[body] = bodies[body] + seen if body in bodies else seen
    return list(reversed(bodies.values()))


def _moved(body: _Floats, width: float, way: Sequence[float]) -> _Floats:
    """Return a body moved and rounded; it continues beyond the picture."""
    right, down = (width * component for component in way)
    matrix = np.array([[1, 0, right], [0, 1, down]], np.float32)
    moved = cv2.warpAffine(body, matrix, body.shape[::-1], borderMode=cv2.BORDER_REPLICATE)
    blur = max(0.5, _BLUR * width)
    return np.asarray(cv2.GaussianBlur(moved, (0, 0), blur, borderType=cv2.BORDER_REPLICATE))


def _two_tones(share: _Floats, width: float) -> _Floats:
    """Return 1 where more than a half is shaded and else 0, with edges one pixel wide."""
    steepness = 2.5 * max(0.5, _BLUR * width)  # of an edge that is blurred as much
    return np.asarray(np.clip((share - 0.5) * steepness + 0.5, 0, 1), np.float32)
