"""The current folder may be full of strangers' files, and no process of ours imports them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import trees

from pmsgan.safe_path import outside_of_current_folder, safe_path_for_children

CALL = "from pmsgan.child import call_in_child; call_in_child(abs, -1)"
PREPARE = """
import sys
from pmsgan.cli.app import app
if __name__ == "__main__":
    app(["prepare", "flats", "in", "out", "--processes", "2"])
"""
AS_IN_PYTHON_3_10 = "from pmsgan.safe_path import SAFE_PATH\nSAFE_PATH.clear()\n" + PREPARE
TRAIN = """
import multiprocessing
from pathlib import Path
if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    from lightning_fabric import Fabric
    from pmsgan.data.pairs import find_pairs
    from pmsgan.training.batches import batches
    from pmsgan.training.config import TrainingConfig
    pairs = find_pairs(Path("in"), "left:right")
    config = TrainingConfig(size=96, steps=1, num_readers=1)
    found = batches(pairs, config, Fabric(accelerator="cpu", devices=1), 0)
    next(found)
    found.close()
"""
MODULES = ("multiprocessing", "pickle", "pmsgan", "signal", "cv2")


@pytest.mark.parametrize(
    "code",
    [CALL, PREPARE, AS_IN_PYTHON_3_10, TRAIN],
    ids=["a child", "a pool", "a pool of Python 3.10", "readers that are not forked"],
)
def test_modules_in_the_current_folder_are_not_imported(tmp_path: Path, code: str) -> None:
    if "lightning" in code:
        pytest.importorskip("lightning_fabric")
    trees.write_pictures(tmp_path / "in", 3)
    for name in MODULES:
        (tmp_path / f"{name}.py").write_text(f"open('imported', 'w').write('{name}')")
    script = tmp_path.parent / f"{tmp_path.name}.py"
    script.write_text(code)
    done = subprocess.run(
        [sys.executable, script], cwd=tmp_path, capture_output=True, text=True,
        env={name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "imported").exists()


@pytest.mark.parametrize("before", [None, "", "1"])
def test_the_environment_is_as_it_was(monkeypatch: pytest.MonkeyPatch, before: str | None) -> None:
    monkeypatch.setenv("PYTHONSAFEPATH", before or "")
    if before is None:
        monkeypatch.delenv("PYTHONSAFEPATH")
    with safe_path_for_children():
        assert os.environ["PYTHONSAFEPATH"] == "1"
    assert os.environ.get("PYTHONSAFEPATH") == before


def test_the_current_folder_is_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with outside_of_current_folder():
        assert Path.cwd() == Path(tmp_path.anchor)
    assert Path.cwd() == tmp_path
