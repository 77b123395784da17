"""Measure the ways to enlarge a style's results to the size of their pictures.

The pairs are larger than the style's pictures, so the true picture at full size shows which way is
best: plain enlargement, a guided filter, or tiles.
"""

import importlib.util
import logging
import statistics
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from pmsgan.bar import Bar
from pmsgan.batch.pictures.colour import Pixels
from pmsgan.data.pairs import Pair
from pmsgan.engine.accuracy import compare
from pmsgan.engine.interface import Engine
from pmsgan.errors import EvaluationError
from pmsgan.evaluation.colour_accuracy import MAX_PSNR_DB
from pmsgan.evaluation.translation import prepare_picture, translate_picture
from pmsgan.resize import resize_into
from pmsgan.styles.scaling import Scaling

MAX_PAIRS = 50
"""Most pairs that are measured."""
RADII = (1, 2, 4)
EPSILONS = (1e-4, 1e-3)
TILED_SIDES = (0, 2, 3)
"""Working sizes of tiles, in sides of the style's pictures; 0 is the picture's own size."""

_log = logging.getLogger(__name__)

Size = tuple[int, int]
"""Height and width [pixels]."""
OpenAt = Callable[[Size], Engine]
_Distance = Callable[[Pixels, Pixels], float]


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredScaling:
    """One way, and the closeness of its results to the true pictures in their own size."""

    scaling: Scaling
    psnr_db: float
    """Median over the pairs."""
    lpips: float | None = None
    """Mean over the pairs; None where it was not measured."""

    @property
    def name(self) -> str:
        """The way, with its parameters."""
        scaling = self.scaling
        way: str = scaling.mode
        if scaling.mode == "guided":
            way += f", radius {scaling.radius}, epsilon {scaling.epsilon:g}"
        elif scaling.mode == "tiles":
            way += f" at {scaling.working_size or 'full size'}"
        return way

    def __str__(self) -> str:
        """Return one line for people."""
        lpips = "" if self.lpips is None else f", LPIPS {self.lpips:.4f}"
        return f"{self.name:34} median PSNR {self.psnr_db:.1f} dB{lpips}"


