"""Buckets of a real S3 server on loopback: read, written, resumed, and not allowed to."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from s3 import MAY_ALL, S3
from trees import tree, write_pictures

from pmsgan.styles.registry import Style

NUM_PICTURES = 40
MAY_NOT_WRITE_BELOW_000 = {
    "Effect": "Deny",
    "Action": "s3:PutObject",
    "Resource": "arn:aws:s3:::bucket/out/000/*",
}


@pytest.fixture(scope="module")
def folders(
    server: S3, tmp_path_factory: pytest.TempPathFactory, style: Style
) -> tuple[Path, Path]:
    """IN as a folder and in the bucket, and what a run without URLs makes of it."""
    root = tmp_path_factory.mktemp("folders")
    write_pictures(root / "in", NUM_PICTURES)
    sub = root / "in" / "000"
    sub.mkdir()
    for path in sorted((root / "in").glob("*.jpg"))[:5]:
        path.rename(sub / path.name)
    server.upload(root / "in", "in")
    ended = convert(str(root / "in"), str(root / "alone"), style, "--no-baseline")
    assert ended.returncode == 0, ended.stderr
    return root / "in", root / "alone"


def convert(
    in_dir: str, out_dir: str, style: Style, *options: str, cwd: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pmsgan", "convert", in_dir, out_dir,
         "--style", str(style.folder), *options],
        capture_output=True, text=True, check=False, timeout=300, cwd=cwd,
        env=os.environ | {"RAY_AUTH_MODE": "token"},
    )  # fmt: skip


def test_a_bucket_is_converted_into_a_bucket_and_gone_on_with(
    cluster: Any, server: S3, folders: tuple[Path, Path], tmp_path: Path, style: Style
) -> None:
    server.allow(MAY_ALL)
    arguments = ("s3://bucket/in", "s3://bucket/out", style, "--cluster", cluster.address, "--json")
    ended = convert(*arguments, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["pictures_done"] == NUM_PICTURES
    assert (tmp_path / "pmsgan-report.html").exists()
    there = server.download("out", tmp_path / "out")
    assert tree(there) == tree(folders[1])

    server.s3.delete_object(Bucket="bucket", Key="out/000/000000.png")
    server.upload(folders[0] / "000", "in/again")
    ended = convert(*arguments, cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    report = json.loads(ended.stdout)
    assert (report["pictures_done"], report["pictures_done_before"]) == (1 + 5, NUM_PICTURES - 1)

    other = convert(*arguments, "--fit", "stretch", cwd=tmp_path)
    assert other.returncode == 2
    assert "holds results made with fit pad, not stretch" in other.stderr
    for entry in ("again/000000.jpg", "again/000003.jpg"):
        server.s3.delete_object(Bucket="bucket", Key=f"in/{entry}")


def test_a_write_that_is_denied_is_a_named_failure(
    cluster: Any, server: S3, folders: tuple[Path, Path], tmp_path: Path, style: Style
) -> None:
    server.allow(MAY_ALL, MAY_NOT_WRITE_BELOW_000)
    arguments = (str(folders[0]), "s3://bucket/out", style, "--overwrite", "--json")
    arguments += ("--cluster", cluster.address)
    ended = convert(*arguments, cwd=tmp_path)
    assert ended.returncode == 1, ended.stderr
    report = json.loads(ended.stdout)
    assert (report["pictures_done"], report["pictures_failed"]) == (NUM_PICTURES - 5, 5)
    for failure in report["failures"]:
        assert failure["name"].startswith("000/")
        assert failure["reason"] == "its translation cannot be written: access denied"


def test_a_bucket_that_may_not_be_written_to_is_told_before_anything_is_done(
    cluster: Any, server: S3, folders: tuple[Path, Path], tmp_path: Path, style: Style
) -> None:
    server.allow(MAY_ALL, MAY_NOT_WRITE_BELOW_000 | {"Resource": "arn:aws:s3:::bucket/*"})
    ended = convert(
        str(folders[0]), "s3://bucket/new", style, "--cluster", cluster.address, cwd=tmp_path
    )
    assert ended.returncode == 2
    assert ended.stderr.splitlines()[-1] == (
        "error: cannot write to s3://bucket/new: access denied"
    )
