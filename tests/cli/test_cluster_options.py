"""The options of `pmsgan convert` and `pmsgan export-triton`, which lead beyond one machine."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pmsgan.batch.cluster import ray_pool
from pmsgan.batch.cluster import run as run_module
from pmsgan.batch.settings import Cluster
from pmsgan.cli.app import app
from pmsgan.errors import EngineError
from pmsgan.install import install_command
from pmsgan.styles.registry import Style


def pmsgan_command(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("options", "cluster"),
    [
        (["--cluster", "auto"], Cluster(address="auto")),
        (["--cluster", "auto", "--json"], Cluster(address="auto")),
        (
            ["--cluster", "10.0.0.1:6379", "--workers", "4"],
            Cluster(address="10.0.0.1:6379", workers=4),
        ),
        (["--cluster", "auto", "--insecure-cluster"], Cluster(address="auto", insecure=True)),
        (["--devices", "0,2"], Cluster(devices=(0, 2))),
    ],
)
def test_options_say_where_the_workers_are(
    in_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    cluster: Cluster,
) -> None:
    asked: list[Any] = []

    def convert(conversion: Any, output: Any, tally: Any, cluster: Cluster) -> None:
        asked.append(cluster)
        raise EngineError("enough")

    monkeypatch.setattr(run_module, "convert_on_cluster", convert)
    folders = [in_dir, tmp_path / "out"]
    for arguments in ([*folders, "--style", "ink", *options], [*options, *folders]):
        result = pmsgan_command("convert", *arguments)
        assert last_line(result.stderr) == "error: enough"
    assert asked == [cluster] * 2


@pytest.mark.parametrize("options", [["--cluster", "auto"], ["--devices", "0"]])
def test_without_ray_one_line_says_what_to_install(
    in_dir: Path,
    tmp_path: Path,
    style: Style,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr(ray_pool, "count_gpus", lambda: 1)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # so that it is put back
    out = tmp_path / "out"
    result = pmsgan_command("convert", in_dir, out, "--style", style.folder, *options)
    assert result.exit_code == 3
    assert last_line(result.stderr).startswith("error: running on several GPUs or machines needs ")
    assert last_line(result.stderr).endswith(install_command("cluster"))
    assert list(out.glob("*.png")) == []


def test_gpus_are_counted_among_those_that_are_ours(
    in_dir: Path, tmp_path: Path, style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.setattr(ray_pool, "count_gpus", lambda: 2)
    for ours, used in (("4,5", "5"), ("GPU-a,GPU-b", "GPU-b")):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ours)
        out = tmp_path / "out"
        pmsgan_command("convert", in_dir, out, "--style", style.folder, "--devices", "1")
        assert os.environ["CUDA_VISIBLE_DEVICES"] == used


def test_wrong_options_are_told(
    in_dir: Path, tmp_path: Path, style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told(*options: object) -> str:
        result = pmsgan_command(
            "convert", in_dir, tmp_path / "out", "--style", style.folder, *options
        )
        assert result.exit_code == 2
        return last_line(result.stderr)

    monkeypatch.setattr(ray_pool, "count_gpus", lambda: 0)
    assert "there is no GPU 1: this machine has no NVIDIA GPU" in told("--devices", "0,1")
    monkeypatch.setattr(ray_pool, "count_gpus", lambda: 2)
    assert "there is no GPU 2: this machine has 2 NVIDIA GPUs" in told("--devices", "2")
    for devices in ("all", "0,0", "-1"):
        assert "numbers such as 0,1,2,3" in told("--devices", devices)
    for address in ("out", "--json", "host:", ":1"):
        assert "give auto or HOST:PORT" in told("--cluster", address)
    for arguments in (("--cluster", "--workers", "2"), ("--cluster", in_dir, tmp_path / "out")):
        result = pmsgan_command("convert", *arguments)
        assert (result.exit_code, "give auto or HOST:PORT" in result.stderr) == (2, True)
    assert "cannot be combined" in told("--devices", "0", "--cluster", "auto")
    assert "--workers needs" in told("--workers", "2")
    assert "--insecure-cluster needs" in told("--insecure-cluster", "--devices", "0")
    for known in ("here", "localhost:many", "1.2.3.4:99999"):
        monkeypatch.setenv("RAY_ADDRESS", known)
        with pytest.raises(EngineError, match=f"cannot reach the Ray cluster {known}"):
            ray_pool.RayPool("auto")


def test_a_plan_of_a_url_tells_what_it_would_do() -> None:
    fsspec = pytest.importorskip("fsspec")
    store = fsspec.filesystem("memory")
    store.store.clear()
    store.pipe_file("/bucket/in/a/b.jpg", b"12345")
    result = pmsgan_command("convert", "memory://bucket/in", "memory://bucket/out", "--dry-run")
    assert result.exit_code == 0, result.output
    assert "a/b.jpg -> a/b.png" in result.stdout
    assert "1 picture; 0 entries" in result.stdout
    result = pmsgan_command("convert", "foo://bucket", "out", "--dry-run")
    assert result.exit_code == 2
    assert "foo:// are not supported" in last_line(result.stderr)


def test_export_triton_writes_a_model_repository(style: Style, tmp_path: Path) -> None:
    result = pmsgan_command("export-triton", style.folder, tmp_path)
    assert result.exit_code == 0, result.output
    assert f"tritonserver --model-repository {tmp_path}" in result.stdout
    result = pmsgan_command("export-triton", style.folder, tmp_path, "--max-batch", "4", "--json")
    assert json.loads(result.stdout)["version"] == 1
    assert json.loads(result.stdout)["max_batch"] == 4
    for wrong in (["--backend", "eager"], ["--max-batch", "0"]):
        assert pmsgan_command("export-triton", style.folder, tmp_path, *wrong).exit_code == 2
    for command in (["export"], ["export", "--style", style.folder], ["export-triton", "anime"]):
        assert pmsgan_command(*command).exit_code == 2
