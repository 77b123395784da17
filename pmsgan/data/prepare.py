"""Make paired sets: line drawings, flat colours, aligned faces, pairs in another layout."""

import functools
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pmsgan.batch.files.local import read_through_links
from pmsgan.data.align import align_face
from pmsgan.data.config import AlignConfig, FlatsConfig, LinesConfig
from pmsgan.data.flat_pairs import draw_pair, fit_page, make_rng
from pmsgan.data.lines import draw_lines
from pmsgan.data.pairs import Pair, find_pairs, read_direction
from pmsgan.data.picture_file import PictureFile
from pmsgan.data.points import find_eyes
from pmsgan.data.preparation import Preparation
from pmsgan.data.tables import pair_by_table
from pmsgan.data.tree import list_pictures, walk_pictures
from pmsgan.directory import Directory
from pmsgan.errors import ConfigError, DataError, ImageError


def prepare_lines(in_dir: Path, out_dir: Path, config: LinesConfig) -> Preparation:
    """Write each picture to OUT/picture as PNG and draw it to OUT/lines: a set for `picture:lines`.

    Raises:
        ConfigError: results would be written among the originals.
        DataError: `in_dir` holds no pictures.
    """
    pictures = list_pictures(in_dir)
    _refuse_overlap([in_dir], [out_dir / "picture", out_dir / "lines"])

    def work(name: str) -> None:
        image = PictureFile(pictures[name]).read()
        drawing = draw_lines(image, config)
        _write(image, out_dir, f"picture/{name}.png")
        _write(drawing, out_dir, f"lines/{name}.png")

    return Preparation(pictures, work)


def prepare_flats(in_dir: Path, out_dir: Path, config: FlatsConfig) -> Preparation:
    """Draw line art of illustrations: a set for `lines:flats`.

    OUT/lines/NAME.png is the line art as a camera sees it, OUT/flats/NAME.png the flat colours
    below the same lines. With several variations of a picture, NAME is followed by _1, _2, ...

    Raises:
        ConfigError: results would be written among the originals.
        DataError: `in_dir` holds no pictures.
    """
    pictures = list_pictures(in_dir)
    _refuse_overlap([in_dir], [out_dir / "lines", out_dir / "flats"])
    return Preparation(
        (str(path.relative_to(in_dir)) for path in pictures.values()),
        functools.partial(_draw_pairs, in_dir, out_dir, config),
        config.num_processes or os.cpu_count() or 1,
    )


def prepare_aligned(
    in_dir: Path,
    out_dir: Path,
    eyes: Path,
    config: AlignConfig,
    eye_points: tuple[int, int] | None = None,
) -> Preparation:
    """Crop each picture whose eyes are known; the others are failures.

    Args:
        in_dir: pictures, also in subfolders.
        out_dir: gets the crops.
        eyes: a CSV file, or a folder of files of points, see `find_eyes`.
        config: size of the crops, and where the eyes will be.
        eye_points: which two points of such a file are the eyes, see `read_points`.

    Raises:
        ConfigError: results would be written among the originals.
        DataError: `in_dir` holds no pictures, or `eyes` cannot be read.
    """
    pictures = list_pictures(in_dir)
    eyes_of = find_eyes(eyes, pictures, eye_points)
    _refuse_overlap([in_dir], [out_dir])

    def work(name: str) -> None:
        path = pictures[name]
        found = eyes_of(name)
        image = PictureFile(path).read()
        with _named(path):
            crop = align_face(image, found, config)
        _write(crop, out_dir, f"{name}.png")

    return Preparation(pictures, work)


