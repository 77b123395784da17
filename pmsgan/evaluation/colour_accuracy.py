"""Measure how close a style's results are to the targets, in the style's size."""

import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pmsgan.batch.pictures.colour import Pixels
from pmsgan.counts import count
from pmsgan.data.pairs import Pair
from pmsgan.engine.accuracy import compare
from pmsgan.engine.interface import Engine

MAX_DISTANCE = 12.0
"""Largest distance of colours that count as equal [CIELAB units]."""
MAX_PSNR_DB = 100.0
"""Replaces the infinite PSNR of equal pictures."""
_NUM_AT_A_TIME = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class ColourAccuracy:
    """How close one result is to its target."""

    psnr_db: float
    difference: float
    """Mean absolute difference [grey levels]."""
    right: float
    """Share of the area whose colour is within `MAX_DISTANCE` of the target."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ColourAccuracySummary:
    """How close the results of several pairs are to their targets."""

    num_pairs: int
    right: float
    """Mean share of the area whose colour is right."""
    median_psnr_db: float
    worst_psnr_db: float
    difference: float
    """Mean absolute difference [grey levels]."""

    def to_json(self) -> dict[str, Any]:
        """Return the content for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """Return one line for people."""
        return (
            f"{count(self.num_pairs, 'pair'):>11}: {self.right:6.1%} of the area right, "
            f"median PSNR {self.median_psnr_db:.1f} dB, worst {self.worst_psnr_db:.1f}, "
            f"difference {self.difference:.1f} grey levels"
        )


def measure_colour_accuracy(engine: Engine, pairs: Sequence[Pair]) -> dict[str, ColourAccuracy]:
    """Translate the inputs of pairs, and compare the results with the targets.

    Both sides of a pair are brought to the engine's size.

    Args:
        engine: an open engine of the style.
        pairs: pairs that the style was not trained on.

    Returns:
        The accuracy of each result, by the name of its pair.

    Raises:
        DataError: a picture cannot be read.
        EngineError: the engine failed.
    """
    size = engine.info.height, engine.info.width
    measured = {}
    for start in range(0, len(pairs), _NUM_AT_A_TIME):
        some = pairs[start : start + _NUM_AT_A_TIME]
        translated = engine.translate(np.stack([pair.input.read_at(*size) for pair in some]))
        for pair, result in zip(some, translated, strict=True):
            measured[pair.name] = colour_accuracy(result, pair.target.read_at(*size))
    return measured


def colour_accuracy(result: Pixels, target: Pixels) -> ColourAccuracy:
    """Compare two pictures, uint8 [H, W, 3] BGR."""
    distance = np.linalg.norm(_lab(result) - _lab(target), axis=2)
    accuracy = compare(result, target)
    return ColourAccuracy(
        psnr_db=min(accuracy.psnr_db, MAX_PSNR_DB),
        difference=accuracy.mean_difference,
        right=float((distance <= MAX_DISTANCE).mean()),
    )


def summarise(measured: Sequence[ColourAccuracy]) -> ColourAccuracySummary:
    """Summarise the results of at least one pair."""
    psnr_db = [accuracy.psnr_db for accuracy in measured]
    return ColourAccuracySummary(
        num_pairs=len(measured),
        right=statistics.fmean(accuracy.right for accuracy in measured),
        median_psnr_db=statistics.median(psnr_db),
        worst_psnr_db=min(psnr_db),
        difference=statistics.fmean(accuracy.difference for accuracy in measured),
    )


def summarise_by_hand(measured: Mapping[str, ColourAccuracy]) -> dict[str, ColourAccuracySummary]:
    """Summarise by drawing hand: pairs are named HAND_NUMBER, as those of tools/anime_faces."""
    hands = defaultdict(list)
    for name, accuracy in measured.items():
        hands[name.partition("_")[0]].append(accuracy)
    return {hand: summarise(hands[hand]) for hand in sorted(hands)}


def _lab(image: Pixels) -> NDArray[np.float32]:
    """Return CIELAB of uint8 BGR."""
    return cv2.cvtColor(image.astype(np.float32) / 255.0, cv2.COLOR_BGR2LAB).astype(np.float32)
