"""Split a picture of flat colours and line art into its parts.

In such a picture a pixel is the colour of a part times what the ink lets through or, at the edge
of two parts, a blend of both. So each pixel is a sum of part colours with amounts from 0 to 1: the
amounts add up to 1 where there is no ink, and to 0 where a line is black. The same amounts of
other colours give the same picture in other colours, with the same lines.
"""

import functools
import itertools

import cv2
import numpy as np
from numpy.typing import NDArray

from pmsgan.batch.pictures.colour import Pixels

SURE = 12.0
"""A pixel this close to a part's colour belongs to that part [CIELAB units]."""
NOISE = 4.0
"""Standard deviation of what the network adds to a colour [levels of 0..255]."""
REACH = 3.0
"""Distance at which a part is e times less likely to have a share in a pixel [pixels]."""
FAINT = 0.04
"""Amount of ink that the network adds where there is none."""
DISTINCT = 40.0
"""A colour this far from all blends of others is no accident [levels of 0..255]."""
FEW = 4
"""Least pixels of such a colour that show that its part is present."""

_BITS = 5
"""Leading bits of each channel that decide which part a colour is surely of."""

_Floats = NDArray[np.float32]


def separate(image: Pixels, colours: Pixels) -> _Floats | None:
    """Return how much of each part there is in each pixel.

    A part is in the picture if it fills a square of three by three pixels somewhere. Its colour is
    then the mean of such areas, so that it need not be exactly the one that is given. A few pixels
    suffice for a part whose colour no blend of these parts has, such as the whites of eyes.

    Args:
        image: flat colours and line art, uint8 [H, W, 3] BGR.
        colours: those of the parts, uint8 [N, 3] BGR.

    Returns:
        float32 [N, H, W], 0..1; the sum over the parts is 1 where there is no ink. None if no part
        is in the picture.
    """
    nearest = _nearest_parts(image, colours)
    labels = _sure_areas(nearest, len(colours))
    large = np.flatnonzero(_counts(labels)[: len(colours)]).tolist()
    areas = {part: labels == part for part in large}
    if not areas:
        return None
    amounts = np.zeros((len(colours), *labels.shape), np.float32)
    pixels = image.astype(np.float32)
    seen = {part: _mean(pixels, area) for part, area in areas.items()}
    for part, colour in seen.items():
        light = cv2.transform(pixels, colour[None] / max(1.0, float(colour @ colour)))
        np.copyto(amounts[part], light, where=areas[part])
    for part in _small_parts(nearest, colours, np.stack(list(seen.values()))):
        if part not in seen:
            areas[part], seen[part] = nearest == part, colours[part].astype(np.float32)
    is_open = labels == len(colours)
    far = np.stack([_distance(area)[is_open] for area in areas.values()])
    shares = _mix(pixels[is_open], is_open, np.stack(list(seen.values())), far)
    for part, share in zip(seen, shares, strict=True):
        amounts[part][is_open] = share
    light = amounts.sum(axis=0)
    amounts *= np.minimum(light / (1 - FAINT), 1) / np.maximum(light, 1e-6)
    return amounts


def _nearest_parts(image: Pixels, colours: Pixels) -> NDArray[np.uint8]:
    """Return the part whose colour each pixel surely has, uint8 [H, W]; N if undecided."""
    blue, green, red = (channel.astype(np.uint16) >> (8 - _BITS) for channel in cv2.split(image))
    cube = _colour_cube(colours.tobytes())
    return np.asarray(cube[(blue << 2 * _BITS) | (green << _BITS) | red], np.uint8)


def _sure_areas(nearest: NDArray[np.uint8], num_parts: int) -> NDArray[np.uint8]:
    """Return the part of each pixel whose neighbours agree, uint8 [H, W]; N if undecided."""
    around = np.ones((3, 3), np.uint8)
    is_inner = cv2.erode(nearest, around) == cv2.dilate(nearest, around)
    return np.where(is_inner, nearest, num_parts).astype(np.uint8)


def _small_parts(nearest: NDArray[np.uint8], colours: Pixels, large: _Floats) -> list[int]:
    """Return the parts that have a few pixels in a colour that no blend of large parts has.

    Args:
        nearest: the part that each pixel is surely of, uint8 [H, W].
        colours: those of the parts, uint8 [N, 3] BGR.
        large: those of the parts that fill areas, float32 [M, 3], 0..255.
    """
    few = np.flatnonzero(_counts(nearest)[: len(colours)] >= FEW)
    own = colours[few].astype(np.float32)
    blends = [_blends(own, large[some]) @ large[some] for some in _pairs(large)]
    distances = np.linalg.norm(np.stack(blends) - own, axis=2).min(axis=0)
    return [int(part) for part in few[distances > DISTINCT]]


