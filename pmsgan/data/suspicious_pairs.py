"""Notice pairs that a network can hardly learn from, which a user may not have meant."""

from collections.abc import Sequence

from pmsgan.counts import count
from pmsgan.data.pairs import Pair
from pmsgan.errors import DataError

FEW = 10
"""Fewer pairs than these rarely make a usable style."""
MAX_MEASURED = 50
"""Most pairs whose sizes are read."""
TOLERANCE = 0.1
"""Two pictures of a pair may differ by this part in their proportions."""


def describe_suspicious(pairs: Sequence[Pair]) -> list[str]:
    """Return a sentence for each thing that is suspicious about pairs to train on.

    Args:
        pairs: any number; a picture that cannot be read is left to the training to report.
    """
    measured = pairs[:: 1 + len(pairs) // MAX_MEASURED]
    halves = [pair for pair in measured if pair.input.half != "whole"]
    found = []
    if len(pairs) < FEW:
        found.append(f"{count(len(pairs), 'pair')} to train on: a style needs a few dozen")
    if halves and all(map(_is_narrow, halves)):
        found.append(
            "no picture is wider than it is high, yet each is split into a left and a right half: "
            "for pairs in two folders, give the folder that holds both and --direction FROM:TO"
        )
    differing = [pair for pair in measured if _differ_in_shape(pair)]
    if differing:
        ours, theirs = (
            "{}x{}".format(*side.size()) for side in (differing[0].input, differing[0].target)
        )
        found.append(
            f"the two pictures of a pair differ in shape in {len(differing)} of "
            f"{count(len(measured), 'pair')}, such as {differing[0].name} ({ours} and {theirs}): "
            "matching parts must be in the same place"
        )
    return found


def _is_narrow(pair: Pair) -> bool:
    """Say whether a half is at most half as wide as it is high."""
    try:
        width, height = pair.input.size()
    except DataError:
        return False
    return 2 * width <= height


def _differ_in_shape(pair: Pair) -> bool:
    try:
        (width, height), (other_width, other_height) = pair.input.size(), pair.target.size()
    except DataError:
        return False
    ours, theirs = width * other_height, height * other_width  # one of them may be 0
    return max(ours, theirs) > (1 + TOLERANCE) * min(ours, theirs)
