"""The endless stream of training samples that pairs are turned into."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from pmsgan.data.pairs import Pair
from pmsgan.errors import DataError

Sample = tuple[NDArray[np.uint8], NDArray[np.uint8], str]
"""Input and target, uint8 [H, W, 3] BGR each, and the unreadable picture that was skipped before it
(empty if there was none)."""


class PairStream(Dataset[Sample]):
    """Training samples by their running number: number n is the same sample in every run.

    The order is a new permutation in each pass over the pairs. Order, crop and flip depend on
    the seed and n alone, so workers share nothing and a resumed run continues exactly. An
    unreadable pair is replaced by the next readable one.
    """

    def __init__(
        self, pairs: Sequence[Pair], *, size: int, crop: int, flip: bool, seed: int
    ) -> None:
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
        """Return sample `number`, with pictures uint8 [crop, crop, 3] BGR.

        Raises:
            DataError: no pair can be read.
        """
        index = self._index(number)
        skipped = ""
        for offset in range(len(self.pairs)):
            pair = self.pairs[(index + offset) % len(self.pairs)]
            try:
                pictures = [
                    file.read_at(self.size, self.size) for file in (pair.input, pair.target)
                ]
            except DataError as error:
                skipped = skipped or str(error)
                continue
            return *self._augment(pictures, number), skipped
        raise DataError(f"no pair can be read; the first reason: {skipped}")

    def _augment(
        self, pictures: list[NDArray[np.uint8]], number: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        rng = np.random.default_rng((self.seed, 1, number))
        top, left = rng.integers(0, self.size - self.crop + 1, size=2)
        mirrored = self.flip and bool(rng.integers(2))
        window = np.s_[top : top + self.crop, left : left + self.crop]
        cut = [picture[window] for picture in pictures]
        if mirrored:
            cut = [picture[:, ::-1] for picture in cut]
        source, target = (np.ascontiguousarray(picture) for picture in cut)
        return source, target

    def _index(self, number: int) -> int:
        epoch, position = divmod(number, len(self.pairs))
        if self._order is None or self._order[0] != epoch:
            rng = np.random.default_rng((self.seed, 0, epoch))
            self._order = (epoch, rng.permutation(len(self.pairs)))
        return int(self._order[1][position])
