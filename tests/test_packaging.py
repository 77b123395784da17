"""The wheel holds what it should, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout to know which files belong to the project")
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    subprocess.run(["git", "clone", "--quiet", ROOT, source], check=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", folder, source],
        check=True,
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_module_is_in_the_wheel_under_pmsgan(names: set[str]) -> None:
    tracked = subprocess.run(
        ["git", "ls-files", "pmsgan", "batch", "engine", "export"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    expected = {name if name.startswith("pmsgan/") else f"pmsgan/{name}" for name in tracked}
    inside = {name for name in names if ".dist-info/" not in name}
    assert inside == expected


def test_the_licence_comes_along(names: set[str]) -> None:
    assert any(name.endswith("licenses/LICENSE") for name in names)
