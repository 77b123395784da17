"""The endless stream of training samples that pairs are turned into."""

import cv2
import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from pmsgan.data.pairs import Pair

Sample = tuple[NDArray[np.uint8], NDArray[np.uint8]]
"""Input and target, uint8 [H, W, 3] BGR each."""


class PairStream(Dataset[Sample]):
    """Training samples by their running number: number n is the same sample in every run.

    The order is a new permutation in each pass over the pairs. Order, crop and flip depend on
    the seed and n alone, so workers share nothing and a resumed run goes on exactly.
    """

    def __init__(self, pairs: list[Pair], *, size: int, crop: int, flip: bool, seed: int) -> None:
        """Take the pairs.

        Args:
            pairs: what to draw from, at least one.
            size: side [pixels] that each picture is resized to.
            crop: side [pixels] of the square cut out of it at random, at most `size`.
            flip: mirror half of the samples.
            seed: of order, crops and flips.
        """
        self.pairs = pairs
        self.size = size
        self.crop = crop
        self.flip = flip
        self.seed = seed
        self._order: tuple[int, NDArray[np.int64]] | None = None

    def __getitem__(self, number: int) -> Sample:
        """Return sample `number`: input and target, uint8 [crop, crop, 3] BGR."""
        pair = self.pairs[self._index(number)]
        rng = np.random.default_rng((self.seed, 1, number))
        top, left = rng.integers(0, self.size - self.crop + 1, size=2)
        mirrored = self.flip and bool(rng.integers(2))
        window = np.s_[top : top + self.crop, left : left + self.crop]
        images = [fit(picture.read(), self.size)[window] for picture in (pair.input, pair.target)]
        if mirrored:
            images = [image[:, ::-1] for image in images]
        source, target = (np.ascontiguousarray(image) for image in images)
        return source, target

    def _index(self, number: int) -> int:
        epoch, position = divmod(number, len(self.pairs))
        if self._order is None or self._order[0] != epoch:
            rng = np.random.default_rng((self.seed, 0, epoch))
            self._order = (epoch, rng.permutation(len(self.pairs)))
        return int(self._order[1][position])


def fit(image: NDArray[np.uint8], size: int) -> NDArray[np.uint8]:
    """Resize uint8 [H, W, 3] to [size, size, 3]: averaged when smaller, bicubic when larger."""
    height, width = image.shape[:2]
    if (height, width) == (size, size):
        return image
    shrinks = size * size < height * width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return cv2.resize(image, (size, size), interpolation=method).astype(np.uint8, copy=False)
