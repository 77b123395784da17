"""tools/gpu_smoke.py: a first look at a machine, also at one without a GPU."""

import importlib
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

TOOLS = Path(__file__).parents[1] / "tools"


@pytest.fixture
def smoke(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("gpu_smoke")


def look(smoke: ModuleType, monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> None:
    monkeypatch.setattr(sys, "argv", ["gpu_smoke.py", *map(str, arguments)])
    smoke.main()


def test_a_machine_without_a_gpu_says_at_once_what_it_lacks_and_runs_the_rest(
    smoke: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(smoke, "attempt_count", lambda: 0)
    look(smoke, monkeypatch, tmp_path, "--only", "driver,versions,products")
    lines = capsys.readouterr().out.splitlines()
    lack = "no NVIDIA GPU with a driver was found"
    assert lines[0] == lack
    skipped = next(line for line in lines if line.startswith("skipped for that: "))
    assert {"driver", "products", "targets", "gpu_tests", "compiled"} <= set(
        skipped.removeprefix("skipped for that: ").split(", ")
    )
    assert any(line.startswith(f"driver: skipped: {lack}") for line in lines)
    for name in ("driver", "products"):
        assert lack in json.loads((tmp_path / f"{name}.json").read_text())["skipped"]
    told = json.loads((tmp_path / "versions.json").read_text())
    assert told["exit_code"] == 0
    assert any("--backend auto takes" in line for line in told["doctor"])
    page = (tmp_path / "smoke.md").read_text()
    assert page.index(f"- {lack}") < page.index("## driver") < page.index("## versions")


def test_an_unknown_step_is_refused(
    smoke: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        look(smoke, monkeypatch, tmp_path, "--only", "drivers")
    assert "there is no step drivers" in capsys.readouterr().err


def test_parts_of_a_step_outlive_its_failure(smoke: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "step.json"

    def parts() -> Iterator[tuple[str, Any]]:
        yield "first", 1
        assert json.loads(path.read_text()) == {"first": 1}  # it might be killed here
        raise ValueError("the second part fails")

    smoke.record(parts(), path)
    told = json.loads(path.read_text())
    assert told["first"] == 1
    assert told["error"] == "ValueError: the second part fails"


HANG = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


def test_a_step_that_hangs_is_killed_with_all_that_it_started(
    smoke: ModuleType, tmp_path: Path
) -> None:
    log = tmp_path / "step.log"
    start = time.monotonic()
    assert smoke.run_within([sys.executable, "-c", HANG], 2, log) == "killed after 2 s"
    assert time.monotonic() - start < 300
    grandchild = int(log.read_text())
    deadline = time.monotonic() + 60
    while is_running(grandchild):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (ProcessLookupError, FileNotFoundError):
        return False
    return state != "Z"  # it has ended, and nobody has asked for its exit code yet


def test_a_part_that_crashes_or_raises_is_an_error_with_its_reason(smoke: ModuleType) -> None:
    attempts = importlib.import_module("gpu_steps.attempts")
    assert attempts.attempt_apart(os.path.join, "a", "b") == str(Path("a", "b"))
    assert attempts.attempt_apart(json.loads, "{")["error"].startswith("JSONDecodeError: ")
    assert "exit code" in attempts.attempt_apart(os.abort)["error"]


def test_the_page_shows_figures_and_leaves_a_whole_report_to_the_file(smoke: ModuleType) -> None:
    figures = {
        "rate": 1234.5678,
        "rates": [1.0, 2.0],
        "doctor": ["one line", "another"],
        "case": {"ms": 0.5, "report": {"deep": {"deeper": 1}}},
    }
    page = "\n".join(smoke.section("name", "What for.", figures))
    for line in ("## name", "What for.", "- rate: 1235", "- rates: 1, 2", "  - ms: 0.5"):
        assert line in page.splitlines()
    assert "  ```\n  one line\n  another\n  ```" in page
    assert "deeper" not in page


def test_a_folder_is_converted_for_its_rate(smoke: ModuleType, in_dir: Path) -> None:
    told = smoke.folders.share_out(in_dir, "anime", "jpg", 0)
    assert (told["pictures_done"], told["pictures_failed"]) == (9, 0)
    assert told["steady_pictures_per_s"] > 0


def test_a_processor_times_a_small_network(
    smoke: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    told = dict(smoke.networks.eager())
    assert told["base 4, fold 1, 64 px, fp32, batch 1"]["batch_ms"] > 0
