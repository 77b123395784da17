"""Put pictures above their translations, for the docs.

python tools/contact_sheet.py IN_DIR OUT_DIR SHEET.png --count 8 --side 160
python tools/contact_sheet.py IN_DIR OUT_DIR SHEET.jpg --truth TRUE_DIR  # and what was wanted
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pmsgan.data.picture_file import PictureFile
from pmsgan.evaluation.folders import picture_files


def draw(paths: list[Path], side: int) -> NDArray[np.uint8]:
    """Draw pictures in one row: uint8 [side, len(paths) * side, 3] BGR."""
    row = np.empty((side, len(paths) * side, 3), np.uint8)
    for index, path in enumerate(paths):
        row[:, index * side : (index + 1) * side] = PictureFile(path).read_at(side, side)
    return row


def main() -> None:
    """Read the command line and write the sheet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("in_dir", type=Path)
    parser.add_argument("out_dir", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--truth", type=Path)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--columns", type=int, default=8)
    parser.add_argument("--side", type=int, default=160)
    arguments = parser.parse_args()
    folders = [arguments.in_dir, arguments.out_dir] + ([arguments.truth] if arguments.truth else [])
    files = [picture_files(folder) for folder in folders]
    names = sorted(set.intersection(*(set(found) for found in files)))
    names = names[:: max(1, len(names) // arguments.count)][: arguments.count]
    if len(names) > arguments.columns:  # no half rows
        names = names[: len(names) // arguments.columns * arguments.columns]
    rows = [
        draw([found[name] for name in names[first : first + arguments.columns]], arguments.side)
        for first in range(0, len(names), arguments.columns)
        for found in files
    ]
    quality = [cv2.IMWRITE_JPEG_QUALITY, 88] if arguments.sheet.suffix == ".jpg" else []
    cv2.imwrite(str(arguments.sheet), cv2.vconcat(rows), quality)


if __name__ == "__main__":
    main()
