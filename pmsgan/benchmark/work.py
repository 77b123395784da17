"""Count the work of a picture: its operations, and the numbers that they read and write."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pmsgan.benchmark.ceilings import Ceilings, matrix_rates, memory_rate
from pmsgan.benchmark.config import PEERS, fits_peer
from pmsgan.benchmark.peer import make_peer
from pmsgan.child import call_in_child
from pmsgan.engine.open import missing_requirement
from pmsgan.errors import ChildError, EngineError
from pmsgan.model.config import NetworkConfig

if TYPE_CHECKING:
    from torch import nn

OWN_NETWORK = "the style's"
"""Name of the style's own network, which is not a peer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Work:
    """The work of a picture, and the rates that bound it."""

    network_gflop: dict[str, float]
    """Operations for one picture, by network; a multiply-add counts as two [10^9]."""
    network_gvalues: dict[str, float]
    """Numbers that matrix products and convolutions read and write for one picture, by network
    [10^9]. An engine that fuses all else into them moves no more."""
    ceilings: Ceilings


def examine_work(
    config: NetworkConfig, sizes: Sequence[tuple[int, int]], num_threads: int | None
) -> list[Work]:
    """Count the work of a picture of each size, and measure the ceilings once.

    torch and pycuda cannot share a process, so each works in a child process.

    Args:
        config: the network.
        sizes: heights and widths of pictures [pixels].
        num_threads: threads that a CPU computes with; by default one for each core.

    Raises:
        EngineError: torch is not installed, or the child failed.
    """
    if (missing := missing_requirement("eager")) is not None:
        raise EngineError(missing)
    try:
        counts, matrix = call_in_child(_examine, config, sizes, num_threads)
    except ChildError as error:
        raise EngineError(f"the work cannot be counted: {error}") from error
    ceilings = Ceilings(matrix_gflop_per_s=matrix, memory_gb_per_s=memory_rate())
    return [
        Work(network_gflop=gflop, network_gvalues=gvalues, ceilings=ceilings)
        for gflop, gvalues in counts
    ]


def _examine(
    config: NetworkConfig, sizes: Sequence[tuple[int, int]], num_threads: int | None
) -> tuple[list[tuple[dict[str, float], dict[str, float]]], dict[str, float]]:
    import torch

    if num_threads is not None:
        torch.set_num_threads(num_threads)
    counts = [(count_gflop(config, *size), count_gvalues(config, *size)) for size in sizes]
    return counts, matrix_rates(num_threads)


def count_gflop(config: NetworkConfig, height: int, width: int) -> dict[str, float]:
    """Return the operations for one picture by network [10^9]; a peer cannot take every size."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    counts = {}
    with torch.device("meta"):
        for name, network in _networks(config, height, width):
            with FlopCounterMode(display=False) as counter:
                network(torch.empty(1, 3, height, width))
            counts[name] = counter.get_total_flops() / 1e9
    return counts


def count_gvalues(config: NetworkConfig, height: int, width: int) -> dict[str, float]:
    """Return the numbers that products and convolutions read and write, by network [10^9].

    Those of one picture, weights among them.
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves
    from torch.utils.flop_counter import flop_registry

    class ValueCounter(TorchDispatchMode):
        """Counts the numbers of operations whose FLOP count."""

        num_values = 0

        def __torch_dispatch__(
            self, func: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            result = func(*args, **(kwargs or {}))
            if func.overloadpacket in flop_registry:
                tensors = (leaf for leaf in tree_leaves((args, result)) if torch.is_tensor(leaf))
                self.num_values += sum(tensor.numel() for tensor in tensors)
            return result

    counts = {}
    with torch.device("meta"):
        for name, network in _networks(config, height, width):
            with ValueCounter() as counter:  # type: ignore[no-untyped-call]
                network(torch.empty(1, 3, height, width))
            counts[name] = counter.num_values / 1e9
    return counts


def _networks(config: NetworkConfig, height: int, width: int) -> Iterator[tuple[str, "nn.Module"]]:
    """Yield the style's network and the peers that take this size."""
    from pmsgan.model.network import make_network

    yield OWN_NETWORK, make_network(config).eval()
    for name in PEERS:
        if fits_peer(name, height, width):
            yield name, make_peer(name).eval()
