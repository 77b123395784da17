"""The command on a real cluster: machines die, drivers die, and every picture is there once."""

import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from trees import journal_names, tree, write_pictures

from pmsgan.styles.registry import Style

NUM_PICTURES = 2000


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory, style: Style) -> tuple[Path, Path]:
    """IN, and what a run on this machine alone makes of it."""
    root = tmp_path_factory.mktemp("cluster")
    write_pictures(root / "in", NUM_PICTURES)
    ended = finish(start(root / "in", root / "alone", style, "--no-baseline"))
    assert ended.returncode == 0, ended.stderr
    return root / "in", root / "alone"


def start(in_dir: Path, out_dir: Path, style: Style, *options: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "pmsgan", "convert", str(in_dir), str(out_dir),
         "--style", str(style.folder), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"RAY_AUTH_MODE": "token"},
    )  # fmt: skip


def finish(process: "subprocess.Popen[str]") -> "subprocess.CompletedProcess[str]":
    out, err = process.communicate(timeout=300)
    return subprocess.CompletedProcess(process.args, process.returncode, out, err)


def wait_for_results(out_dir: Path, count: int, process: "subprocess.Popen[str]") -> None:
    while len(list(out_dir.rglob("*.png"))) < count:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)


def workers(cluster: Any) -> set[int]:
    """Return the processes that convert."""
    found = set()
    for node in cluster.nodes:
        for process in node.processes():
            with suppress(OSError):  # it has ended
                if b"_Mapper" in (Path("/proc") / str(process) / "cmdline").read_bytes():
                    found.add(process)
    return found


def shard_workers(out_dir: Path) -> set[int]:
    """Return the processes that have begun a shard whose journal is still there."""
    journals = (out_dir / ".pmsgan" / "shards").glob("*.jsonl")
    return {int(journal.name.rsplit("-", 2)[1]) for journal in journals}


def test_a_machine_that_is_killed_is_done_without(
    cluster: Any, folders: tuple[Path, Path], tmp_path: Path, style: Style
) -> None:
    in_dir, alone = folders
    doomed = cluster.add_node()
    process = start(in_dir, tmp_path / "out", style, "--cluster", cluster.address, "--json")
    wait_for_results(tmp_path / "out", NUM_PICTURES // 4, process)
    while not shard_workers(tmp_path / "out") & set(doomed.processes()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    doomed.kill()
    ended = finish(process)
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)  # and nothing else is there
    assert (report["pictures_done"], report["pictures_done_before"]) == (NUM_PICTURES, 0)
    assert tree(tmp_path / "out") == tree(alone)
    names = journal_names(tmp_path / "out")
    assert len(names) == len(set(names)) == NUM_PICTURES
    lost = [node["name"] for node in report["nodes"] if node["is_lost"]]
    assert len(lost) == 1
    assert f"lost {lost[0]}" in ended.stderr
    assert sum(node["num_done"] for node in report["nodes"]) == NUM_PICTURES


def test_a_worker_that_is_told_to_end_is_replaced(
    cluster: Any, folders: tuple[Path, Path], tmp_path: Path, style: Style
) -> None:
    in_dir, alone = folders
    process = start(in_dir, tmp_path / "out", style, "--cluster", cluster.address, "--json")
    wait_for_results(tmp_path / "out", NUM_PICTURES // 4, process)
    before = workers(cluster)
    os.kill(min(before), signal.SIGTERM)
    while not workers(cluster) - before:  # the report names those alone that have ended a shard
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    ended = finish(process)
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["pictures_done"] == NUM_PICTURES
    assert tree(tmp_path / "out") == tree(alone)
    names = journal_names(tmp_path / "out")
    assert len(names) == len(set(names)) == NUM_PICTURES
    assert ".cc:" not in ended.stderr  # what Ray's native code has to say


def test_a_missing_token_is_one_line(
    cluster: Any,
    folders: tuple[Path, Path],
    tmp_path: Path,
    style: Style,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    ended = finish(start(folders[0], tmp_path / "out", style, "--cluster", cluster.address))
    assert ended.returncode == 3
    assert "Traceback" not in ended.stderr
    assert "RAY_AUTH_MODE=token" in ended.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("ending", "times"),
    [
        (signal.SIGKILL, 1),
        (signal.SIGINT, 1),
        pytest.param(signal.SIGKILL, 20, marks=pytest.mark.soak),
    ],
)
def test_a_driver_that_is_ended_is_gone_on_with(
    cluster: Any,
    folders: tuple[Path, Path],
    tmp_path: Path,
    style: Style,
    ending: signal.Signals,
    times: int,
) -> None:
    in_dir, alone = folders
    options, chance = ("--cluster", cluster.address, "--json"), random.Random(0)
    for index in range(times):
        out = tmp_path / str(index)
        num_done = NUM_PICTURES // 4 if times == 1 else chance.randrange(NUM_PICTURES // 2)
        process = start(in_dir, out, style, *options)
        wait_for_results(out, num_done, process)
        process.send_signal(ending)
        assert finish(process).returncode == {signal.SIGKILL: -9, signal.SIGINT: 130}[ending]
        ended = finish(start(in_dir, out, style, *options))
        assert ended.returncode == 0, ended.stderr
        report = json.loads(ended.stdout)
        before = report["pictures_done_before"]
        assert before >= num_done - 100  # some shards were just ended
        assert report["pictures_done"] + before == NUM_PICTURES
        assert tree(out) == tree(alone)
        assert not (out / ".pmsgan" / "shards").exists()
        shutil.rmtree(out)


def test_ctrl_c_before_anything_is_done_is_no_traceback(
    cluster: Any, folders: tuple[Path, Path], tmp_path: Path, style: Style
) -> None:
    process = start(folders[0], tmp_path / "out", style, "--cluster", cluster.address)
    while not (tmp_path / "out" / ".pmsgan" / "journal.jsonl").exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    ended = finish(process)
    assert ended.returncode == 130
    assert "Ray cluster" not in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_worker_that_cannot_start_is_told(
    cluster: Any, folders: tuple[Path, Path], tmp_path: Path, style: Style
) -> None:
    options = ("--cluster", cluster.address, "--precision", "fp16")  # of which no CPU is capable
    ended = finish(start(folders[0], tmp_path / "out", style, *options))
    assert ended.returncode == 3
    assert "does not compute in fp16" in ended.stderr.splitlines()[-1]
    assert "Ray cluster" not in ended.stderr  # that it is connected to, a second time
    assert "Traceback" not in ended.stderr


def test_a_full_folder_of_workers_ends_the_run(
    cluster: Any, folders: tuple[Path, Path], tmp_path: Path, style: Style
) -> None:
    out = tmp_path / "out"
    process = start(folders[0], out, style, "--cluster", cluster.address)
    wait_for_results(out, 10, process)
    (out / ".pmsgan").rename(out / ".gone")
    ended = finish(process)
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    said = ("OUT was removed", "was removed or moved", "cannot write to")
    assert any(words in ended.stderr for words in said)


def test_no_cluster_there_is_one_line(
    folders: tuple[Path, Path], tmp_path: Path, style: Style
) -> None:
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed")
    ended = finish(start(folders[0], tmp_path / "out", style, "--cluster", "127.0.0.1:1"))
    assert ended.returncode == 3
    assert "127.0.0.1:1" in ended.stderr.splitlines()[-1]
    assert "ray start --head" in ended.stderr.splitlines()[-1]