def prepare_pairs(
    in_dir: Path, out_dir: Path, direction: str, table: Path | None = None
) -> Preparation:
    """Turn two folders into side-by-side pictures, or side-by-side pictures into two folders.

    With a table, copy the pictures of two folders to two others, in which pairs have one name.

    Args:
        in_dir: with the two folders that `direction` names, see `find_pairs`, or with side-by-side
            pictures.
        out_dir: gets the other layout.
        direction: names of the two folders, LEFT:RIGHT, such as `sketch:face`.
        table: says which pictures belong together, see `pair_by_table`.

    Raises:
        ConfigError: the direction cannot be read, or results would be written among the originals.
        DataError: `in_dir` holds no pairs, or the table is wrong.
    """
    left, right = read_direction(direction)
    found = (
        find_pairs(in_dir, direction, "left:right")
        if table is None
        else pair_by_table(in_dir, direction, table)
    )
    pairs = {pair.name: pair for pair in found}
    originals = {picture.path.parent for pair in found for picture in (pair.input, pair.target)}
    splits = found[0].input.half != "whole"
    outputs = [out_dir / left, out_dir / right] if splits or table is not None else [out_dir]
    _refuse_overlap([*originals, in_dir] if splits else [*originals], outputs)

    def join(name: str) -> None:
        _write(_side_by_side(pairs[name]), out_dir, f"{name}.png")

    def split(name: str) -> None:
        _write(pairs[name].input.read(), out_dir, f"{left}/{name}.png")
        _write(pairs[name].target.read(), out_dir, f"{right}/{name}.png")

    def copy(name: str) -> None:
        for picture, side in ((pairs[name].input, left), (pairs[name].target, right)):
            _copy(picture.path, out_dir, f"{side}/{name}{picture.path.suffix}")

    return Preparation(pairs, split if splits else join if table is None else copy)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the picture in an error."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def _draw_pairs(in_dir: Path, out_dir: Path, config: FlatsConfig, file: str) -> None:
    path = in_dir / file
    stem = Path(file).with_suffix("").as_posix()
    image = PictureFile(path).read()
    with _named(path):
        flats = fit_page(image, config.size)
    for number in range(1, config.per_picture + 1):
        name = stem if config.per_picture == 1 else f"{stem}_{number}"
        drawing, target = draw_pair(flats, config.size, make_rng(config.seed, stem, number))
        _write(drawing, out_dir, f"lines/{name}.png")
        _write(target, out_dir, f"flats/{name}.png")


def _refuse_overlap(inputs: Sequence[Path], outputs: Sequence[Path]) -> None:
    """Raise ConfigError where results would be written among originals."""
    originals = {folder.resolve() for folder in inputs}
    for folder in map(Path.resolve, outputs):
        if folder in originals:
            raise ConfigError(f"results would be written into {folder}: give another OUT")
        lies_inside = not originals.isdisjoint(folder.parents)
        if lies_inside and folder.is_dir() and walk_pictures(folder).folders:
            raise ConfigError(
                f"{folder} is inside the folder of originals and holds pictures: give another OUT"
            )


def _side_by_side(pair: Pair) -> NDArray[np.uint8]:
    left, right = pair.input.read(), pair.target.read()
    if left.shape != right.shape:
        raise DataError(
            f"the two pictures of {pair.name} differ in size: {left.shape[1]}x{left.shape[0]} "
            f"and {right.shape[1]}x{right.shape[0]}; resize one of them"
        )
    return np.concatenate([left, right], axis=1)


def _copy(path: Path, out_dir: Path, name: str) -> None:
    try:
        _save(read_through_links(path), out_dir, name)
    except ImageError as error:
        raise DataError(f"{path} {error}") from error


def _write(image: NDArray[np.uint8], out_dir: Path, name: str) -> None:
    _save(cv2.imencode(".png", image)[1].tobytes(), out_dir, name)


def _save(data: bytes, out_dir: Path, name: str) -> None:
    """Write a file below OUT, whose name may have slashes; no link below OUT is followed."""
    parent, _, last = name.rpartition("/")
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        with Directory(out_dir) as root, root.folder(parent, make=True) as folder:
            folder.write(last, data)
    except OSError as error:
        raise DataError(f"cannot write {out_dir / name}: {error.strerror}") from error
