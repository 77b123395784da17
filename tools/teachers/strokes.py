"""Lines that follow the shapes of a picture, whatever its light: what the teachers draw with.

Lines are found by a difference of Gaussians that is smoothed along the shapes, and measured
against the contrast of its neighbourhood: a nose in the shade counts as much as one in the sun.

Sources: H. Winnemoeller, J. E. Kyprianidis, S. C. Olsen, "XDoG", Computers & Graphics 36, 2012;
H. Kang, S. Lee, C. K. Chui, "Coherent line drawing", NPAR 2007; J. E. Kyprianidis, J. Doellner,
"Image abstraction by structure adaptive filtering", TPCG 2008 (flow from the structure tensor).
"""

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float32]
"""float32 [H, W]."""

SIGMA_RATIO = 1.6
"""The wider Gaussian to the narrower one: closest to the Laplacian of a Gaussian."""
FLOW_SIGMA = 2.0
"""Smoothing of the structure tensor [pixels]."""
NEIGHBOURHOOD = 16.0
"""Gaussian in which the contrast of lines is compared [pixels]."""


class Flow(NamedTuple):
    """Directions along the shapes of a picture: components of unit vectors."""

    x: Plane
    y: Plane


def to_lab(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return uint8 [H, W, 3] BGR as CIELAB, float32: L* 0..100, a*, b*."""
    return cv2.cvtColor(image.astype(np.float32) / 255.0, cv2.COLOR_BGR2LAB).astype(np.float32)


def smooth_texture(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Remove noise and the finest texture from a picture, and keep its edges."""
    for _ in range(2):
        image = cv2.bilateralFilter(image, 7, 25.0, 4.0).astype(np.uint8, copy=False)
    return image


def blur(values: Plane, sigma: float) -> Plane:
    """Return values smoothed by a Gaussian of `sigma` pixels."""
    return cv2.GaussianBlur(values, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101).astype(
        np.float32, copy=False
    )


def flow_of(lightness: Plane) -> Flow:
    """Return the directions along which a picture changes least."""
    x = cv2.Scharr(lightness, cv2.CV_32F, 1, 0)
    y = cv2.Scharr(lightness, cv2.CV_32F, 0, 1)
    xx, xy, yy = (blur(product, FLOW_SIGMA) for product in (x * x, x * y, y * y))
    angle = 0.5 * np.arctan2(2.0 * xy, xx - yy) + np.pi / 2.0
    return Flow(np.cos(angle), np.sin(angle))


def smooth_along(values: Plane, flow: Flow, sigma: float) -> Plane:
    """Return values smoothed along the flow by a Gaussian of `sigma` pixels."""
    rows, columns = np.indices(values.shape, np.float32)
    total, weights = values.copy(), 1.0
    for sign in (1.0, -1.0):
        x, y, step_x, step_y = columns, rows, sign * flow.x, sign * flow.y
        for distance in range(1, round(2.0 * sigma) + 1):
            x, y = x + step_x, y + step_y
            weight = float(np.exp(-(distance**2) / (2.0 * sigma**2)))
            total += weight * _read(values, x, y, cv2.INTER_LINEAR)
            weights += weight
            next_x = _read(flow.x, x, y, cv2.INTER_NEAREST)
            next_y = _read(flow.y, x, y, cv2.INTER_NEAREST)
            onward = np.where(
                next_x * step_x + next_y * step_y < 0.0, np.float32(-1), np.float32(1)
            )
            step_x, step_y = onward * next_x, onward * next_y
    return total / np.float32(weights)


def line_contrast(lightness: Plane, flow: Flow, *, sigma: float, floor: float) -> Plane:
    """Say how far each pixel stands out as a line, against its neighbourhood.

    Args:
        lightness: L*, 0..100.
        flow: of the same picture.
        sigma: thickness of the lines [pixels].
        floor: contrast that counts as none [L*]: it keeps noise from becoming lines.

    Returns:
        Positive on dark lines, negative on light ones; 1 is the neighbourhood's own contrast.
    """
    excess = blur(lightness, sigma * SIGMA_RATIO) - blur(lightness, sigma)
    excess = smooth_along(excess, flow, 3.0)
    usual = np.sqrt(blur(excess * excess, NEIGHBOURHOOD))
    return excess / (usual + np.float32(floor))


def ink_above(contrast: Plane, threshold: Plane | float) -> Plane:
    """Return ink, 0..1, where lines stand out by more than a threshold; its edges are soft."""
    return np.tanh(2.2 * np.maximum(contrast - threshold, 0.0)).astype(np.float32, copy=False)


def is_below(values: Plane, limit: float, softness: float) -> Plane:
    """Return 1 where values are below a limit, else 0; edges are about two pixels wide.

    Args:
        values: smooth ones.
        limit: in their unit.
        softness: difference to the limit that stays undecided where values hardly change.
    """
    x = cv2.Sobel(values, cv2.CV_32F, 1, 0, scale=1 / 8)
    y = cv2.Sobel(values, cv2.CV_32F, 0, 1, scale=1 / 8)
    slope = np.hypot(x, y) + np.float32(softness)
    return (0.5 + 0.5 * np.tanh(1.3 * (limit - values) / slope)).astype(np.float32, copy=False)


def skin_likeness(lab: NDArray[np.float32]) -> Plane:
    """Return 1 where the hue is that of skin, light or dark, down to 0 for other hues."""
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1]))
    return np.exp(-(((hue - 47.0) / 30.0) ** 2)).astype(np.float32, copy=False)


def _read(values: Plane, x: Plane, y: Plane, interpolation: int) -> Plane:
    return cv2.remap(values, x, y, interpolation, borderMode=cv2.BORDER_REFLECT_101).astype(
        np.float32, copy=False
    )
