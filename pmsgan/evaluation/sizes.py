"""Bring a result and the true picture to one size."""

import numpy as np

from pmsgan.batch.pictures.colour import Pixels
from pmsgan.batch.pictures.fit import crop_result, fit_into_row, place
from pmsgan.errors import DataError
from pmsgan.evaluation.config import SizeChoice


def match_sizes(result: Pixels, truth: Pixels, choice: SizeChoice) -> tuple[Pixels, Pixels]:
    """Return both pictures in the size and shape of the true one.

    A result at the network's size is fitted back: the padding of pad is cut off, and the
    proportions that stretch changed are restored.

    Args:
        result: uint8 [h, w, 3].
        truth: uint8 [H, W, 3].
        choice: how results were fitted; with `resize_truth` both have the size of the result.

    Raises:
        DataError: they have two shapes, and the choice does not say how the result was fitted.
    """
    if result.shape == truth.shape:
        return result, truth
    size, true_size = result.shape[:2], truth.shape[:2]
    fit = choice.fit or ("stretch" if _is_same_shape(size, true_size) else None)
    if fit is None:
        raise DataError(
            f"is {size[1]}x{size[0]}, but the true picture is {true_size[1]}x{true_size[0]}: say "
            "with --fit pad or --fit stretch how results were fitted to their network, or give "
            "--resize-truth for pairs whose two sides differ in shape"
        )
    placement = place(true_size, size, fit, "source")
    if choice.resize_truth:
        row = np.empty_like(result, order="C")
        fit_into_row(truth, placement, row)
        return result, row
    part = truth if placement.crop is None else placement.crop.of(truth)
    return crop_result(result, placement), part


def _is_same_shape(size: tuple[int, int], other: tuple[int, int]) -> bool:
    """Say whether one size is the other one, scaled and rounded."""
    scale = min(size[0] / other[0], size[1] / other[1])
    return all(abs(side - scale * long) <= 1.0 for side, long in zip(size, other, strict=True))
