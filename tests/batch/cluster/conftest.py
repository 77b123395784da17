"""A Ray cluster on loopback: a head and two machines with one core each, as processes."""

import importlib.util
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ports import free_port
from sessions import kill_session, processes_of_session

START_TIMEOUT_S = 120


class Node:
    """`ray start`, with all its processes in one session."""

    def __init__(self, log: Path, *options: str, auth: str = "token") -> None:
        self.log = log
        ray = Path(sys.executable).with_name("ray")
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [ray, "start", "--block", "--disable-usage-stats", *options],
                stdout=file,
                stderr=subprocess.STDOUT,
                env=environment() | {"RAY_AUTH_MODE": auth},
                start_new_session=True,
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while "Ray runtime started" not in log.read_text():
            assert self.process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)

    def processes(self) -> list[int]:
        """Return every process of the session."""
        return processes_of_session(self.process.pid)

    def kill(self) -> None:
        """Kill -9 all of it."""
        kill_session(self.process.pid)
        self.process.wait()


def environment() -> dict[str, str]:
    quiet = {"RAY_AUTH_MODE": "token", "RAY_enable_metrics_collection": "0"}
    return os.environ | quiet | {"OMP_NUM_THREADS": "1"}


class Cluster:
    """A head without processors of its own, and machines that are added."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.address = f"127.0.0.1:{free_port()}"
        self.nodes: list[Node] = []
        ray = Path(sys.executable).with_name("ray")
        subprocess.run(
            [ray, "get-auth-token", "--generate"], env=environment(), check=True,
            capture_output=True,
        )  # fmt: skip
        self.head = Node(
            folder / "head.log", "--head", f"--port={self.address.rpartition(':')[2]}",
            "--num-cpus=0", "--include-dashboard=false", "--object-store-memory=100000000",
        )  # fmt: skip

    def add_node(self) -> Node:
        log = self.folder / f"node{len(self.nodes)}.log"
        node = Node(
            log, f"--address={self.address}", "--num-cpus=1", "--object-store-memory=100000000"
        )
        self.nodes.append(node)
        return node

    def stop(self) -> None:
        for node in [*self.nodes, self.head]:
            node.kill()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    if sys.platform != "linux":
        pytest.skip("looks for processes in /proc")
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed")
    started = Cluster(tmp_path_factory.mktemp("ray"))
    try:
        started.add_node()
        started.add_node()
        yield started
    finally:
        started.stop()
