import os
from pathlib import Path

import pytest
import torch

from pmsgan.errors import CheckpointError
from pmsgan.training.checkpoint import load_checkpoint, save_checkpoint


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    save_checkpoint({"step": 1}, path)
    with pytest.raises((CheckpointError, AttributeError, TypeError)):
        save_checkpoint({"step": lambda: None}, path)
    assert load_checkpoint(path) == {"step": 1}
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(CheckpointError, match="cannot save"):
        save_checkpoint({}, tmp_path / "missing" / "checkpoint.pt")


def test_a_damaged_or_foreign_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(b"no checkpoint")
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        load_checkpoint(path)
    torch.save([1, 2], path)
    with pytest.raises(CheckpointError, match="not a checkpoint of pmsgan"):
        load_checkpoint(path)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        load_checkpoint(path)
    path.unlink()
    torch.save({"code": Path}, path)
    with pytest.raises(CheckpointError, match="not a readable checkpoint"):
        load_checkpoint(path)


def test_a_link_in_the_place_of_a_checkpoint_is_replaced(tmp_path: Path) -> None:
    theirs, path = tmp_path / "theirs", tmp_path / "checkpoint.pt"
    theirs.write_text("a file of the user")
    path.symlink_to(theirs)
    save_checkpoint({"step": 1}, path)
    assert load_checkpoint(path) == {"step": 1}
    assert theirs.read_text() == "a file of the user"
