from pathlib import Path

import cv2
import numpy as np

from pmsgan.data.pairs import find_pairs
from pmsgan.evaluation.folders import match_folders
from pmsgan.evaluation.pair_folders import write_pair_folders


def test_pairs_of_sub_folders_keep_apart(tmp_path: Path) -> None:
    for name in ("AR/photos/1", "AR/sketches/1", "CUHK/photos/1", "CUHK/sketches/1"):
        path = tmp_path / "set" / f"{name}.png"
        path.parent.mkdir(parents=True)
        cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    (tmp_path / "out").mkdir()
    pairs = find_pairs(tmp_path / "set", "photo:sketch")
    written = write_pair_folders(pairs, tmp_path / "out", (16, 16))
    assert [*match_folders(written.inputs, written.truth).pairs] == ["AR/1", "CUHK/1"]
