"""How workers are shared out among machines."""

import pytest

from pmsgan.batch.cluster.nodes import (
    Node,
    WorkerAllocation,
    allocate_workers,
    read_nodes,
    use_gpus,
)
from pmsgan.batch.settings import RunSettings
from pmsgan.errors import ConfigError, EngineError


def node(cpus: int, gpus: int = 0, *, is_alive: bool = True) -> Node:
    return Node(id=f"{cpus}-{gpus}", host="host", cpus=cpus, gpus=gpus, is_alive=is_alive)


@pytest.mark.parametrize(
    ("nodes", "wanted", "on_gpus", "allocation"),
    [
        ([node(16), node(16)], None, False, WorkerAllocation(2, 16, 0)),
        (
            [node(0), node(1), node(1)],
            None,
            False,
            WorkerAllocation(2, 1, 0),
        ),  # a head without processors
        ([node(64), node(8)], None, False, WorkerAllocation(9, 8, 0)),
        ([node(16), node(16)], 4, False, WorkerAllocation(4, 8, 0)),
        ([node(16), node(16)], 3, False, WorkerAllocation(3, 8, 0)),
        ([node(16), node(16)], 32, False, WorkerAllocation(32, 1, 0)),
        ([node(16), node(16, is_alive=False)], None, False, WorkerAllocation(1, 16, 0)),
        ([node(64, 8), node(16, 4), node(32)], None, True, WorkerAllocation(12, 4, 1)),
        ([node(64, 8)], 2, True, WorkerAllocation(2, 8, 1)),
        ([node(2, 4)], None, True, WorkerAllocation(4, 1, 1)),
        ([node(16, 1)], 3, True, WorkerAllocation(3, 5, 3)),
        ([node(64, 2), node(16, 1)], 6, True, WorkerAllocation(6, 8, 2)),
        ([node(2, 1), node(64)], 2, True, WorkerAllocation(2, 1, 2)),
    ],
)
def test_workers_fill_the_machines(
    nodes: list[Node], wanted: int | None, on_gpus: bool, allocation: WorkerAllocation
) -> None:
    assert allocate_workers(nodes, wanted=wanted, on_gpus=on_gpus) == allocation


def test_too_many_workers_and_no_machine_are_told() -> None:
    with pytest.raises(ConfigError, match=r"4 CPU cores are too few for 5 workers"):
        allocate_workers([node(4)], wanted=5, on_gpus=False)
    with pytest.raises(
        ConfigError, match="3 workers cannot share 2 GPUs evenly: give --workers 2 or 4"
    ):
        allocate_workers([node(4, 2), node(4)], wanted=3, on_gpus=True)
    with pytest.raises(ConfigError, match="for 8 workers: give --workers 6 or fewer"):
        allocate_workers([node(6, 2), node(64)], wanted=8, on_gpus=True)
    with pytest.raises(EngineError, match="no machine"):
        allocate_workers([node(0), node(4, is_alive=False)], wanted=None, on_gpus=False)


def test_workers_that_are_alive_are_those_with_a_machine() -> None:
    allocation = WorkerAllocation(3, 4, 0)
    assert allocation.fits([node(4), node(8)]) == 3
    assert allocation.fits([node(4), node(8, is_alive=False)]) == 1
    assert WorkerAllocation(8, 2, 1).fits([node(16, 4), node(64)]) == 4
    assert WorkerAllocation(8, 2, 2).fits([node(16, 4), node(64)]) == 8
    assert WorkerAllocation(8, 2, 2).fits([node(8, 4), node(64)]) == 4


def test_as_many_parts_of_a_gpu_as_workers_fit_into_it() -> None:
    assert WorkerAllocation(4, 1, 0).gpus == 0
    for each in range(1, 65):
        units = round(WorkerAllocation(each, 1, each).gpus * 10_000)  # so Ray counts
        assert 10_000 - each < each * units <= 10_000


@pytest.mark.parametrize(
    ("nodes", "run", "on_gpus"),
    [
        ([node(4), node(4, 1)], RunSettings(), True),
        ([node(4), node(4, 1, is_alive=False)], RunSettings(), False),
        ([node(4, 1)], RunSettings(backend="openvino"), False),
        ([node(4, 1)], RunSettings(backend="tensorrt"), True),
    ],
)
def test_gpus_are_used_where_the_backend_can(
    nodes: list[Node], run: RunSettings, on_gpus: bool
) -> None:
    assert use_gpus(nodes, run) == on_gpus


@pytest.mark.parametrize("run", [RunSettings(require_gpu=True), RunSettings(backend="tensorrt")])
def test_gpus_that_are_needed_and_missing_are_told(run: RunSettings) -> None:
    with pytest.raises(EngineError, match="no machine of the cluster has a GPU"):
        use_gpus([node(4), node(4, 1, is_alive=False)], run)


def test_ray_s_own_words_are_understood() -> None:
    found = read_nodes(
        [
            {
                "NodeID": "abcdef0123456789",
                "Alive": True,
                "NodeManagerAddress": "10.0.0.1",
                "NodeManagerHostname": "studio1",
                "Resources": {"CPU": 8.0, "GPU": 2.0, "memory": 1e9},
            },
            {"NodeID": "ff", "Alive": False, "NodeManagerAddress": "10.0.0.2", "Resources": {}},
        ]
    )
    assert [(it.title, it.cpus, it.gpus, it.is_alive) for it in found] == [
        ("studio1 (abcdef01)", 8, 2, True),
        ("10.0.0.2 (ff)", 0, 0, False),
    ]