def _counts(labels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return how many pixels have each label, float32 [256]."""
    return np.asarray(cv2.calcHist([labels], [0], None, [256], [0, 256]), np.float32).ravel()


@functools.lru_cache(maxsize=8)
def _colour_cube(colours: bytes) -> NDArray[np.uint8]:
    """Return the part that each colour is surely of, uint8 [2 ** (3 * bits)]; N where it is open.

    Args:
        colours: bytes of the parts' colours, uint8 [N, 3] BGR.
    """
    step = 2 ** (8 - _BITS)
    levels = np.arange(step // 2, 256, step, dtype=np.uint8)
    cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(1, -1, 3)
    parts = _lab(np.frombuffer(colours, np.uint8).reshape(1, -1, 3))
    distances = np.linalg.norm(_lab(cube)[0][:, None] - parts, axis=2)
    nearest = distances.argmin(axis=1).astype(np.uint8)
    nearest[distances.min(axis=1) > SURE] = parts.shape[1]
    return np.asarray(nearest, np.uint8)


def _mix(pixels: _Floats, where: NDArray[np.bool_], colours: _Floats, far: _Floats) -> _Floats:
    """Explain each pixel by one part or two: the nearer and the better they fit, the likelier.

    Args:
        pixels: float32 [M, 3], 0..255.
        where: their places, bool [H, W].
        colours: those of the parts, float32 [N, 3], 0..255.
        far: how far each part's area is from each pixel, float32 [N, M].

    Returns:
        Amounts, float32 [N, M].
    """
    best = np.full(len(pixels), np.inf, np.float32)
    amounts = np.zeros((len(colours), len(pixels)), np.float32)
    costs = np.zeros(where.shape, np.float32)
    unlikely = far / np.float32(REACH)
    lab = _lab(np.rint(colours[None]).astype(np.uint8))[0]
    for some in _pairs(colours):
        share = _blends(pixels, colours[some])
        missing = share @ colours[some]
        missing -= pixels
        cost = np.einsum("ij,ij->i", missing, missing)
        cost /= 2 * NOISE * NOISE
        for part in some:
            cost += unlikely[part]
        costs[where] = cost
        cost = cv2.blur(costs, (3, 3))[where]  # neighbours decide together
        better = np.flatnonzero(cost < best)
        best[better] = cost[better]
        amounts[:, better] = 0
        share = share[better]
        if len(some) == 2:
            apart = float(np.linalg.norm(lab[some[0]] - lab[some[1]]))
            share = _steepened(share, min(0.4, SURE / apart))
        for number, part in enumerate(some):
            amounts[part, better] = share[:, number]
    return amounts


def _pairs(colours: _Floats) -> list[list[int]]:
    """Return each colour's number alone, and those of each two."""
    numbers = range(len(colours))
    return [*([one] for one in numbers), *map(list, itertools.combinations(numbers, 2))]


def _blends(pixels: _Floats, colours: _Floats) -> _Floats:
    """Return how much of one colour or two makes each pixel best, float32 [M, 1 or 2], 0..1."""
    share = np.maximum(pixels @ np.linalg.pinv(colours), 0)
    light = sum(share.T, start=np.zeros(1, np.float32))
    share /= np.maximum(light, 1)[:, None]
    return share


def _steepened(share: _Floats, margin: float) -> _Floats:
    """Return blends [M, 2] of which those nearly of one part are all of it, as sure areas are."""
    light = share.sum(axis=1)
    first = share[:, 0] / np.maximum(light, 1e-6)
    first = np.clip((first - margin) / (1 - 2 * margin), 0, 1)
    return np.stack([first * light, (1 - first) * light], axis=1)


def _mean(pixels: _Floats, area: NDArray[np.bool_]) -> _Floats:
    """Return the mean colour of an area, float32 [3]."""
    return np.array(cv2.mean(pixels, area.view(np.uint8))[:3], np.float32)


def _distance(area: NDArray[np.bool_]) -> _Floats:
    """Return how far each pixel is from an area [pixels]."""
    return np.asarray(cv2.distanceTransform((~area).view(np.uint8), cv2.DIST_L2, 3), np.float32)


def _lab(image: Pixels) -> _Floats:
    return np.asarray(
        cv2.cvtColor(image.astype(np.float32) / np.float32(255), cv2.COLOR_BGR2LAB), np.float32
    )
