"""Measure a style on pairs that it was not trained on.

    python tools/measure_style.py PAIRS --direction sketch:face --style anime

Prints the median PSNR and the mean absolute difference; and in how many faces of tools/anime_faces
the hair's colour is right: where the target has one of the recipe's hair colours, the medians of
result and target lie within 12 CIELAB units.
"""

import argparse
import statistics
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pmsgan.data.pairs import PictureFile, find_pairs
from pmsgan.engine.accuracy import compare
from pmsgan.engine.open import open_engine
from pmsgan.resize import resize_into

HAIR_COLORS = ("34539b", "f07fa3", "f4c24d", "9c3f2b")
"""RGB of HAIR_CLASSES in tools/anime_faces/faces.mjs."""
MAX_DISTANCE = 12.0
"""CIELAB units."""


def read(picture: PictureFile, side: int) -> NDArray[np.uint8]:
    """Return the picture at the style's size: uint8 [side, side, 3] BGR."""
    row = np.empty((side, side, 3), np.uint8)
    resize_into(picture.read(), row)
    return row


def hair_distance(result: NDArray[np.uint8], target: NDArray[np.uint8]) -> float | None:
    """Return the distance [CIELAB] of the median colours where the target has a hair colour.

    None if it has none anywhere.
    """
    hair = np.zeros(target.shape[:2], bool)
    for color in HAIR_COLORS:
        bgr = np.frombuffer(bytes.fromhex(color), np.uint8)[::-1].astype(int)
        hair |= (np.abs(target.astype(int) - bgr) <= 3).all(axis=2)
    if not hair.any():
        return None
    medians = [np.median(to_lab(image)[hair], axis=0) for image in (result, target)]
    return float(np.linalg.norm(medians[0] - medians[1]))


def to_lab(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return CIELAB of uint8 BGR."""
    return cv2.cvtColor(image.astype(np.float32) / 255.0, cv2.COLOR_BGR2LAB).astype(np.float32)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--direction", default="sketch:face")
    parser.add_argument("--style", default="anime")
    arguments = parser.parse_args()
    pairs = find_pairs(arguments.pairs, arguments.direction)
    with open_engine(arguments.style) as engine:
        side = engine.info.height
        sources = np.stack([read(pair.input, side) for pair in pairs])
        targets = np.stack([read(pair.target, side) for pair in pairs])
        results = engine.translate(sources)
    psnr = [
        compare(result, target).psnr_db for result, target in zip(results, targets, strict=True)
    ]
    off = [
        float(np.abs(result.astype(int) - target).mean())
        for result, target in zip(results, targets, strict=True)
    ]
    distances = [
        distance
        for result, target in zip(results, targets, strict=True)
        if (distance := hair_distance(result, target)) is not None
    ]
    print(
        f"{len(pairs)} pairs: median PSNR {statistics.median(psnr):.1f} dB, worst {min(psnr):.1f}"
    )
    print(f"mean absolute difference {statistics.fmean(off):.1f} grey levels, worst {max(off):.1f}")
    if distances:
        right = sum(distance <= MAX_DISTANCE for distance in distances)
        print(f"hair colour right in {right} of {len(distances)}")


if __name__ == "__main__":
    main()
