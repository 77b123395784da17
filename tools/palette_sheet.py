"""Show a drawing, its result, and the result in some palettes, for the docs.

python tools/palette_sheet.py samples/doodles/doodle_02.jpg SHEET.jpg random:1 hair=#2244aa
"""

import argparse
from pathlib import Path

import cv2
import numpy as np

from pmsgan.batch import ConvertSettings, read_palette
from pmsgan.batch.pictures.colour import Pixels
from pmsgan.batch.pictures.load import load_whole
from pmsgan.batch.translator import open_style


def main() -> None:
    """Read the command line and write the sheet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("drawing", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("palettes", nargs="+", help="as for pmsgan convert --palette")
    parser.add_argument("--style", default="anime")
    parser.add_argument("--columns", type=int, default=5)
    parser.add_argument("--side", type=int, default=240)
    arguments = parser.parse_args()
    tiles = [load_whole(arguments.drawing.read_bytes())]
    for palette in [None, *map(read_palette, arguments.palettes)]:
        settings = ConvertSettings(palette=palette)
        with open_style(arguments.style, settings=settings) as translator:
            tiles.append(load_whole(translator.translate(arguments.drawing)))
    small = [fit(tile, arguments.side) for tile in tiles]
    small += [np.full_like(small[0], 255)] * (-len(small) % arguments.columns)
    rows = [
        cv2.hconcat(small[first : first + arguments.columns])
        for first in range(0, len(small), arguments.columns)
    ]
    quality = [cv2.IMWRITE_JPEG_QUALITY, 88] if arguments.sheet.suffix == ".jpg" else []
    cv2.imwrite(str(arguments.sheet), cv2.vconcat(rows), quality)


def fit(image: Pixels, side: int) -> Pixels:
    """Return a picture in a square uint8 [side, side, 3], its proportions changed."""
    return np.asarray(cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


if __name__ == "__main__":
    main()
