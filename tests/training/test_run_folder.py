import contextlib
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from pmsgan.errors import CheckpointError
from pmsgan.training.run_folder import open_run_folder

GRID = np.full((4, 6, 3), (255, 0, 0), np.uint8)
"""Blue."""


def test_losses_and_samples_are_in_plain_files_and_in_tensorboard(tmp_path: Path) -> None:
    for step in (1, 2):
        with open_run_folder(tmp_path, {"seed": 3}, num_steps_done=step - 1) as folder:
            folder.note(step, 1.5, {"perceptual": step / 2})
            folder.show(step, GRID)
    assert json.loads((tmp_path / "config.json").read_text()) == {"seed": 3}
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert lines == [{"step": step, "seconds": 1.5, "perceptual": step / 2} for step in (1, 2)]
    assert (cv2.imread(str(tmp_path / "samples" / "step_0000002.png")) == GRID).all()
    board = EventAccumulator(str(tmp_path / "tensorboard"))
    board.Reload()
    scalars = board.Scalars("loss/perceptual")
    assert [(event.step, event.value) for event in scalars] == [(1, 0.5), (2, 1.0)]
    encoded = np.frombuffer(board.Images("samples")[0].encoded_image_string, np.uint8)
    assert (cv2.imdecode(encoded, cv2.IMREAD_COLOR) == GRID).all()


@pytest.mark.parametrize("name", ["config.json", "metrics.jsonl", "samples", "tensorboard"])
def test_links_in_a_run_folder_are_not_followed(tmp_path: Path, name: str) -> None:
    run, theirs, folder = tmp_path / "run", tmp_path / "theirs", tmp_path / "folder"
    run.mkdir()
    folder.mkdir()
    theirs.write_text("a file of the user")
    (run / name).symlink_to(folder if name in ("samples", "tensorboard") else theirs)
    with contextlib.suppress(CheckpointError), open_run_folder(run, {}, 0) as opened:
        opened.show(1, GRID)
        opened.note(1, 0.0, {})
    assert theirs.read_text() == "a file of the user"
    assert not list(folder.iterdir())


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with open_run_folder(tmp_path / "run", {}, num_steps_done=0) as folder:
        (tmp_path / "run" / "metrics.jsonl").mkdir()
        with pytest.raises(CheckpointError, match=r"cannot write .*metrics\.jsonl"):
            folder.note(1, 0.0, {})
