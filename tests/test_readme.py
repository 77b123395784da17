"""The examples of the README and of docs/python.md run."""

import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

ROOT = Path(__file__).parents[1]


def examples(page: str) -> list[str]:
    """Return the Python examples of a page; a new one fails here until a test runs it."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


(FIRST,) = examples("README.md")
CONVERTING, TRANSLATING, TRAINING = examples("docs/python.md")


def run(example: str, folder: Path) -> str:
    result = subprocess.run(
        [sys.executable, "-c", example], cwd=folder, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_first_example_runs(tmp_path: Path) -> None:
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    run(FIRST, tmp_path)
    assert cv2.imread(str(tmp_path / "face.png")).shape == (512, 512, 3)


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


@pytest.mark.usefixtures("needs_torch")
def test_the_example_of_training_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    coarse = np.random.default_rng(0).integers(0, 256, (6, 6, 3), dtype=np.uint8)
    for side in ("sketch", "face"):
        (tmp_path / "my_pairs" / side).mkdir(parents=True)
        picture = cv2.resize(coarse, (96, 96))
        cv2.imwrite(str(tmp_path / "my_pairs" / side / "a.png"), picture)
    short = TRAINING.replace("steps=20_000", "steps=8, learning_rate=0.002, size=96")
    small = short.replace("base_channels=16", "base_channels=4, ablation='single'")
    assert small != short != TRAINING
    told = run(small, tmp_path)
    assert told.startswith("8 True ")
    assert told.endswith("mine/generator.onnx\n")
    assert (tmp_path / "run" / "checkpoint.pt").exists()
