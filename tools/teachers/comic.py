"""The teacher of the style `comic`: a photograph becomes a page of a graphic novel.

Flat areas by L0 smoothing, lightness in a few even steps, livelier colours with skin left as it
is, shadows lifted so that dark faces keep their shape, spot blacks, and lines on top.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from teachers.flatten import flatten
from teachers.strokes import (
    Flow,
    Plane,
    blur,
    flow_of,
    ink_above,
    is_below,
    line_contrast,
    skin_likeness,
    smooth_along,
    smooth_texture,
    to_lab,
)

INK = (35.0, 24.0, 22.0)
"""Blue, green and red of lines and spot blacks: a bluish black."""
STEP = 12.0
"""Height of a step of lightness [L*]."""
SHADOWS = 0.65
"""Exponent that lifts shadows; light tones keep theirs."""
PAPER = 1.05
"""Factor of lightness that turns what is nearly white into bare paper."""
BLACK = 8.0
"""Lightness below which an area becomes a spot black [L*]."""


def draw_comic(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Draw a photograph as a comic, at its own size.

    Args:
        photo: uint8 [H, W, 3] BGR, at least 17 pixels high and wide.

    Returns:
        uint8 [H, W, 3] BGR.
    """
    areas = photo
    for _ in range(3):
        areas = cv2.bilateralFilter(areas, 9, 30.0, 9.0).astype(np.uint8, copy=False)
    flat = flatten(areas.astype(np.float32) / 255.0, 0.008)
    flat = cv2.cvtColor(flat, cv2.COLOR_BGR2LAB).astype(np.float32)
    lightness = to_lab(smooth_texture(photo))[..., 0]
    flow = flow_of(lightness)
    colors = _print_colors(flat, lightness, flow)
    lines = ink_above(line_contrast(lightness, flow, sigma=1.0, floor=0.8), 0.45)
    blacks = is_below(smooth_along(blur(lightness, 1.0), flow, 3.0), BLACK, 0.4)
    ink = np.maximum(lines, blacks)[..., np.newaxis]
    return np.rint(colors * (1.0 - ink) + np.array(INK, np.float32) * ink).astype(np.uint8)


def _print_colors(flat: NDArray[np.float32], detail: Plane, flow: Flow) -> NDArray[np.float32]:
    """Return the colours below the lines, float32 [H, W, 3] BGR, 0..255."""
    before = smooth_along(blur(0.75 * flat[..., 0] + 0.25 * detail, 0.6), flow, 2.0)
    share = np.clip(before / 100.0, 0.001, 1.0)
    lifted = 100.0 * share ** (SHADOWS + (1.0 - SHADOWS) * share)
    lift = np.minimum(lifted / np.maximum(before, 4.0), 1.6)  # else what is lifted turns grey
    chroma = np.linalg.norm(flat[..., 1:], axis=2)
    skin = skin_likeness(flat)
    lively = 1.0 + 0.4 * np.exp(-((chroma / 70.0) ** 2)) * (1.0 - 0.8 * skin)
    lively -= 0.25 * skin * np.clip((chroma - 20.0) / 30.0, 0.0, 1.0)
    color = flat[..., 1:] * (lively * lift)[..., np.newaxis]
    lab = np.dstack([_in_steps(PAPER * lifted), color]).astype(np.float32)
    bgr = cv2.cvtColor(lab, cv2.COLOR_LAB2BGR).astype(np.float32)
    return np.clip(255.0 * bgr, 0.0, 255.0)


def _in_steps(lightness: Plane) -> Plane:
    """Return lightness in steps of STEP, with short slopes between them."""
    nearest = np.rint(lightness / STEP)  # the middle of a slope
    return STEP * (nearest + 0.5 * np.tanh(12.0 * (lightness / STEP - nearest)))
