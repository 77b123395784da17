"""Measure seams: what a style makes of a picture in tiles, against the picture in one piece.

python tools/seams.py ink portraits/*.jpg --side 3464

Both run in FP32 on the CPU: the rounding of BF16 alone turns single pixels of `ink` from black to
white. The picture in one piece takes gigabytes at 12 megapixels.
"""

import argparse
import itertools
from pathlib import Path

import numpy as np

from pmsgan.batch.pictures.colour import Pixels
from pmsgan.batch.pictures.load import load_whole
from pmsgan.batch.pictures.tiles import Tiles, tile_starts
from pmsgan.engine.interface import Engine
from pmsgan.engine.open import open_engine
from pmsgan.resize import resize_into
from pmsgan.styles.registry import Style, find_style

NEAR = 8
"""Pixels on both sides of the middle of an overlap that count as the seam."""


def main() -> None:
    """Read the command line, and print a line for each picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("style", type=find_style, help="name or folder of a style in tiles")
    parser.add_argument("pictures", type=Path, nargs="+")
    parser.add_argument("--side", type=int, help="long side to bring pictures to first [pixels]")
    arguments = parser.parse_args()
    style: Style = arguments.style
    with open_engine(style, backend="openvino", precision="fp32", max_batch=1) as engine:
        for path in arguments.pictures:
            picture = prepare(path, arguments.side, style.generator.side_multiple)
            if min(picture.shape[:2]) < max(style.view):
                print(f"{path.name}: smaller than a tile")
                continue
            tiles = Tiles(picture, style.view)
            near = seams(picture.shape[:2], style.view)
            difference = np.abs(untiled(style, picture).astype(int) - tiled(engine, tiles))
            at_seams = f"{difference[near].mean():.3f}" if near.any() else "no seam"
            print(
                f"{path.name}: {picture.shape[1]}x{picture.shape[0]}, {len(tiles)} tiles, mean "
                f"{difference.mean():.3f}, at seams {at_seams}, largest {difference.max()}"
            )


def prepare(path: Path, side: int | None, multiple: int) -> Pixels:
    """Return a picture with a long side [pixels], cut to what the network takes in one piece."""
    image = load_whole(path.read_bytes())
    scale = 1 if side is None else side / max(image.shape)
    picture = np.empty((*(round(length * scale) for length in image.shape[:2]), 3), np.uint8)
    resize_into(image, picture)
    height, width = (length // multiple * multiple for length in picture.shape[:2])
    return np.ascontiguousarray(picture[:height, :width])


def untiled(style: Style, picture: Pixels) -> Pixels:
    """Return the translation of a picture in one piece."""
    size = picture.shape[0], picture.shape[1]
    with open_engine(style, size=size, backend="openvino", precision="fp32", max_batch=1) as engine:
        return engine.translate(picture[None])[0]


def tiled(engine: Engine, tiles: Tiles) -> Pixels:
    """Return the translation of a picture in tiles."""
    row = np.empty((1, engine.info.height, engine.info.width, 3), np.uint8)
    for number in range(len(tiles)):
        tiles.fill(number, row[0])
        tiles.add(number, engine.translate(row)[0], row[0])
    return tiles.blended()


def seams(size: tuple[int, int], tile: tuple[int, int]) -> np.ndarray:
    """Return where seams are, bool [H, W]."""
    near = np.zeros(size, bool)
    for axis in range(2):
        for left, right in itertools.pairwise(tile_starts(size[axis], tile[axis])):
            middle = (left + tile[axis] + right) // 2
            np.moveaxis(near, axis, 0)[middle - NEAR : middle + NEAR] = True
    return near


if __name__ == "__main__":
    main()