@dataclass(frozen=True, kw_only=True, slots=True)
class ScalingMeasurement:
    """All ways that were measured on the same pairs."""

    num_pairs: int
    side: int
    """Median of the pictures' long sides [pixels]."""
    ways: tuple[MeasuredScaling, ...]

    def best_of(self, mode: str) -> MeasuredScaling:
        """Return the way of a mode that has the highest PSNR."""
        return max(
            (way for way in self.ways if way.scaling.mode == mode), key=lambda way: way.psnr_db
        )

    @property
    def best(self) -> Scaling:
        """The way with the highest PSNR; its figures are those of the best of each mode."""
        figures: dict[str, float] = {"num_pairs": self.num_pairs, "side": self.side}
        for mode in ("plain", "guided", "tiles"):
            way = self.best_of(mode)
            figures[f"{mode}_psnr_db"] = round(way.psnr_db, 2)
            if way.lpips is not None:
                figures[f"{mode}_lpips"] = round(way.lpips, 4)
        return replace(self._best.scaling, figures=figures)

    @property
    def _best(self) -> MeasuredScaling:
        return max(self.ways, key=lambda way: way.psnr_db)

    def summary(self) -> str:
        """Return one line for people: the best way, and the best of the other modes."""
        modes = dict.fromkeys(way.scaling.mode for way in self.ways)
        del modes[self._best.scaling.mode]
        others = ", ".join(f"{mode} {self.best_of(mode).psnr_db:.1f}" for mode in modes)
        return (
            f"pictures of {self.side} pixels ({self.num_pairs} measured): {self._best.name}, "
            f"median PSNR {self._best.psnr_db:.1f} dB ({others})"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the content for JSON."""
        return asdict(self) | {"best": asdict(self.best)}

    def __str__(self) -> str:
        """Return several lines for people."""
        first = f"at the size of the pairs, {self.side} pixels ({self.num_pairs} measured):"
        return "\n".join([first, *(f"  {way}" for way in self.ways)])


class _Network:
    """A style's engines, each opened when it is needed first."""

    def __init__(self, open_at: OpenAt, size: Size, side_multiple: int) -> None:
        """Open nothing yet; see `measure_scaling`."""
        self._open_at = open_at
        self._side_multiple = side_multiple
        self._engines: dict[Size, Engine] = {}
        self._opened = ExitStack()
        self.size = size

    def __enter__(self) -> "_Network":
        """Return the network."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the engines."""
        self._opened.close()

    def engine(self, scaling: Scaling) -> Engine:
        """Return the engine for one view of the network."""
        view = scaling.view(self.size, self._side_multiple)
        if view not in self._engines:
            self._engines[view] = self._opened.enter_context(self._open_at(view))
        return self._engines[view]


def measure_scaling(
    open_at: OpenAt, size: Size, side_multiple: int, pairs: Sequence[Pair]
) -> ScalingMeasurement | None:
    """Compare all ways on pairs that are larger than the style's pictures.

    Args:
        open_at: opens an engine of the style at a height and width [pixels].
        size: height and width of the style's pictures [pixels].
        side_multiple: the sides of the network's input are multiples of this [pixels].
        pairs: pairs that the style was not trained on; at most `MAX_PAIRS` of them are measured.

    Returns:
        What was measured; None if no pair is larger than the style's pictures.

    Raises:
        DataError: a picture cannot be read.
        ImageError: a picture has a size that cannot be converted, or a result is not a picture.
        EngineError: the engine failed.
    """
    with _Network(open_at, size, side_multiple) as network:
        return _measure(network, pairs[:: 1 + (len(pairs) - 1) // MAX_PAIRS] if pairs else ())


def _measure(network: _Network, pairs: Sequence[Pair]) -> ScalingMeasurement | None:
    ways = _ways(max(network.size))
    large: list[Pair] = []
    sides: list[int] = []
    psnr_db: list[list[float]] = [[] for _ in ways]
    for pair in Bar(pairs, desc="measuring", unit="pair"):
        picture, truth = _read(pair)
        if max(truth.shape) <= max(network.size):
            continue
        large.append(pair)
        sides.append(max(truth.shape))
        for values, result in zip(psnr_db, _results(network, picture, ways), strict=True):
            values.append(min(compare(result, truth).psnr_db, MAX_PSNR_DB))
    if not large:
        return None
    measured = ScalingMeasurement(
        num_pairs=len(large),
        side=round(statistics.median(sides)),
        ways=tuple(
            MeasuredScaling(scaling=way, psnr_db=statistics.median(values))
            for way, values in zip(ways, psnr_db, strict=True)
        ),
    )
    return _with_lpips(measured, network, large)


def _ways(side: int) -> list[Scaling]:
    guided = [
        Scaling(mode="guided", working_size=side, radius=radius, epsilon=epsilon)
        for radius in RADII
        for epsilon in EPSILONS
    ]
    tiles = [
        Scaling(mode="tiles", working_size=factor * side, min_size=side) for factor in TILED_SIDES
    ]
    return [Scaling(mode="plain", working_size=side), *guided, *tiles]


def _read(pair: Pair) -> tuple[Pixels, Pixels]:
    """Return the input and the target in the target's size."""
    truth = pair.target.read()
    picture = np.empty_like(truth, order="C")
    resize_into(pair.input.read(), picture)
    return picture, truth


def _results(network: _Network, picture: Pixels, ways: Sequence[Scaling]) -> Iterator[Pixels]:
    """Yield the result of `pmsgan convert` for a picture, in each way."""
    whole: Pixels | None = None
    for way in ways:
        engine = network.engine(way)
        if way.mode == "tiles":
            yield translate_picture(engine, picture, way)
            continue
        loaded = prepare_picture(picture, network.size, way)
        row = np.empty((1, *network.size, 3), np.uint8)
        loaded.fill(row[0])
        if whole is None:  # all ways but tiles show the network the same, so it runs once
            whole = engine.translate(row)[0]
        result = loaded.add(whole, row[0])
        assert result is not None
        yield result


def _with_lpips(
    measured: ScalingMeasurement, network: _Network, pairs: Sequence[Pair]
) -> ScalingMeasurement:
    """Add LPIPS to the best way of each mode, if it is available."""
    if (distance := _load_lpips()) is None:
        return measured
    best = [measured.best_of(mode) for mode in ("plain", "guided", "tiles")]
    values: list[list[float]] = [[] for _ in best]
    for picture, truth in map(_read, pairs):
        results = _results(network, picture, [way.scaling for way in best])
        for distances, result in zip(values, results, strict=True):
            distances.append(distance(result, truth))
    means = [statistics.fmean(distances) for distances in values]
    ways = [
        replace(way, lpips=means[best.index(way)]) if way in best else way for way in measured.ways
    ]
    return replace(measured, ways=tuple(ways))


def _load_lpips() -> _Distance | None:
    """Return LPIPS with AlexNet on the CPU; None where the library or its weights are missing."""
    if importlib.util.find_spec("lpips") is None:
        return None
    import torch

    from pmsgan.evaluation.metrics import load_pair_metric, to_tensor

    device = torch.device("cpu")
    try:
        metric = load_pair_metric("lpips-alex", device)
    except EvaluationError as error:
        _log.info("LPIPS is not measured: %s", error)
        return None

    @torch.no_grad()
    def distance(result: Pixels, truth: Pixels) -> float:
        ours, theirs = (
            to_tensor(np.ascontiguousarray(image[..., ::-1]), device) for image in (result, truth)
        )
        return metric(ours, theirs)

    return distance
