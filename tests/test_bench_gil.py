"""The clock of tools/bench_gil.py tells work with the GIL from work without it."""

import os
import shutil
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

TOOLS = Path(__file__).parents[1] / "tools"


@pytest.fixture
def clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    if sys.platform != "linux" or shutil.which("cc") is None:
        pytest.skip("needs a C compiler, on Linux")
    monkeypatch.syspath_prepend(str(TOOLS))
    from bench_gil import GilClock

    return GilClock(tmp_path)


def share_of(clock: Any, work: Callable[[], object]) -> float:
    started = time.process_time()
    with clock.running():
        while time.process_time() - started < 0.3:
            work()
    return float(clock.share_held)


def test_only_work_in_the_interpreter_counts_as_held(clock: Any) -> None:
    data = os.urandom(1 << 20)
    assert share_of(clock, lambda: sum(range(10_000))) > 0.9
    assert share_of(clock, lambda: zlib.compress(data)) < 0.3
