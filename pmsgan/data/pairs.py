"""Pairs of pictures on disk, and the endless stream of training samples made from them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from pmsgan.errors import ConfigError, DataError

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture file, or one half of a side-by-side file."""

    path: Path
    half: Literal["whole", "left", "right"] = "whole"

    def read(self) -> NDArray[np.uint8]:
        """Return uint8 [H, W, 3] BGR.

        Raises:
            DataError: the file cannot be read or is not a picture.
        """
        try:
            data = np.frombuffer(self.path.read_bytes(), np.uint8)
        except OSError as error:
            raise DataError(f"cannot read {self.path}: {error.strerror}") from error
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        if image is None:
            raise DataError(f"{self.path} is not a picture that can be decoded: remove it")
        middle = image.shape[1] // 2
        parts = {"whole": image, "left": image[:, :middle], "right": image[:, middle:]}
        return parts[self.half].astype(np.uint8, copy=False)


@dataclass(frozen=True, slots=True)
class Pair:
    """What goes in and what shall come out."""

    name: str
    input: Picture
    target: Picture


def find_pairs(root: Path, direction: str) -> list[Pair]:
    """List the pairs below a folder, by name.

    Args:
        root: either two sub-folders with pictures of the same names, or side-by-side pictures.
        direction: `FROM:TO`. For side-by-side pictures `left:right` or `right:left`; for two
            sub-folders their names, such as `sketch:face`.

    Raises:
        ConfigError: the direction cannot be read.
        DataError: the folder holds no pairs, or names without a partner.
    """
    source, separator, target = direction.partition(":")
    if not separator or not source or not target or source == target:
        raise ConfigError(
            f"direction is {direction!r}: write FROM:TO, such as left:right or sketch:face"
        )
    if not root.is_dir():
        raise DataError(f"{root} is not a folder: give the folder that holds the pairs")
    if {source, target} == {"left", "right"}:
        return _side_by_side(root, source == "left")
    return _two_folders(root / source, root / target)


def _side_by_side(root: Path, left_first: bool) -> list[Pair]:
    pairs = []
    for name, path in sorted(_pictures(root).items()):
        left, right = Picture(path, "left"), Picture(path, "right")
        pairs.append(Pair(name, left, right) if left_first else Pair(name, right, left))
    if not pairs:
        folders = sorted(entry.name for entry in root.iterdir() if entry.is_dir())
        hint = f"; for two of its folders ({', '.join(folders)}) give --direction FROM:TO"
        raise DataError(f"{root} holds no side-by-side pictures{hint if folders else ''}")
    return pairs


def _two_folders(inputs: Path, targets: Path) -> list[Pair]:
    for folder in (inputs, targets):
        if not folder.is_dir():
            raise DataError(f"{folder} is not a folder: --direction FROM:TO names two sub-folders")
    sources, answers = _pictures(inputs), _pictures(targets)
    lonely = sorted(sources.keys() ^ answers.keys())
    if lonely:
        raise DataError(
            f"{len(lonely)} pictures have no partner of the same name in {inputs} and {targets}: "
            f"{', '.join(lonely[:5])}"
        )
    if not sources:
        raise DataError(f"{inputs} holds no pictures ({', '.join(sorted(PICTURE_SUFFIXES))})")
    return [Pair(name, Picture(sources[name]), Picture(answers[name])) for name in sorted(sources)]


def _pictures(folder: Path) -> dict[str, Path]:
    """Map names without suffix to the pictures of a folder."""
    return {
        path.stem: path
        for path in folder.iterdir()
        if path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
    }


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
