"""Describes the machines of a Ray cluster, and divides them among workers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from pmsgan.batch.settings import RunSettings
from pmsgan.errors import ConfigError, EngineError


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A machine, as Ray knows it."""

    id: str
    host: str
    cpus: int
    gpus: int
    is_alive: bool

    @property
    def title(self) -> str:
        """Name for people to read; several nodes may run on one host."""
        return f"{self.host} ({self.id[:8]})"


@dataclass(frozen=True, slots=True)
class WorkerAllocation:
    """How many workers to start, and the CPUs and GPUs that each of them gets."""

    num_workers: int
    cpus: int
    workers_per_gpu: int
    """Workers that share each GPU; 0 if they compute on CPUs."""

    @property
    def gpus(self) -> float:
        """The part of a GPU that Ray reserves for a worker, 0 to 1."""
        # Ray counts in 1/10,000 and rounds: of six parts that were rounded up, five would fit.
        parts = 10_000
        return parts // self.workers_per_gpu / parts if self.workers_per_gpu else 0.0

    def fits(self, nodes: Iterable[Node]) -> int:
        """Return how many of the workers fit on the live nodes."""
        on_gpus = self.workers_per_gpu
        room = sum(
            min(node.cpus // self.cpus, node.gpus * on_gpus if on_gpus else node.cpus)
            for node in nodes
            if node.is_alive
        )
        return min(self.num_workers, room)


def read_nodes(found: Iterable[dict[str, Any]]) -> list[Node]:
    """Return the nodes that `ray.nodes()` lists."""
    return [
        Node(
            id=str(node["NodeID"]),
            host=str(node.get("NodeManagerHostname") or node["NodeManagerAddress"]),
            cpus=int(node["Resources"].get("CPU", 0)),
            gpus=int(node["Resources"].get("GPU", 0)),
            is_alive=bool(node["Alive"]),
        )
        for node in found
    ]


def use_gpus(nodes: Iterable[Node], run: RunSettings) -> bool:
    """Say whether workers compute on GPUs.

    Raises:
        EngineError: they must, but no live machine has one.
    """
    has_gpus = any(node.gpus for node in nodes if node.is_alive)
    needs_gpus = run.require_gpu or run.backend in ("tensorrt", "tensorrt-rtx")
    if needs_gpus and not has_gpus:
        raise EngineError("no machine of the cluster has a GPU")
    return needs_gpus or (run.backend == "auto" and has_gpus)


def allocate_workers(
    nodes: Iterable[Node], *, wanted: int | None, on_gpus: bool
) -> WorkerAllocation:
    """Decide how many workers to start.

    Args:
        nodes: the machines; dead ones are ignored.
        wanted: the number that the user asked for; by default one for each GPU or, without GPUs,
        one for as many cores as the smallest machine has.
        on_gpus: workers compute on GPUs. More workers than GPUs share them evenly.

    Raises:
        ConfigError: there is no room for that many, or they cannot share the GPUs evenly.
        EngineError: there is no room for any.
    """
    alive = [node for node in nodes if node.is_alive and node.cpus]
    if on_gpus:
        alive = [node for node in alive if node.gpus]
    if not alive:
        raise EngineError("no machine of the cluster has a free CPU core for workers")
    return _allocate_gpus(alive, wanted) if on_gpus else _allocate_cores(alive, wanted)


def _allocate_gpus(nodes: Sequence[Node], wanted: int | None) -> WorkerAllocation:
    num_gpus = sum(node.gpus for node in nodes)
    if wanted is None or wanted <= num_gpus:
        cpus = min(max(1, node.cpus // node.gpus) for node in nodes)
        return WorkerAllocation(wanted or num_gpus, cpus, 1)
    each, left = divmod(wanted, num_gpus)
    if left:
        raise ConfigError(
            f"{wanted} workers cannot share {num_gpus} GPUs evenly: "
            f"give --workers {each * num_gpus} or {(each + 1) * num_gpus}"
        )
    cpus = min(node.cpus // (node.gpus * each) for node in nodes)
    if not cpus:
        most = num_gpus * max(1, min(node.cpus // node.gpus for node in nodes))
        raise ConfigError(
            f"there are not enough CPU cores for {wanted} workers: give --workers {most} or fewer"
        )
    return WorkerAllocation(wanted, cpus, each)


def _allocate_cores(nodes: Sequence[Node], wanted: int | None) -> WorkerAllocation:
    room, cpus = sum(node.cpus for node in nodes), min(node.cpus for node in nodes)
    if wanted is None:
        return WorkerAllocation(sum(node.cpus // cpus for node in nodes), cpus, 0)
    if wanted > room:
        raise ConfigError(f"{room} CPU cores are too few for {wanted} workers: lower --workers")
    while sum(node.cpus // cpus for node in nodes) < wanted:
        cpus -= 1
    return WorkerAllocation(wanted, cpus, 0)
