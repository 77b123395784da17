"""Whoever reaches a Ray that asks for no token can run code in it: such a one is refused."""

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ports import free_port
from trees import write_pictures

from pmsgan.batch.cluster.authentication import refuse_open_cluster
from pmsgan.batch.convert import convert_folder
from pmsgan.batch.settings import Cluster
from pmsgan.errors import ConfigError, EngineError


@pytest.fixture(scope="module")
def open_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a cluster that lets everybody in, with no processor."""
    if sys.platform != "linux" or importlib.util.find_spec("ray") is None:
        pytest.skip("needs Ray and /proc")
    conftest = sys.modules["tests.batch.cluster.conftest"]
    port, log = free_port(), tmp_path_factory.mktemp("open") / "head.log"
    node = conftest.Node(
        log, "--head", f"--port={port}", "--num-cpus=0", "--include-dashboard=false",
        "--object-store-memory=100000000", auth="disabled",
    )  # fmt: skip
    yield f"127.0.0.1:{port}"
    node.kill()


@pytest.mark.parametrize("ours", ["disabled", "token"])
def test_a_cluster_that_lets_everybody_in_is_refused(
    open_address: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    ours: str,
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", ours)
    monkeypatch.setenv("RAY_AUTH_TOKEN", "x" * 64)
    write_pictures(tmp_path / "in", 1)
    with pytest.raises(
        ConfigError, match="RAY_AUTH_MODE=token on every machine, or give --insecure"
    ):
        convert_folder(
            tmp_path / "in", tmp_path / "out", "ink", cluster=Cluster(address=open_address)
        )


def test_a_cluster_that_asks_for_a_token_is_not(cluster: Any) -> None:
    refuse_open_cluster(cluster.address)


def test_what_does_not_answer_as_ray_does_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr("pmsgan.batch.cluster.authentication._TIMEOUT_S", 0.01)
    with pytest.raises(EngineError, match=r"whether the Ray cluster 127\.0\.0\.1:1 asks for a"):
        refuse_open_cluster("127.0.0.1:1")
