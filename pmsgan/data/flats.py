"""Flat colours of an illustration, and line art made from them.

Line art comes from the coloured picture itself: boundaries between areas of colour together with
its dark strokes. It is made after the picture is turned and scaled, so that lines stay crisp.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pmsgan.errors import DataError

DARK = 70
"""A pixel is a dark stroke if all its channels are below this."""
SAME_COLOR = 12.0
"""Colours that are closer are one flat colour [CIELAB units]."""
MIN_SHARE = 5e-4
"""Least share of the picture that a flat colour covers."""
MAX_COLORS = 200
"""Most flat colours of one picture."""
NO_AREA = "no colour covers an area: give illustrations in flat colours"
MIN_NEIGHBOURS = 4
"""Fewest of the eight neighbours that have a pixel's colour; with fewer, it blends an edge."""


@dataclass(frozen=True, slots=True)
class Flats:
    """An illustration split into flat colours and dark strokes."""

    palette: NDArray[np.uint8]
    """BGR colours, uint8 [K, 3]."""
    labels: NDArray[np.uint8]
    """Index of each pixel's colour, uint8 [H, W]; below a stroke, the colour beside it."""
    ink: NDArray[np.uint8]
    """Dark strokes, uint8 [H, W]: 255 is ink."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Placement:
    """Where a drawing lies on its page."""

    turn_deg: float = 0.0
    scale: float = 1.0
    shift: tuple[float, float] = (0.0, 0.0)
    """Right and down, as a share of the page's side."""
    mirrored: bool = False
    margins: bool = False
    """Whether colours end at the picture's lower border; otherwise they continue below it."""
    wobble: NDArray[np.float32] | None = None
    """Offsets of an unsteady hand: float32 [h, w, 2], right and down [pixels], stretched over
    the page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Pen:
    """How lines are drawn. Lengths are in pixels of the page."""

    contrast: float = 110.0
    """Gradient, summed over L, a and b in 0..255, at which a boundary is a full line."""
    widen: int = 0
    """How much wider than the narrowest a line is; -1 makes strokes of the picture narrower."""
    softness: float = 1.0
    """Standard deviation of the blur."""


def find_flats(image: NDArray[np.uint8]) -> Flats:
    """Split an illustration into a few flat colours and its dark strokes.

    Blends along edges, soft shading and compression artefacts become the nearest flat colour.

    Args:
        image: uint8 [H, W, 3] BGR.

    Raises:
        DataError: no colour covers an area.
    """
    dark = cv2.max(cv2.max(image[:, :, 0], image[:, :, 1]), image[:, :, 2]) < DARK
    if dark.all():
        raise DataError(NO_AREA)
    bins = _bins(image)
    palette, label_of_bin = _palette(image[~dark], bins[~dark])
    labels = label_of_bin[bins]
    unknown = dark | (labels == MAX_COLORS) | _is_thin(labels)
    if unknown.all():
        raise DataError(NO_AREA)
    _, nearest = cv2.distanceTransformWithLabels(
        unknown.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    label_of_pixel = np.zeros(int(nearest.max()) + 1, np.uint8)
    label_of_pixel[nearest[~unknown]] = labels[~unknown]
    labels = label_of_pixel[nearest]
    labels[-1] = _beside_strokes(labels[-1], dark[-1])
    return Flats(palette, labels, dark.astype(np.uint8) * 255)


def place(flats: Flats, placement: Placement, side: int) -> Flats:
    """Put a drawing on a square page of `side` pixels."""
    height, width = flats.labels.shape
    x, y = (side * (0.5 + share) for share in placement.shift)
    fit = side / max(height, width) * placement.scale
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), placement.turn_deg, fit)
    page_from_picture = np.asarray(turn, np.float64)
    page_from_picture[:, 2] += (x - width / 2, y - height / 2)
    if placement.mirrored:
        page_from_picture[:, 2] += page_from_picture[:, 0] * width
        page_from_picture[:, 0] = -page_from_picture[:, 0]
    a, b, c, d, e, f = cv2.invertAffineTransform(page_from_picture).astype(np.float32).ravel()
    rows, columns = np.indices((side, side), np.float32)
    if placement.wobble is not None:
        stray = cv2.resize(placement.wobble, (side, side), interpolation=cv2.INTER_CUBIC)
        columns, rows = columns + stray[:, :, 0], rows + stray[:, :, 1]
    across, down = a * columns + b * rows + c, d * columns + e * rows + f
    outside = cv2.BORDER_CONSTANT
    ink = cv2.remap(flats.ink, across, down, cv2.INTER_LINEAR, None, outside, 0)
    if not placement.margins:
        down = np.minimum(down, height - 1)
    labels = cv2.remap(flats.labels, across, down, cv2.INTER_NEAREST, None, outside, _ground(flats))
    return Flats(flats.palette, labels.astype(np.uint8), ink.astype(np.uint8))


def draw_line_art(flats: Flats, pen: Pen) -> NDArray[np.float32]:
    """Draw boundaries between colours, and dark strokes.

    Returns:
        Amount of ink, float32 [H, W], 0..1.
    """
    palette = flats.palette[np.newaxis]
    lab = cv2.cvtColor(palette, cv2.COLOR_BGR2LAB)[0].astype(np.float32)
    gradient = np.zeros(flats.labels.shape, np.float32)
    for channel in range(3):
        tone = np.take(lab[:, channel], flats.labels)
        gradient += cv2.magnitude(cv2.Sobel(tone, -1, 1, 0), cv2.Sobel(tone, -1, 0, 1))
    edges = np.minimum(gradient / pen.contrast, 1.0)
    strokes = (_narrow(flats.ink) if pen.widen < 0 else flats.ink).astype(np.float32) / 255.0
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (max(0, pen.widen) + 1,) * 2)
    soft = cv2.GaussianBlur(cv2.dilate(edges, disc), (0, 0), pen.softness)
    hard = cv2.GaussianBlur(cv2.dilate(strokes, disc), (0, 0), pen.softness / 2)
    return np.maximum(soft, hard).astype(np.float32)


def find_solid(flats: Flats, width: int) -> NDArray[np.uint8]:
    """Return dark areas that are wider than a stroke: uint8 [H, W], 255 inside."""
    opened = cv2.morphologyEx(flats.ink, cv2.MORPH_OPEN, np.ones((width, width), np.uint8))
    return opened.astype(np.uint8, copy=False)


def color_in(flats: Flats) -> NDArray[np.uint8]:
    """Return the flat colours without lines: uint8 [H, W, 3] BGR."""
    return np.take(flats.palette, flats.labels, axis=0)


def _bins(image: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return the five leading bits of each channel as one number."""
    blue, green, red = (image[:, :, channel].astype(np.uint16) >> 3 for channel in range(3))
    return (blue << 10 | green << 5 | red).astype(np.uint16)


