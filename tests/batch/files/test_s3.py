"""Buckets of a real S3 server, converted on one machine where Ray is not installed."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from s3 import MAY_ALL, S3
from trees import tree, write_pictures

from pmsgan.install import install_command
from pmsgan.styles.registry import Style

NUM_PICTURES = 400


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Where `import ray` fails."""
    (tmp_path / "absent").mkdir()
    (tmp_path / "absent" / "ray.py").write_text("raise ModuleNotFoundError('no ray')")
    return os.environ | {"PYTHONPATH": str(tmp_path / "absent")}


@pytest.fixture(scope="module")
def folders(
    server: S3, tmp_path_factory: pytest.TempPathFactory, style: Style
) -> tuple[Path, Path]:
    """IN as a folder and in the bucket, and what a run without URLs makes of it."""
    root = tmp_path_factory.mktemp("folders")
    write_pictures(root / "in", NUM_PICTURES)
    server.upload(root / "in", "many")
    ended = subprocess.run(command(root / "in", root / "alone", style), check=False)
    assert ended.returncode == 0
    return root / "in", root / "alone"


def command(in_dir: object, out_dir: object, style: Style, *options: str) -> list[str]:
    return [
        sys.executable, "-m", "pmsgan", "convert", str(in_dir), str(out_dir),
        "--style", str(style.folder), "--no-baseline", "--json", *options,
    ]  # fmt: skip


def parts(server: S3, prefix: str) -> int:
    found = server.s3.list_objects_v2(Bucket="bucket", Prefix=f"{prefix}/.pmsgan/journal/")
    return int(found["KeyCount"])


def test_a_bucket_becomes_a_bucket_and_a_killed_run_resumes(
    server: S3,
    folders: tuple[Path, Path],
    environment: dict[str, str],
    tmp_path: Path,
    style: Style,
) -> None:
    server.allow(MAY_ALL)
    server.reset_auth("inf")  # nobody is asked for rights in this test, so that we can look
    arguments = command("s3://bucket/many", "s3://bucket/killed", style)
    options: Any = {"env": environment, "cwd": tmp_path, "text": True}
    process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL, **options)
    deadline = time.monotonic() + 60
    while parts(server, "killed") < 2:  # the first says whose OUT it is
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    process.kill()
    assert process.wait() == -9
    ended = subprocess.run(arguments, capture_output=True, check=False, **options)
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert report["pictures_done_before"] > 0
    assert report["pictures_done"] + report["pictures_done_before"] == NUM_PICTURES
    assert report["pictures_failed"] == 0
    there = server.download("killed", tmp_path / "there")
    assert tree(there) == tree(folders[1])
    page = (tmp_path / "pmsgan-report.html").read_text()
    assert page.count("data:image/jpeg") == 2 * 60


def test_from_a_bucket_into_a_folder(
    server: S3,
    folders: tuple[Path, Path],
    environment: dict[str, str],
    tmp_path: Path,
    style: Style,
) -> None:
    server.allow(MAY_ALL)
    options: Any = {"env": environment, "text": True, "capture_output": True, "check": False}
    out = tmp_path / "out"
    ended = subprocess.run(command("s3://bucket/many", out, style, "--include", "000/*"), **options)
    assert ended.returncode == 0, ended.stderr
    wanted = {name: value for name, value in tree(folders[1]).items() if name.startswith("000/")}
    assert tree(out) == wanted
    ended = subprocess.run(command("s3://bucket/nothing", out, style), **options)
    assert ended.returncode == 2
    assert "s3://bucket/nothing holds no pictures" in ended.stderr
    ended = subprocess.run(
        command("s3://bucket/many", "s3://bucket/x", style, "--cluster", "auto"), **options
    )
    assert ended.returncode == 3
    assert install_command("cluster") in ended.stderr
