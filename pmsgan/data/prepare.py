"""Make paired sets: line drawings, flat colours, aligned faces, pairs in another layout."""

import functools
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pmsgan.atomic import replacing
from pmsgan.data.align import align_face, read_eyes
from pmsgan.data.config import AlignConfig, FlatsConfig, LinesConfig
from pmsgan.data.flat_pairs import chance_of, draw_pair, fit_page
from pmsgan.data.lines import draw_lines
from pmsgan.data.pairs import Pair, find_pairs, read_direction
from pmsgan.data.picture_file import PictureFile
from pmsgan.data.tree import list_pictures
from pmsgan.errors import ConfigError, DataError


@dataclass(frozen=True, slots=True)
class Prepared:
    """Result of one picture."""

    name: str
    failure: str | None
    """Reason why it failed, which names the file; None if it did not."""


class Preparation:
    """Work that is done picture by picture while one iterates over it."""

    def __init__(
        self, names: Iterable[str], work: Callable[[str], None], num_processes: int = 1
    ) -> None:
        """Take the names, and what to do with each.

        Args:
            names: of the pictures.
            work: raises DataError where it fails. Several processes need to pickle it.
            num_processes: processes that work at once; with 1 it is this one.
        """
        self._names = sorted(names)
        self._work = work
        self._num_processes = min(num_processes, len(self._names))

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[Prepared]:
        """Work, and yield how it ended, in the order of names.

        Raises:
            DataError: one of several processes died.
        """
        attempt = functools.partial(_attempt, self._work)
        if self._num_processes <= 1:
            yield from map(attempt, self._names)
            return
        pool = ProcessPoolExecutor(
            self._num_processes,
            multiprocessing.get_context("spawn"),  # a forked OpenCV may hang
            initializer=cv2.setNumThreads,
            initargs=(1,),
        )
        try:
            yield from pool.map(attempt, self._names, chunksize=4)
        except BrokenProcessPool as error:
            raise DataError(
                "a process that prepares pictures died, perhaps for want of memory: "
                "run fewer at once"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


def prepare_lines(in_dir: Path, out_dir: Path, config: LinesConfig) -> Preparation:
    """Write each picture to OUT/picture as PNG and draw it to OUT/lines: a set for `picture:lines`.

    Raises:
        ConfigError: results would be written into the folder of the originals.
        DataError: `in_dir` holds no pictures.
    """
    pictures = list_pictures(in_dir)
    _refuse_overlap([in_dir], [out_dir / "picture", out_dir / "lines"])

    def work(name: str) -> None:
        image = PictureFile(pictures[name]).read()
        drawing = draw_lines(image, config)
        _write(image, out_dir / "picture" / f"{name}.png")
        _write(drawing, out_dir / "lines" / f"{name}.png")

    return Preparation(pictures, work)


def prepare_flats(in_dir: Path, out_dir: Path, config: FlatsConfig) -> Preparation:
    """Draw line art of illustrations: a set for `lines:flats`.

    OUT/lines/NAME.png is the line art as a camera sees it, OUT/flats/NAME.png the flat colours
    below the same lines. With several variations of a picture, NAME is followed by _1, _2, ...

    Raises:
        ConfigError: results would be written into the folder of the originals.
        DataError: `in_dir` holds no pictures.
    """
    pictures = list_pictures(in_dir)
    _refuse_overlap([in_dir], [out_dir / "lines", out_dir / "flats"])
    return Preparation(
        (path.name for path in pictures.values()),
        functools.partial(_draw_pairs, in_dir, out_dir, config),
        config.num_processes or os.cpu_count() or 1,
    )


def prepare_aligned(
    in_dir: Path, out_dir: Path, eyes_file: Path, config: AlignConfig
) -> Preparation:
    """Crop each picture that the eyes file names; one that it does not name is a failure.

    Raises:
        ConfigError: results would be written into the folder of the originals.
        DataError: `in_dir` holds no pictures, or the eyes file cannot be read.
    """
    pictures, eyes = list_pictures(in_dir), read_eyes(eyes_file)
    _refuse_overlap([in_dir], [out_dir])

    def work(name: str) -> None:
        path = pictures[name]
        found = eyes.get(path.name) or eyes.get(name)
        if found is None:
            raise DataError(f"{eyes_file} says nothing of {path.name}")
        image = PictureFile(path).read()
        with _named(path):
            crop = align_face(image, found, config)
        _write(crop, out_dir / f"{name}.png")

    return Preparation(pictures, work)


def prepare_pairs(in_dir: Path, out_dir: Path, direction: str) -> Preparation:
    """Turn two folders into side-by-side pictures, or side-by-side pictures into two folders.

    Args:
        in_dir: with the two sub-folders that `direction` names, or with side-by-side pictures.
        out_dir: gets the other layout.
        direction: names of the two sub-folders, LEFT:RIGHT, such as `sketch:face`.

    Raises:
        ConfigError: the direction cannot be read, or results would be written into the folder of
            the originals.
        DataError: `in_dir` holds no pairs.
    """
    left, right = read_direction(direction)
    joins = (in_dir / left).is_dir()
    if joins:
        _refuse_overlap([in_dir / left, in_dir / right], [out_dir])
    else:
        _refuse_overlap([in_dir], [out_dir / left, out_dir / right])
    pairs = {pair.name: pair for pair in find_pairs(in_dir, direction if joins else "left:right")}

    def join(name: str) -> None:
        _write(_side_by_side(pairs[name]), out_dir / f"{name}.png")

    def split(name: str) -> None:
        _write(pairs[name].input.read(), out_dir / left / f"{name}.png")
        _write(pairs[name].target.read(), out_dir / right / f"{name}.png")

    return Preparation(pairs, join if joins else split)


def _attempt(work: Callable[[str], None], name: str) -> Prepared:
    try:
        work(name)
    except DataError as error:
        return Prepared(name, str(error))
    return Prepared(name, None)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Say in an error which picture it is about."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _draw_pairs(in_dir: Path, out_dir: Path, config: FlatsConfig, file: str) -> None:
    path = in_dir / file
    image = PictureFile(path).read()
    with _named(path):
        flats = fit_page(image, config.size)
    for number in range(1, config.per_picture + 1):
        name = path.stem if config.per_picture == 1 else f"{path.stem}_{number}"
        drawing, target = draw_pair(flats, config.size, chance_of(config.seed, path.stem, number))
        _write(drawing, out_dir / "lines" / f"{name}.png")
        _write(target, out_dir / "flats" / f"{name}.png")


def _refuse_overlap(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Raise ConfigError where results would be written into a folder of originals."""
    originals = {folder.resolve() for folder in inputs}
    for folder in outputs:
        if folder.resolve() in originals:
            raise ConfigError(f"results would be written into {folder}: give another OUT")


def _side_by_side(pair: Pair) -> NDArray[np.uint8]:
    left, right = pair.input.read(), pair.target.read()
    if left.shape != right.shape:
        raise DataError(
            f"the two pictures of {pair.name} differ in size: {left.shape[1]}x{left.shape[0]} "
            f"and {right.shape[1]}x{right.shape[0]}; resize one of them"
        )
    return np.concatenate([left, right], axis=1)


def _write(image: NDArray[np.uint8], path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as temporary:
            temporary.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}") from error
