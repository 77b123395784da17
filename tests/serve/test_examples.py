"""The examples of docs/serving.md run."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from served import served

from pmsgan.batch.translator import Translator
from pmsgan.serve.app import make_app
from pmsgan.serve.open_styles import OpenStyles

TEXT = (Path(__file__).parents[2] / "docs" / "serving.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def port(make_styles: Callable[..., OpenStyles]) -> Iterator[int]:
    with served(make_app(make_styles(), "anime")) as port:
        yield port


@pytest.fixture
def folder(tmp_path: Path, doodle: bytes) -> Path:
    (tmp_path / "sketch.jpg").write_bytes(doodle)
    return tmp_path


def test_the_example_in_python_runs(port: int, folder: Path) -> None:
    (example,) = re.findall(r"```python\n(import urllib.*?)```", TEXT, re.DOTALL)
    result = subprocess.run(
        [sys.executable, "-c", example.replace("localhost:8000", f"localhost:{port}")],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert re.match(r"load;dur=.*/v1/styles/anime/pictures/[0-9a-f]{32}$", result.stdout.strip())
    assert (folder / "face.png").read_bytes().startswith(b"\x89PNG")


def test_the_examples_with_curl_run(
    port: int, folder: Path, anime: Translator, doodle: bytes
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("needs curl")
    (examples,) = re.findall(r"```sh\n(curl --data.*?)```", TEXT, re.DOTALL)
    command = examples.replace("localhost:8000", f"localhost:{port}").replace("curl ", "curl -sf ")
    subprocess.run(["sh", "-ec", command], cwd=folder, check=True, capture_output=True)
    assert (folder / "face.png").read_bytes() == anime.translate(doodle)
    assert (folder / "face.jpg").read_bytes().startswith(b"\xff\xd8\xff")
