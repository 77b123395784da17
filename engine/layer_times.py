"""Show how long each layer of a compiled engine takes."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

_NAME_COLUMNS = 90
"""A fused layer has the names of all its nodes; the table shows both ends of a long one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """A layer of a compiled engine, which may stand for many nodes of the graph."""

    name: str
    ms: float
    """Median time in a batch [milliseconds]."""
    kind: str = ""
    """Kind of layer, as the runtime calls it; empty if it does not say."""
    details: dict[str, Any] = field(default_factory=dict)
    """Everything that the runtime reports about it: inputs, outputs, kernel."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LayerTimes:
    """The layers of an engine, in the order in which they run."""

    batch: int
    """Pictures in a batch."""
    num_batches: int
    """Number of batches that were timed."""
    layers: Sequence[Layer]

    @property
    def total_ms(self) -> float:
        """Sum of all layers [milliseconds], without the gaps and copies of a run."""
        return sum(layer.ms for layer in self.layers)

    def to_json(self) -> dict[str, Any]:
        """Return the content for JSON."""
        return asdict(self) | {"total_ms": self.total_ms}

    def to_text(self) -> str:
        """Return a table for people, the slowest layer first."""
        total_ms = self.total_ms
        slowest_first = sorted(self.layers, key=lambda layer: layer.ms, reverse=True)
        width = max((len(layer.kind) for layer in self.layers), default=0)
        return "\n".join(
            [
                f"{len(self.layers)} layers take {total_ms:.3f} ms for a batch of {self.batch} "
                f"(median of {self.num_batches} batches):",
                f"{'ms':>9} {'share':>6}  {'kind':<{width}}  layer",
                *(
                    f"{layer.ms:>9.3f} {layer.ms / (total_ms or 1.0):>6.1%}  "
                    f"{layer.kind:<{width}}  {_shortened(layer.name)}"
                    for layer in slowest_first
                ),
            ]
        )


def _shortened(name: str) -> str:
    if len(name) <= _NAME_COLUMNS:
        return name
    half = (_NAME_COLUMNS - 5) // 2
    return f"{name[:half]} ... {name[-half:]}"
