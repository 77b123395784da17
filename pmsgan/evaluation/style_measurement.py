"""Measure a style on pairs that it was not trained on."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmsgan.data.config import DEFAULT_DIRECTION
from pmsgan.data.pairs import Pair, find_pairs
from pmsgan.engine.choices import Backend
from pmsgan.engine.open import open_engine
from pmsgan.evaluation.colour_accuracy import (
    ColourAccuracy,
    ColourAccuracySummary,
    measure_colour_accuracy,
    summarise,
    summarise_by_hand,
)
from pmsgan.evaluation.scaling import ScalingMeasurement, measure_scaling
from pmsgan.evaluation.table import trained_remarks
from pmsgan.evaluation.trained import count_trained_pairs, record_of_style
from pmsgan.styles.registry import Style, find_style, read_style
from pmsgan.terminal import printable

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class StyleMeasurement:
    """How close a style's results are to the targets."""

    style: Style
    accuracy: Mapping[str, ColourAccuracy]
    """In the style's size, by the names of the pairs."""
    scaling: ScalingMeasurement | None
    """In the pairs' own size; None where no pair is larger than the style's pictures."""

    def to_json(self, *, by_hand: bool = False) -> dict[str, Any]:
        """Return the content for JSON; with a summary for each drawing hand, if that is wanted."""
        return {
            "kind": "style measurement",
            "style": self.style.name,
            "all": summarise(list(self.accuracy.values())).to_json(),
            "by_hand": {
                name: summary.to_json()
                for name, summary in self._summaries_by_hand(by_hand).items()
            },
            "scaling": self.scaling and self.scaling.to_json(),
        }

    def to_text(self, *, by_hand: bool = False) -> str:
        """Return several lines for people; with one for each drawing hand, if that is wanted."""
        summaries = self._summaries_by_hand(by_hand) | {
            "all": summarise(list(self.accuracy.values()))
        }
        lines = [f"{printable(name):12} {summary}" for name, summary in summaries.items()]
        if self.scaling is not None:
            lines.append(str(self.scaling))
        return "\n".join(lines)

    def _summaries_by_hand(self, wanted: bool) -> dict[str, ColourAccuracySummary]:
        return summarise_by_hand(self.accuracy) if wanted else {}


def measure_style(
    style: Style | str, folder: Path, direction: str | None = None
) -> StyleMeasurement:
    """Measure a style on the pairs of a folder, on the engine that runs here.

    Args:
        style: a style, its name, or the path of its folder.
        folder: pairs; those that it was trained on are left out, if the style says which.
        direction: see `find_pairs`; by default that of the training, if the style says it.

    Raises:
        PmsganError: see `find_style`, `find_pairs` and `open_engine`.
        DataError: a picture cannot be read, or all pairs were trained on.
    """
    found = find_style(style)
    direction = direction or str(found.origin.get("direction", DEFAULT_DIRECTION))
    pairs = find_pairs(folder, direction)
    if (record := record_of_style(found)) is not None:
        trained = count_trained_pairs(pairs, record, folder)
        pairs = [pair for pair in pairs if pair.name not in trained.left_out]
        for remark in trained_remarks(trained):
            _log.info("%s", remark)
    size = found.height, found.width
    with open_engine(found, size=size) as engine:
        accuracy = measure_colour_accuracy(engine, pairs)
    return StyleMeasurement(
        style=found, accuracy=accuracy, scaling=_measure_scaling(found, pairs, "auto")
    )


def measure_trained(folder: Path, held_out: Sequence[Pair]) -> ScalingMeasurement | None:
    """Measure on the CPU how best to enlarge a new style's results, and record it in the style.

    Args:
        folder: the style's folder; its style.toml gets the best way and its figures.
        held_out: pairs that it was not trained on.

    Returns:
        What was measured; None if no pair is larger than the style's pictures.

    Raises:
        PmsganError: see `measure_style` and `write_scaling`.
    """
    from pmsgan.export.description import write_scaling  # it needs an extra; measuring does not

    if not held_out:
        return None
    # PyTorch has used CUDA for the training, and TensorRT cannot run beside it in one process.
    measured = _measure_scaling(read_style(folder), held_out, "openvino")
    if measured is not None:
        write_scaling(folder, measured.best)
    return measured


def _measure_scaling(
    style: Style, pairs: Sequence[Pair], backend: Backend
) -> ScalingMeasurement | None:
    return measure_scaling(
        lambda size: open_engine(style, size=size, backend=backend),
        (style.height, style.width),
        style.generator.side_multiple,
        pairs,
    )
