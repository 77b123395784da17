"""A picture that the network sees in tiles, whose translations are blended into one.

Neighbouring tiles overlap. Their translations differ a little everywhere, since the network weighs
its channels by the mean of what it sees, and much at their edges, where it does not see what is
beyond. So pixels near an edge do not count at all, and from there each tile's weight fades into its
neighbour's.
"""

import itertools
import math
import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pmsgan.batch.pictures.check import check_tile, is_flat
from pmsgan.batch.pictures.colour import Pixels
from pmsgan.batch.pictures.fit import Box
from pmsgan.errors import ImageError

_OVERLAP = 4
"""Tiles overlap by at least 1 / _OVERLAP of their side."""
_RAMP = 12
"""Tiles are blended over 1 / _RAMP of their side. With both, 64 of 768 pixels at each
edge do not count: eleven portraits of 1344 pixels in tiles differed by 6 grey levels at most from
`ink` in one piece, and by 22 where 48 pixels did not count (tools/seams.py)."""
_ONE = 16
"""The weight of one in a row or a column. Weights are whole numbers: all tiles that share a pixel
count 16 * 16 together, which a sum of bytes takes in 16 bits, in whatever order they come."""
_STRIP_ROWS = 64

_Weights = NDArray[np.uint16]


class Tiles:
    """A picture in tiles; any thread may add a translation at any time."""

    def __init__(self, picture: Pixels, tile: tuple[int, int]) -> None:
        """Cut a picture.

        Args:
            picture: uint8 [H, W, 3], at least as large as a tile; it is kept until all tiles are
                read.
            tile: height and width of a tile [pixels].
        """
        height, width = picture.shape[:2]
        tops, lefts = tile_starts(height, tile[0]), tile_starts(width, tile[1])
        self._boxes = [Box(top, left, *tile) for top in tops for left in lefts]
        self._down = tile_weights(tops, tile[0])
        self._across = tile_weights(lefts, tile[1])
        self._picture = picture
        self._size = height, width
        self._lock = threading.Lock()
        self._num_left = len(self._boxes)
        self._sum: NDArray[np.uint16] | None = None  # [H, 3 W]
        self._failure: ImageError | None = None
        self._is_lively = False

    def __len__(self) -> int:
        """Return how many tiles there are."""
        return len(self._boxes)

    def fill(self, number: int, row: Pixels) -> None:
        """Write a tile into an engine's row uint8 [h, w, 3]; the last one frees the picture."""
        row[:] = self._boxes[number].of(self._picture)
        if number == len(self._boxes) - 1:
            self._picture = np.empty((0, 0, 3), np.uint8)

    def add(self, number: int, translated: Pixels, row: Pixels) -> bool:
        """Add the translation of a tile.

        Args:
            number: of the tile.
            translated: the engine's output uint8 [h, w, 3].
            row: its input.

        Returns:
            Whether it was the last one: `blended` returns the whole now.
        """
        try:
            check_tile(translated, row)
            weighted = self._weighted(number, translated)
            box = self._boxes[number]
            with self._lock:
                if self._sum is None:
                    height, width = self._size
                    self._sum = np.zeros((height, 3 * width), np.uint16)
                part = self._sum[box.top : box.top + box.height]
                part[:, 3 * box.left : 3 * (box.left + box.width)] += weighted
                self._is_lively = self._is_lively or not is_flat(row)
        except ImageError as error:
            self._failure = error
        except MemoryError as error:
            self._failure = ImageError(f"has a size that cannot be converted: {error}")
        with self._lock:
            self._num_left -= 1
            return self._num_left == 0

    def blended(self) -> Pixels:
        """Return the translation of the whole picture uint8 [H, W, 3]; call it once.

        Raises:
            ImageError: a tile's translation is not a picture, or there is too little memory.
        """
        if self._failure is not None:
            self._sum = None
            raise self._failure
        assert self._sum is not None
        total, self._sum = self._sum, None
        result = np.empty((*self._size, 3), np.uint8)
        flat = result.reshape(total.shape)
        for top in range(0, len(total), _STRIP_ROWS):
            strip = total[top : top + _STRIP_ROWS]
            strip += _ONE * _ONE // 2
            flat[top : top + _STRIP_ROWS] = strip // (_ONE * _ONE)
        if self._is_lively and is_flat(result):
            raise ImageError("its translation has only one colour: try --precision fp32")
        return result

    def _weighted(self, number: int, translated: Pixels) -> NDArray[np.uint16]:
        """Return a translation times its weights, [h, 3 w]."""
        row, column = divmod(number, len(self._across))
        product = translated.reshape(len(translated), -1).astype(np.uint16)
        product *= np.repeat(self._across[column], 3)
        product *= self._down[row][:, None]
        return product


def tile_starts(length: int, tile: int) -> list[int]:
    """Return where the tiles that cover a length begin [pixels]; their overlaps are equal."""
    if length <= tile:
        return [0]
    overlap = tile // _OVERLAP
    count = math.ceil((length - overlap) / (tile - overlap))
    return [round(number * (length - tile) / (count - 1)) for number in range(count)]


def tile_weights(starts: Sequence[int], tile: int) -> list[_Weights]:
    """Return the weight of each pixel of each tile, uint16 [tile]; at each place they add up to 16.

    Args:
        starts: where the tiles begin [pixels].
        tile: their length [pixels].
    """
    ramp = max(1, tile // _RAMP)
    place = np.arange(starts[-1] + tile)
    # The total weight of each tile and those after it at each place.
    shares = [np.full(len(place), _ONE)]
    for left, right in itertools.pairwise(starts):
        middle = (left + tile + right) / 2
        share = np.rint(_ONE * ((place + 0.5 - middle) / ramp + 0.5))
        shares.append(np.clip(share, 0, _ONE).astype(int))
    shares.append(np.zeros(len(place), int))
    return [
        (shares[number] - shares[number + 1])[start : start + tile].astype(np.uint16)
        for number, start in enumerate(starts)
    ]
