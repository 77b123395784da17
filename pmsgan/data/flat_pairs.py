"""Pairs of line art and flat colours, made from illustrations with random variations."""

import hashlib
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pmsgan.data.flats import (
    Flats,
    Pen,
    Placement,
    color_in,
    draw_line_art,
    find_flats,
    find_solid,
    place,
)
from pmsgan.data.paper import Color, Look, photograph, smooth_noise

PAGE = 2
"""Lines are drawn on a page this many times as large as the pair."""
CLEAN = 1 / 8
"""Share of pairs with even black lines on white."""
BREAKS = 1 / 3
"""Share of pairs with gaps in the lines."""
DOUBLE = 1 / 4
"""Share of pairs whose lines are drawn twice, side by side."""
WIDEST_STROKE = 15
"""Dark areas that are wider than this on the page are filled, without gaps [pixels]."""
TOOLS = {"ink": 0.3, "pencil": 0.3, "ball pen": 0.15, "marker": 0.15, "chalk": 0.1}
"""Share of each drawing tool."""


def fit_page(image: NDArray[np.uint8], size: int) -> Flats:
    """Split a picture at the size of the page on which its pairs of `size` pixels are drawn.

    Raises:
        DataError: no colour covers an area.
    """
    scale = PAGE * size / max(image.shape[:2])
    height, width = (max(1, round(scale * length)) for length in image.shape[:2])
    method = cv2.INTER_AREA if scale < 1.0 else cv2.INTER_CUBIC
    fitted = image if scale == 1.0 else cv2.resize(image, (width, height), interpolation=method)
    return find_flats(fitted.astype(np.uint8, copy=False))


def draw_pair(
    flats: Flats, size: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Draw one variation of a picture.

    Args:
        flats: the picture at the size of its page.
        size: side of the pair [pixels].
        rng: decides placement, lines and paper.

    Returns:
        The line art as a camera sees it, and the flat colours below the same lines in black, also
        where the line art is chalk on a board: uint8 [size, size, 3] BGR each.
    """
    clean = rng.random() < CLEAN
    placed = place(flats, _placement(rng, 0.0 if clean else size / 64), PAGE * size)
    look, pen = (Look(), Pen(softness=0.8)) if clean else _hand(rng)
    lines = draw_line_art(placed, pen)
    if not clean:
        solid = find_solid(placed, WIDEST_STROKE)
        lines = np.maximum(_vary_strokes(lines, rng), solid.astype(np.float32) / 255.0)
    lines, colors = (_halve(page, size) for page in (lines, color_in(placed)))
    target = np.rint(colors * (1.0 - lines[:, :, np.newaxis])).astype(np.uint8)
    return photograph(lines, look, rng), target


def make_rng(seed: int, name: str, number: int) -> np.random.Generator:
    """Return the random numbers of one variation of a picture; they depend on nothing else."""
    digest = hashlib.sha256(f"{seed} {number} {name}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:16], "big"))


def _placement(rng: np.random.Generator, max_wobble: float) -> Placement:
    scale = float(np.exp(rng.uniform(np.log(0.5), np.log(1.4))))
    reach = 0.08 + 0.3 * max(0.0, 1.0 - scale)
    wobble = rng.uniform(0.0, max_wobble) * rng.standard_normal((12, 12, 2), np.float32)
    return Placement(
        turn_deg=float(rng.uniform(-25.0, 25.0)),
        scale=scale,
        shift=(float(rng.uniform(-reach, reach)), float(rng.uniform(-reach, reach))),
        mirrored=bool(rng.random() < 0.5),
        margins=bool(rng.random() < 1 / 3),
        wobble=wobble.astype(np.float32),
    )


def _hand(rng: np.random.Generator) -> tuple[Look, Pen]:
    """Choose tool, stroke and paper at random."""
    between, grey = rng.uniform, float(rng.uniform(0.0, 50.0))
    tool = rng.choice(list(TOOLS), p=list(TOOLS.values()))
    pen, paper = (grey, grey, grey), _paper(rng)
    pressure, grain, widen = 1.0, 0.0, int(rng.integers(-1, 3))
    if tool == "pencil":
        pen = (grey + 30.0, grey + 30.0, grey + 30.0)
        pressure, grain = between(0.5, 1.0), between(0.2, 0.7)
    elif tool == "ball pen":
        pen = (between(110.0, 190.0), between(30.0, 80.0), between(10.0, 60.0))
        pressure, grain, widen = between(0.7, 1.0), 0.2, int(rng.integers(-1, 1))
    elif tool == "marker":
        widen = int(rng.integers(3, 7))
    elif tool == "chalk":
        pen, paper = (250.0 - grey, 250.0 - grey, 250.0 - grey), _board(rng)
        pressure, grain = between(0.7, 1.0), between(0.2, 0.6)
    look = Look(
        ink=pen,
        paper=paper,
        pressure=float(pressure),
        grain=float(grain),
        shadow=float(between(0.0, 0.35) if rng.random() < 0.6 else 0.0),
        noise=float(between(0.0, 6.0)),
        blur=float(between(0.3, 0.9) if rng.random() < 0.3 else 0.0),
        jpeg_quality=int(rng.integers(30, 96)) if rng.random() < 0.5 else None,
    )
    strength = float(between(90.0, 150.0))
    return look, Pen(contrast=strength, widen=widen, softness=float(between(0.6, 1.6)))


def _paper(rng: np.random.Generator) -> Color:
    """Choose white or tinted paper."""
    light = rng.uniform(205.0, 255.0)
    warmth = rng.uniform(-8.0, 22.0)
    return (light - max(0.0, warmth), light - abs(warmth) / 3, light + min(0.0, warmth))


def _board(rng: np.random.Generator) -> Color:
    """Choose a black, green or blue board."""
    light = rng.uniform(20.0, 70.0)
    tint = rng.uniform(0.0, 25.0, size=3)
    return (light + tint[0], light + tint[1], light + tint[2] / 2)


def _vary_strokes(lines: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw some lines twice, and leave gaps in some."""
    shape = (lines.shape[0], lines.shape[1])
    if rng.random() < DOUBLE:
        away = rng.uniform(-4.0, 4.0, size=2)
        again = cv2.warpAffine(lines, np.array([[1, 0, away[0]], [0, 1, away[1]]]), shape[::-1])
        where = smooth_noise(rng, shape, cells=6)
        lines = np.maximum(lines, again * where)
    if rng.random() < BREAKS:
        held = smooth_noise(rng, shape, cells=int(rng.integers(12, 30)))
        lines = lines * np.clip((held - rng.uniform(0.05, 0.2)) * 8.0, 0.0, 1.0)
    return lines.astype(np.float32, copy=False)


def _halve(page: NDArray[Any], size: int) -> NDArray[Any]:
    return cv2.resize(page, (size, size), interpolation=cv2.INTER_AREA)