def _palette(
    pixels: NDArray[np.uint8], bins: NDArray[np.uint16]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Choose the commonest colours that differ.

    Returns:
        BGR uint8 [K, 3], and the colour of each bin, MAX_COLORS where none is near: uint8 [2**15].
    """
    counts = np.bincount(bins, minlength=2**15)
    common = np.flatnonzero(counts)
    common = common[np.argsort(-counts[common], kind="stable")]
    sums = [np.bincount(bins, pixels[:, channel], 2**15)[common] for channel in range(3)]
    means = np.stack(sums, axis=1) / counts[common, np.newaxis]
    lab = cv2.cvtColor((means[np.newaxis] / 255.0).astype(np.float32), cv2.COLOR_BGR2LAB)[0]
    chosen: list[int] = []
    nearest, distance = np.zeros(len(common), np.uint8), np.full(len(common), np.inf)
    for index in np.flatnonzero(counts[common] >= MIN_SHARE * len(pixels))[:2000]:
        if distance[index] >= SAME_COLOR and len(chosen) < MAX_COLORS:
            from_this = np.linalg.norm(lab - lab[index], axis=1)
            nearest[from_this < distance] = len(chosen)
            distance = np.minimum(distance, from_this)
            chosen.append(int(index))
    label_of_bin = np.full(2**15, MAX_COLORS, np.uint8)
    label_of_bin[common] = np.where(distance < SAME_COLOR, nearest, MAX_COLORS)
    return np.rint(means[chosen]).astype(np.uint8).reshape(-1, 3), label_of_bin


def _is_thin(labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where few neighbours have a pixel's label."""
    height, width = labels.shape
    padded = np.pad(labels, 1, mode="edge")
    same = np.zeros(labels.shape, np.uint8)
    for row in range(3):
        for column in range(3):
            same += padded[row : row + height, column : column + width] == labels
    return same - 1 < MIN_NEIGHBOURS


def _beside_strokes(row: NDArray[np.uint8], dark: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return labels of a row in which those below a stroke are the next ones left or right.

    The last row continues below the picture, where a stroke's upper side would become a stripe.
    """
    columns = np.arange(len(row))
    clear = columns[~dark]
    if not len(clear):
        return row
    nearest = np.abs(columns[:, np.newaxis] - clear).argmin(axis=1)
    return np.asarray(row[clear[nearest]], np.uint8)


def _ground(flats: Flats) -> int:
    """Return the commonest label along the upper, left and right border."""
    border = [flats.labels[0], flats.labels[:, 0], flats.labels[:, -1]]
    return int(np.bincount(np.concatenate(border)).argmax())


def _narrow(strokes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Erode each stroke by a pixel, unless that would erase it."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    eroded = cv2.erode(strokes, cross)
    vanished = cv2.subtract(strokes, cv2.dilate(eroded, np.ones((5, 5), np.uint8)))
    return cv2.max(eroded, vanished).astype(np.uint8, copy=False)
