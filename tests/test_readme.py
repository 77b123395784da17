"""The examples of the README run."""

import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
from ports import free_port, wait_until_served

from pmsgan.batch.translator import open_style

ROOT = Path(__file__).parents[1]


CONVERTING, TRANSLATING, SERVING, TRAINING = re.findall(
    r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
)
"""Every Python example of the README: a new one fails here until a test runs it."""
NUM_REQUESTS = 8


def run(example: str, folder: Path) -> str:
    result = subprocess.run(
        [sys.executable, "-c", example], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_example_of_converting_runs(tmp_path: Path) -> None:
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    assert run(CONVERTING, tmp_path) == "28 () None\n"
    face = cv2.imread(str(tmp_path / "face.png"))
    converted = cv2.imread(str(tmp_path / "out_python" / "sketch_01.png"))
    assert converted.shape == (512, 512, 3)
    assert cv2.PSNR(cv2.resize(converted, (256, 256), interpolation=cv2.INTER_AREA), face) > 25


def test_the_example_of_single_pictures_runs(tmp_path: Path) -> None:
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    before = 'import cv2\nsketch = cv2.imread("samples/sketches/sketch_01.jpg")\n'
    after = "assert png.startswith(b'\\x89PNG')\n"
    assert run(before + TRANSLATING + after, tmp_path) == "(512, 512, 3)\n" * 2


@pytest.fixture
def service(tmp_path: Path) -> Iterator[str]:
    """The URL of the example, served as the README says."""
    pytest.importorskip("fastapi")
    (tmp_path / "service.py").write_text(SERVING, encoding="utf-8")
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, "-m", "uvicorn", "service:app", "--port", str(port)]
    with log.open("wb") as file:
        server = subprocess.Popen(command, cwd=tmp_path, stdout=file, stderr=file)
    try:
        wait_until_served(f"http://127.0.0.1:{port}/openapi.json", server, log)
        yield f"http://127.0.0.1:{port}"
        server.terminate()
        server.wait(60)
        assert "Application shutdown complete" in log.read_text()
    finally:
        server.kill()
        server.wait()


def test_the_service_answers_many_requests_at_once(service: str) -> None:
    httpx = pytest.importorskip("httpx")
    uploads = [path.read_bytes() for path in sorted((ROOT / "samples/sketches").iterdir())]
    uploads = uploads[:NUM_REQUESTS]
    with open_style("anime") as translator:
        expected = [translator.translate(upload) for upload in uploads]

    def post(upload: bytes) -> tuple[int, str, bytes]:
        answer = httpx.post(f"{service}/translate", files={"picture": upload}, timeout=120)
        return answer.status_code, answer.headers["content-type"], answer.content

    with ThreadPoolExecutor(NUM_REQUESTS) as threads:
        answers = list(threads.map(post, uploads))
    assert answers == [(200, "image/png", png) for png in expected]
    status, _, content = post(b"this is no picture")
    assert status == 422
    assert b"is not a picture in JPEG" in content


def test_the_example_of_training_runs(tmp_path: Path) -> None:
    coarse = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    for side in ("sketch", "face"):
        (tmp_path / "my_pairs" / side).mkdir(parents=True)
        picture = cv2.resize(coarse, (96, 96))
        cv2.imwrite(str(tmp_path / "my_pairs" / side / "a.png"), picture)
    short = TRAINING.replace("steps=20_000", "steps=8, learning_rate=0.002, size=96")
    small = short.replace("base_channels=16", "base_channels=4")
    assert small != short != TRAINING
    told = run(small, tmp_path)
    assert told.startswith("8 True ")
    assert told.endswith("mine/generator.onnx\n")
    assert (tmp_path / "run" / "checkpoint.pt").exists()
