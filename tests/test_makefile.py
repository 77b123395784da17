"""`make demo` shows the styles in a fresh clone."""

import shutil
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pmsgan.cli.app import app

ROOT = Path(__file__).parents[1]
PHOTO = ROOT / "samples" / "photos" / "grace_hopper.jpg"


def commands(target: str) -> str:
    """The commands that make a target where nothing is installed yet."""
    if shutil.which("make") is None:
        pytest.skip("there is no make")
    return subprocess.run(
        ["make", "--dry-run", "--always-make", target],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip


def test_the_demo_installs_no_torch_and_the_comparison_does() -> None:
    assert "test -x .venv/bin/pmsgan ||" in commands("demo")
    assert "--editable" not in commands("demo")
    assert "[train]" not in commands("demo")
    assert "'.[train]'" in commands("demo-baseline")


@pytest.mark.parametrize("style", ["comic", "ink"])
def test_the_photograph_of_the_demo_becomes_a_drawing(tmp_path: Path, style: str) -> None:
    assert PHOTO.stat().st_size < 100_000
    drawing = tmp_path / "drawing.png"
    result = CliRunner().invoke(app, ["convert", str(PHOTO), str(drawing), "--style", style])
    assert result.exit_code == 0, result.output
    assert drawing.exists()
