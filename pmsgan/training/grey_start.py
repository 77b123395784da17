"""Notice a style that draws in grey, where a training from it wants colours."""

import logging
import math
from collections.abc import Sequence

from pmsgan.data.pairs import Pair
from pmsgan.errors import DataError
from pmsgan.styles.input_statistics import measure_statistics
from pmsgan.training.grid import draw_grid
from pmsgan.training.style_network import StyleNetwork

MAX_PAIRS = 4
"""Most pairs that are looked at."""
MIN_SIDE = 256
"""Least side that the pictures are resized to [pixels]."""
GREY = 0.01
"""Less of the statistic `colour` is a picture in grey."""
COLOURED = 0.05
"""More of it is a picture in colour."""

_log = logging.getLogger(__name__)


def warn_of_grey_start(style: StyleNetwork, pairs: Sequence[Pair]) -> None:
    """Warn if a style's results for some pairs are grey while their targets have colour.

    Args:
        style: the style that the training starts from.
        pairs: pairs to train on, if there are any; one that cannot be read is left to the training
            to report.
    """
    multiple = style.network.config.side_multiple
    size = math.ceil(MIN_SIDE / multiple) * multiple
    try:
        pictures = [
            (pair.input.read_at(size, size), pair.target.read_at(size, size))
            for pair in pairs[:: 1 + len(pairs) // MAX_PAIRS]
        ]
    except DataError:
        return
    if not pictures:
        return
    grid = draw_grid(style.network, pictures)
    results, targets = grid[:, size : 2 * size], grid[:, -size:]
    if (
        measure_statistics(results)["colour"] < GREY
        and measure_statistics(targets)["colour"] > COLOURED
    ):
        _log.warning(
            "the style %s draws in grey, and your targets have colour: a style in colour, such as "
            "comic, needs fewer steps",
            style.name,
        )
