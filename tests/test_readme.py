"""The examples of the README run."""

import re
import subprocess
import sys
from pathlib import Path

import cv2

ROOT = Path(__file__).parents[1]


def test_the_python_example_runs(tmp_path: Path) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    result = subprocess.run(
        [sys.executable, "-c", example], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == "28 () None\n"
    face = cv2.imread(str(tmp_path / "face.png"))
    assert (face == cv2.imread(str(tmp_path / "out_python" / "sketch_01.png"))).all()
