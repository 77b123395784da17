"""Make the pairs that the style `ink` is trained on: photographs of faces and drawings of them.

python tools/ink_pairs.py PHOTOS OUT --per-photo 8
python tools/ink_pairs.py PHOTOS OUT --whole

Each photograph gives several squares of it, turned, shifted and scaled by chance; lines are as
thick in a close-up as in a half-length portrait. --whole gives one square, the middle: for pairs
that are held out. OUT/photo and OUT/ink are then a set for pmsgan train --direction photo:ink.
"""

import argparse
import random
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from pmsgan.data.config import LinesConfig
from pmsgan.data.lines import draw_lines
from pmsgan.data.pairs import PictureFile
from pmsgan.evaluation.folders import picture_files

CANVAS = 512
"""Side at which the lines are drawn [pixels]; half of it is kept."""
INK = LinesConfig(sigma=2.0, threshold=-0.004, smoothing=4)
"""Chosen by eye: lines that stay whole at half the size, and little of the background."""


def cut(photo: NDArray[np.uint8], chance: random.Random) -> NDArray[np.uint8]:
    """Return a random square of a photograph, uint8 [CANVAS, CANVAS, 3] BGR."""
    height, width = photo.shape[:2]
    side = chance.uniform(0.45, 1.0) * min(height, width)
    x = chance.uniform(side / 2, width - side / 2)
    y = side / 2 + chance.betavariate(1.0, 2.0) * (height - side)  # faces are in the upper half
    turn = cv2.getRotationMatrix2D((x, y), chance.uniform(-10.0, 10.0), CANVAS / side)
    turn[:, 2] += CANVAS / 2 - np.array([x, y])
    return warp(photo, turn)


def cut_middle(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the middle square of a photograph, likewise."""
    height, width = photo.shape[:2]
    scale = CANVAS / min(height, width)
    shift = [
        [scale, 0.0, (CANVAS - scale * width) / 2],
        [0.0, scale, (CANVAS - scale * height) / 2],
    ]
    return warp(photo, np.array(shift))


def warp(photo: NDArray[np.uint8], matrix: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return what a 2x3 matrix brings onto the canvas."""
    scale = float(np.hypot(matrix[0, 0], matrix[0, 1]))
    if scale < 1.0:  # against aliasing
        photo = cv2.GaussianBlur(photo, (0, 0), 0.5 / scale).astype(np.uint8, copy=False)
    warped = cv2.warpAffine(
        photo, matrix, (CANVAS, CANVAS), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return warped.astype(np.uint8, copy=False)


def main() -> None:
    """Read the command line, and write the pairs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", type=Path, help="folder of photographs")
    parser.add_argument("out", type=Path)
    parser.add_argument("--per-photo", type=int, default=8)
    parser.add_argument("--whole", action="store_true", help="one pair for each, without chance")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    for side in ("photo", "ink"):
        (arguments.out / side).mkdir(parents=True, exist_ok=True)
    chance = random.Random(arguments.seed)
    for name, path in tqdm(sorted(picture_files(arguments.photos).items()), unit="photo"):
        photo = PictureFile(path).read()
        for number in range(1 if arguments.whole else arguments.per_photo):
            canvas = cut_middle(photo) if arguments.whole else cut(photo, chance)
            for side, image in (("photo", canvas), ("ink", draw_lines(canvas, INK))):
                half = cv2.resize(image, (CANVAS // 2, CANVAS // 2), interpolation=cv2.INTER_AREA)
                file = f"{name.replace('/', '_')}_{number}.png"
                cv2.imwrite(str(arguments.out / side / file), half)


if __name__ == "__main__":
    main()
