"""Hold an engine against others on the same pictures, in turn."""

import logging
import math
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from pmsgan.batch.comparison.child import ComparisonProcess, Contender
from pmsgan.batch.comparison.workload import Sample
from pmsgan.engine.accuracy import Accuracy, Pictures, compare
from pmsgan.engine.choices import Precision
from pmsgan.engine.interface import Engine, EngineInfo
from pmsgan.spread import Spread

NUM_TURNS = 3
"""Times that each side works on the sample; the median counts."""
ROUND_S = 2.0
"""About how long the rival works in a round, if its batch does not take longer."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Turns:
    """How long both sides took for the same pictures; first one, then the other, and again."""

    num_pictures: int
    engine_s: tuple[float, ...] = ()
    rival_s: tuple[float, ...] = ()
    gpu_s: tuple[float, ...] = ()
    """Of `engine_s` what the network took, by the GPU's own clock; empty where there is none."""

    def __add__(self, later: "Turns") -> "Turns":
        """Return all turns of both, which are of the same pictures."""
        return Turns(
            num_pictures=self.num_pictures,
            engine_s=self.engine_s + later.engine_s,
            rival_s=self.rival_s + later.rival_s,
            gpu_s=self.gpu_s + later.gpu_s,
        )

    @property
    def engine_images_per_s(self) -> Spread:
        """Of all turns."""
        return Spread.of(self.num_pictures / seconds for seconds in self.engine_s)

    @property
    def rival_images_per_s(self) -> Spread:
        """Of all turns."""
        return Spread.of(self.num_pictures / seconds for seconds in self.rival_s)

    @property
    def speedup(self) -> Spread:
        """How many times faster the engine was in each turn."""
        return Spread.of(b / a for a, b in zip(self.engine_s, self.rival_s, strict=True))

    def to_json(self) -> dict[str, Any]:
        """Return what was measured, and what follows from it."""
        return asdict(self) | {
            name: asdict(getattr(self, name))
            for name in ("engine_images_per_s", "rival_images_per_s", "speedup")
        }


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline:
    """An engine and a rival on the same pictures."""

    title: str
    """What the rival is."""
    rival: EngineInfo
    alone: Turns
    """Pictures in memory; copies to and from a GPU included."""
    end_to_end: Turns
    """Files to files, both sides through the same folder run."""
    engine_accuracy: Accuracy | None
    """Against eager PyTorch in FP32; None where that is not known."""
    rival_accuracy: Accuracy | None
    """Likewise."""

    @property
    def gpu_images_per_s(self) -> float | None:
        """The engine's without copies, by the GPU's own clock; None where there is none."""
        gpu_s = self.alone.gpu_s
        return self.alone.num_pictures / statistics.median(gpu_s) if gpu_s else None

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "title": self.title,
            "rival": asdict(self.rival),
            "alone": self.alone.to_json(),
            "end_to_end": self.end_to_end.to_json(),
            "gpu_images_per_s": self.gpu_images_per_s,
            "engine_accuracy": self.engine_accuracy and self.engine_accuracy.to_json(),
            "rival_accuracy": self.rival_accuracy and self.rival_accuracy.to_json(),
        }


def eager_contenders(engine: EngineInfo) -> tuple[Contender, ...]:
    """Return what of eager PyTorch an engine is to be held against.

    FP32, and the best that a user could have had: channels last, and autocast to what this
    processor is quick in.
    """
    precisions: tuple[Precision, ...] = ("fp32",)
    if engine.precision != "fp32":
        precisions += ("fp16" if engine.precision == "fp16" else "bf16",)
    return tuple(Contender(backend="eager", precision=precision) for precision in precisions)


def measure_eager(engine: Engine, sample: Sample) -> Iterator[Baseline]:
    """Measure an open engine against eager PyTorch in FP32, then against the best eager.

    Raises:
        EngineError: torch is not installed, or the child failed.
    """
    reference: Pictures | None = None
    for contender in eager_contenders(engine.info):
        baseline, reference = measure_against(engine, contender, sample, reference=reference)
        yield baseline


def measure_against(
    engine: Engine,
    contender: Contender,
    sample: Sample,
    *,
    num_turns: int = NUM_TURNS,
    num_threads: int | None = None,
    reference: Pictures | None = None,
    before: Baseline | None = None,
) -> tuple[Baseline, Pictures | None]:
    """Measure an open engine against one rival.

    Args:
        engine: idle.
        contender: the rival.
        sample: what both work on; fewer pictures are taken where the rival is slow.
        num_turns: times that each side works on them.
        num_threads: that the rival computes with; by default all.
        reference: what eager PyTorch in FP32 has made of the first pictures, if known.
        before: what was measured of the same engine and rival; it becomes part of the result.

    Returns:
        What was measured, and the reference: the results of a contender that is eager PyTorch in
        FP32, else what was given.

    Raises:
        EngineError: the contender cannot run here, or the child failed.
    """
    _log.info("measuring %s", contender.title)
    batch = engine.info.max_batch
    with ComparisonProcess(contender, sample, batch, num_threads) as rival:
        engine.kept_slots(sample.parallelism.slots)
        count = before.alone.num_pictures if before else _count(sample, batch, rival)
        _, results = sample.translate(engine, count)
        rival.translate(min(batch, count))
        sample.convert(engine, min(batch, count))  # the first time, both make slots
        rival.convert(min(batch, count))
        alone = before.alone if before else Turns(num_pictures=count)
        for _ in range(num_turns):
            alone += _in_memory(engine, rival, sample, count)
        rival_results = rival.results()
        end_to_end = before.end_to_end if before else Turns(num_pictures=count)
        for _ in range(num_turns):
            engine_s, rival_s = sample.convert(engine, count), rival.convert(count)
            end_to_end += Turns(num_pictures=count, engine_s=(engine_s,), rival_s=(rival_s,))
        info = rival.info()
    if contender == Contender(backend="eager", precision="fp32"):
        reference = rival_results
    is_pmsgan = contender.network == "PMSGAN"
    baseline = Baseline(
        title=contender.title,
        rival=info,
        alone=alone,
        end_to_end=end_to_end,
        engine_accuracy=_accuracy(results, reference),
        rival_accuracy=_accuracy(rival_results, reference) if is_pmsgan else None,
    )
    return baseline, reference


def _in_memory(engine: Engine, rival: ComparisonProcess, sample: Sample, count: int) -> Turns:
    """Let both translate the pictures in memory once."""
    before = engine.gpu_times
    engine_s, _ = sample.translate(engine, count)
    after = engine.gpu_times
    return Turns(
        num_pictures=count,
        engine_s=(engine_s,),
        rival_s=(rival.translate(count),),
        gpu_s=(after.compute_s - before.compute_s,) if before and after else (),
    )


def _count(sample: Sample, batch: int, rival: ComparisonProcess) -> int:
    """Return how many pictures fill a round; whole batches, if there are that many."""
    batch = min(batch, len(sample.pictures))
    rival.translate(batch)
    seconds = statistics.median(rival.translate(batch) for _ in range(2))
    num_batches = max(1, math.floor(ROUND_S / seconds))
    return min(num_batches, len(sample.pictures) // batch) * batch


def _accuracy(results: Pictures, reference: Pictures | None) -> Accuracy | None:
    if reference is None:
        return None
    count = min(len(results), len(reference))
    return compare(results[:count], reference[:count])
