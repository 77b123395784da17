import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmsgan.errors import CheckpointError
from pmsgan.training.run_log import RunLog


def test_lines_are_appended(tmp_path: Path) -> None:
    for step in (1, 2):
        RunLog(tmp_path).note(step, {"perceptual": 0.5})
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 2]
    assert all(line["perceptual"] == 0.5 and line["seconds"] >= 0 for line in lines)


def slow_batches() -> Iterator[int]:
    for number in range(3):
        time.sleep(0.05)
        yield number


def waiting_share(summary: str) -> float:
    return float(summary.split("steps/s, ")[1].split("%")[0])


def test_waiting_is_told_from_working(tmp_path: Path) -> None:
    waits = RunLog(tmp_path)
    assert list(waits.waiting_for(slow_batches())) == [0, 1, 2]
    summary = waits.summary()
    assert summary.startswith("3 steps in ")
    assert waiting_share(summary) > 80
    works = RunLog(tmp_path)
    for _ in works.waiting_for([0, 1, 2]):
        time.sleep(0.05)
    assert waiting_share(works.summary()) < 20


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"cannot write .*metrics\.jsonl"):
        RunLog(tmp_path / "missing").note(1, {})
