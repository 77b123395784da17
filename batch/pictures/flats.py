"""Find flat colours that continue below the lines, and paint them at the result's size.

A line between two parts has the colour of neither, so a part ends somewhere below it. Lines and
colours are enlarged separately: a line that is enlarged together with a light colour on one side
would spread that light to the other side.
"""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pmsgan.batch.pictures.colour import Pixels

_SHOWN = 32 / 255
"""A pixel with less light is hidden by ink."""
_LINE = 0.4
"""A line lets less light through."""
_CORE = 0.08
"""How much more light the core of a line may let through than the darkest pixel beside it."""
_LEAST = 0.02
"""Shares of a part below this are noise."""
_BLUR = 0.7
"""Standard deviation of the blur before an alpha is enlarged [pixels]."""
_EDGE = 1.3
"""Width of an edge after this blur [pixels]."""
_SURE = 1e-3
"""The lowest part is everywhere with this share, so that there is something below the others."""

_Floats = NDArray[np.float32]


def find_flats(amounts: _Floats, colours: Pixels) -> tuple[Pixels, Pixels]:
    """Return how much light the ink lets through, and how the parts cover each other.

    The lowest part fills the whole; each other one covers the parts below it. Below the ink, the
    neighbouring parts continue, and the darker of two parts fills the space below a line.

    Args:
        amounts: how much there is of each part, from the lowest up, float32 [N, h, w], 0..1; their
            sum is the light.
        colours: colours of the parts, uint8 [N, 3] BGR.

    Returns:
        Light uint8 [h, w], 0..255, and alphas uint8 [N, h, w], 0 transparent .. 255 opaque.
    """
    light = amounts.sum(axis=0)
    shares = amounts / np.maximum(light, 1e-6)
    is_shown = light > _SHOWN
    if is_shown.any():
        is_hidden = ~is_shown
        nearest = _nearest_shown(is_shown)[is_hidden]
        shares[:, is_hidden] = shares.reshape(len(shares), -1)[:, nearest]
    _darken_lines(shares, light, colours)
    shares[shares < _LEAST] = 0
    below = np.full(light.shape, _SURE, np.float32)
    alphas = np.empty(shares.shape, np.uint8)
    for share, alpha in zip(shares, alphas, strict=True):
        below += share
        np.rint(np.minimum(share / below, 1) * 255, out=alpha, casting="unsafe")
    alphas[0] = 255
    return np.rint(np.minimum(light, 1) * 255).astype(np.uint8), alphas


def enlarge_flat(alpha: Pixels, size: tuple[int, int]) -> Pixels:
    """Bring the alpha of a part to the size of a result; its edges get about one pixel wide.

    Args:
        alpha: uint8 [h, w].
        size: height and width of the result [pixels].
    """
    if alpha.shape == size:
        return alpha
    # Without the blur, single pixels on which the network hesitates would become sharp squares.
    smooth = cv2.GaussianBlur(alpha, (3, 3), _BLUR)
    sized = cv2.resize(smooth, size[::-1], interpolation=cv2.INTER_CUBIC)
    steepness = _EDGE * min(size[0] / alpha.shape[0], size[1] / alpha.shape[1])
    steepness = max(1.0, steepness)
    levels = (np.arange(256) - 127.5) * steepness + 127.5
    return np.asarray(cv2.LUT(sized, np.clip(np.rint(levels), 0, 255).astype(np.uint8)), np.uint8)


def paint_flats(alphas: Sequence[Pixels], colours: Pixels) -> Pixels:
    """Return the picture of parts that cover each other.

    Args:
        alphas: of the parts, from the lowest up, uint8 [H, W]; the lowest is opaque.
        colours: of the parts, uint8 [N, 3] BGR.

    Returns:
        uint8 [H, W, 3] BGR.
    """
    highest = np.zeros(alphas[0].shape, np.uint8)
    """The highest part that is opaque."""
    edges = []
    for part, alpha in enumerate(alphas[1:], 1):
        _, top, _, height = cv2.boundingRect(alpha)
        rows = alpha[top : top + height]
        np.copyto(highest[top : top + height], np.uint8(part), where=rows == 255)
        at = np.flatnonzero(cv2.inRange(rows, 1, 254).view(np.bool_))
        edges.append((part, at + top * alpha.shape[1], rows.reshape(-1)[at]))
    table = np.zeros((256, 1, 3), np.uint8)
    table[: len(colours), 0] = colours
    picture = np.asarray(cv2.applyColorMap(highest, table), np.uint8)
    flat, covered_by = picture.reshape(-1, 3), highest.reshape(-1)
    for part, at, alpha in edges:
        is_seen = covered_by[at] < part
        at, share = at[is_seen], alpha[is_seen, None].astype(np.float32) / 255
        below = flat[at].astype(np.float32)
        flat[at] = np.rint(below + (colours[part] - below) * share)
    return picture


def _darken_lines(shares: _Floats, light: _Floats, colours: Pixels) -> None:
    """Extend the darkest part beside a line below it, in place.

    A pen lets some light through. A line between a light part and a dark one would else be half
    dark, half muddy.
    """
    order = np.argsort(cv2.cvtColor(colours[None], cv2.COLOR_BGR2GRAY)[0], kind="stable")
    around = np.ones((3, 3), np.uint8)
    ranks = np.argsort(order).astype(np.uint8)[shares.argmax(axis=0)]
    darkest = order[cv2.erode(ranks, around)]
    is_core = (light < _LINE) & (light <= cv2.erode(light, around) + _CORE)
    shares[:, is_core] = np.arange(len(shares))[:, None] == darkest[is_core]


def _nearest_shown(is_shown: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the number of the nearest pixel that is shown for each pixel, int32 [H, W]."""
    _, labels = cv2.distanceTransformWithLabels(
        (~is_shown).view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    numbers = np.zeros(int(labels.max()) + 1, np.int32)
    numbers[labels[is_shown]] = np.flatnonzero(is_shown)
    return np.asarray(numbers[labels], np.int32)
