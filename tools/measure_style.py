"""Measure a style on pairs that it was not trained on.

    python tools/measure_style.py PAIRS --direction lines:flats --style anime --by-hand

Prints the share of the area whose colour is right, that is within 12 CIELAB units of the target's;
the median PSNR; and the mean absolute difference. --by-hand adds a line for each drawing hand:
pairs are named HAND_NUMBER, as those of tools/anime_faces.
"""

import argparse
import statistics
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pmsgan.data.pairs import find_pairs
from pmsgan.engine.accuracy import compare
from pmsgan.engine.open import open_engine

MAX_DISTANCE = 12.0
"""CIELAB units."""


@dataclass(frozen=True, slots=True)
class Result:
    """How near one result is to its target."""

    psnr_db: float
    difference: float
    """Mean absolute difference [grey levels]."""
    right: float
    """Share of the area whose colour is right."""


def measure(result: NDArray[np.uint8], target: NDArray[np.uint8]) -> Result:
    """Compare two pictures, uint8 [H, W, 3] BGR."""
    distance = np.linalg.norm(to_lab(result) - to_lab(target), axis=2)
    return Result(
        compare(result, target).psnr_db,
        float(np.abs(result.astype(int) - target).mean()),
        float((distance <= MAX_DISTANCE).mean()),
    )


def to_lab(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return CIELAB of uint8 BGR."""
    return cv2.cvtColor(image.astype(np.float32) / 255.0, cv2.COLOR_BGR2LAB).astype(np.float32)


def summary(name: str, results: list[Result]) -> str:
    """Describe several results in one line."""
    psnr = [result.psnr_db for result in results]
    return (
        f"{name:12} {len(results):5} pairs: "
        f"{statistics.fmean(result.right for result in results):6.1%} of the area right, "
        f"median PSNR {statistics.median(psnr):.1f} dB, worst {min(psnr):.1f}, "
        f"difference {statistics.fmean(result.difference for result in results):.1f} grey levels"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pairs", type=Path)
    parser.add_argument("--direction", default="lines:flats")
    parser.add_argument("--style", default="anime", help="name or folder")
    parser.add_argument("--by-hand", action="store_true")
    arguments = parser.parse_args()
    pairs = find_pairs(arguments.pairs, arguments.direction)
    with open_engine(arguments.style) as engine:
        size = engine.info.height, engine.info.width
        translated = engine.translate(np.stack([pair.input.read_at(*size) for pair in pairs]))
    results = [
        measure(result, pair.target.read_at(*size))
        for pair, result in zip(pairs, translated, strict=True)
    ]
    hands = defaultdict(list)
    for pair, result in zip(pairs, results, strict=True):
        hands[pair.name.partition("_")[0]].append(result)
    if arguments.by_hand:
        for hand, its_results in sorted(hands.items()):
            print(summary(hand, its_results))
    print(summary("all", results))


if __name__ == "__main__":
    main()
