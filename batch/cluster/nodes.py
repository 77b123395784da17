"""The machines of a Ray cluster, and how many workers they have room for."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

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
        """A name for people; several nodes may run on one host."""
        return f"{self.host} ({self.id[:8]})"


@dataclass(frozen=True, slots=True)
class Share:
    """The share of each worker, and the number of workers."""

    num_workers: int
    cpus: int
    gpus: int
    """0 or 1."""

    def fits(self, nodes: Iterable[Node]) -> int:
        """Return how many of the workers the nodes that are alive have room for."""
        room = sum(
            min(node.cpus // self.cpus, node.gpus if self.gpus else node.cpus)
            for node in nodes
            if node.is_alive
        )
        return min(self.num_workers, room)


def read_nodes(found: Iterable[dict[str, Any]]) -> list[Node]:
    """Return the nodes of what `ray.nodes()` gives."""
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


def share_out(nodes: Iterable[Node], *, wanted: int | None, on_gpus: bool) -> Share:
    """Say how many workers there shall be.

    Args:
        nodes: those that are not alive do not count.
        wanted: how many a user asked for; by default one for each GPU or, where there are none, as
            many as have all cores of the smallest machine.
        on_gpus: each worker has a GPU of its own.

    Raises:
        ConfigError: there is no room for so many.
        EngineError: there is room for none.
    """
    alive = [node for node in nodes if node.is_alive and node.cpus]
    if on_gpus:
        alive = [node for node in alive if node.gpus]
        room = sum(node.gpus for node in alive)
        cpus = min((max(1, node.cpus // node.gpus) for node in alive), default=1)
    else:
        room = sum(node.cpus for node in alive)
        cpus = min((node.cpus for node in alive), default=1)
    if not room:
        raise EngineError("no machine of the cluster has a processor that is free for workers")
    if wanted is not None and wanted > room:
        kind = "GPUs" if on_gpus else "processor cores"
        raise ConfigError(f"there are {room} {kind} for {wanted} workers: give fewer --workers")
    if on_gpus:
        return Share(wanted or room, cpus, 1)
    usual = sum(node.cpus // cpus for node in alive)
    while wanted is not None and sum(node.cpus // cpus for node in alive) < wanted:
        cpus -= 1
    return Share(wanted or usual, cpus, 0)
