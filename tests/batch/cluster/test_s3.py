"""Buckets of a real S3 server on loopback: read, written, gone on with, and not allowed to."""

import importlib.util
import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ports import free_port, wait_until_served
from trees import tree, write_pictures

from pmsgan.styles.registry import Style

NUM_PICTURES = 40
MAY_ALL = {"Effect": "Allow", "Action": "*", "Resource": "*"}
MAY_NOT_WRITE_BELOW_000 = {
    "Effect": "Deny",
    "Action": "s3:PutObject",
    "Resource": "arn:aws:s3:::bucket/out/000/*",
}


class S3:
    """moto's server, one bucket, and a user whose rights can be changed."""

    def __init__(self, log: Path) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "moto.server", "-p", self.url.rpartition(":")[2]],
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        wait_until_served(f"{self.url}/moto-api/", self.process, log)
        import boto3

        usual = {"region_name": "us-east-1", "endpoint_url": self.url}
        root = {"aws_access_key_id": "root", "aws_secret_access_key": "root"}
        self.s3 = boto3.client("s3", **usual, **root)
        self.iam = boto3.client("iam", **usual, **root)
        self.s3.create_bucket(Bucket="bucket")
        self.iam.create_user(UserName="studio")
        key = self.iam.create_access_key(UserName="studio")["AccessKey"]
        # Where every machine of the cluster looks, since HOME is that of the tests.
        settings = Path.home() / ".aws" / "config"
        settings.parent.mkdir()
        settings.write_text(
            "[default]\n"
            f"aws_access_key_id = {key['AccessKeyId']}\n"
            f"aws_secret_access_key = {key['SecretAccessKey']}\n"
            f"endpoint_url = {self.url}\n"
            "region = us-east-1\n"
        )

    def allow(self, *statements: dict[str, str]) -> None:
        """Set what the user may, and hold to it from now on."""
        policy = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
        self.reset_auth("inf")
        self.iam.put_user_policy(UserName="studio", PolicyName="p", PolicyDocument=policy)
        self.reset_auth("0")

    def reset_auth(self, count: str) -> None:
        request = urllib.request.Request(
            f"{self.url}/moto-api/reset-auth",
            data=count.encode(),
            headers={"Content-Type": "text/plain"},
        )
        urllib.request.urlopen(request, timeout=10).close()

    def upload(self, folder: Path, prefix: str) -> None:
        self.reset_auth("inf")
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                key = f"{prefix}/{path.relative_to(folder).as_posix()}"
                self.s3.put_object(Bucket="bucket", Key=key, Body=path.read_bytes())

    def download(self, prefix: str, folder: Path) -> Path:
        self.reset_auth("inf")
        for page in self.s3.get_paginator("list_objects_v2").paginate(
            Bucket="bucket", Prefix=f"{prefix}/"
        ):
            for entry in page.get("Contents", []):
                path = folder / entry["Key"].removeprefix(f"{prefix}/")
                path.parent.mkdir(parents=True, exist_ok=True)
                body = self.s3.get_object(Bucket="bucket", Key=entry["Key"])["Body"]
                path.write_bytes(body.read())
                body.close()
        return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    for module in ("ray", "moto", "s3fs", "flask"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    started = S3(tmp_path_factory.mktemp("s3") / "moto.log")
    try:
        yield started
    finally:
        started.process.kill()
        started.process.wait()


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

    other = convert(*arguments, "--fit", "pad", cwd=tmp_path)
    assert other.returncode == 2
    assert "holds results made with fit stretch, not pad" in other.stderr
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


def test_from_a_bucket_into_a_folder_with_a_ray_of_its_own(
    server: S3, folders: tuple[Path, Path], tmp_path: Path, style: Style
) -> None:
    server.allow(MAY_ALL)
    out = tmp_path / "out"
    ended = convert("s3://bucket/in", str(out), style, "--include", "000/*")
    assert ended.returncode == 0, ended.stderr
    wanted = {name: value for name, value in tree(folders[1]).items() if name.startswith("000/")}
    assert {n: v for n, v in tree(out).items() if n.startswith("000/")} == wanted
    ended = convert("s3://bucket/nothing", str(out), style)
    assert ended.returncode == 2
    assert "s3://bucket/nothing holds no pictures" in ended.stderr
