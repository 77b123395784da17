"""Put pictures above their translations, for the README.

python tools/contact_sheet.py IN_DIR OUT_DIR SHEET.png --count 8 --side 160
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pmsgan.batch.images import read_image, write_image
from pmsgan.batch.plan import plan_jobs
from pmsgan.resize import resize_into


def draw(paths: list[Path], side: int) -> NDArray[np.uint8]:
    """Draw pictures in one row: uint8 [side, len(paths) * side, 3] BGR."""
    row = np.empty((side, len(paths) * side, 3), np.uint8)
    for index, path in enumerate(paths):
        tile = np.empty((side, side, 3), np.uint8)
        resize_into(read_image(path), tile)
        row[:, index * side : (index + 1) * side] = tile
    return row


def main() -> None:
    """Read the command line and write the sheet."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("in_dir", type=Path)
    parser.add_argument("out_dir", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--side", type=int, default=160)
    arguments = parser.parse_args()
    jobs = plan_jobs(arguments.in_dir, arguments.out_dir, "png")
    jobs = jobs[:: max(1, len(jobs) // arguments.count)][: arguments.count]
    rows = [
        draw([getattr(job, place) for job in jobs], arguments.side)
        for place in ("source", "target")
    ]
    write_image(cv2.vconcat(rows).astype(np.uint8), arguments.sheet)


if __name__ == "__main__":
    main()
