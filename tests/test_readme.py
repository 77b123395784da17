"""The examples of the README run."""

import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).parents[1]


CONVERTING, TRAINING = re.findall(
    r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL
)


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
    assert (face == cv2.imread(str(tmp_path / "out_python" / "sketch_01.png"))).all()


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
