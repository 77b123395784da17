"""Nothing that comes from a name, a style, a file or a server reaches a terminal as it is."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from pmsgan.cli import boundary
from pmsgan.cli.app import app
from pmsgan.styles.registry import Style, user_styles_folder

EVIL = "evil\x1b[2J\x07\r\nforged: line\u202e\x9b31m\x7f\u2028"
"""Clears the screen, rings, forges a line, and turns text around."""


def is_clean(shown: str) -> bool:
    lines = shown.split("\n")
    return all(line.isprintable() and not line.startswith("forged") for line in lines)


@pytest.fixture(scope="module")
def hostile(style: Style, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder of that name, with a style, pictures, and files that commands read."""
    folder = tmp_path_factory.mktemp("hostile") / EVIL
    shutil.copytree(style.folder, folder / f"style {EVIL}")
    description = folder / f"style {EVIL}" / "style.toml"
    text = description.read_text()
    for word in ("input", "output"):
        text = text.replace(f"{word} = ", f"{word} = {json.dumps(EVIL)} # ", 1)
    description.write_text(text)
    (folder / "in").mkdir()
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    (folder / "in" / f"good {EVIL}.png").write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    (folder / "in" / f"bad {EVIL}.png").write_bytes(b"no picture")
    (folder / "in" / f"film {EVIL}.mp4").write_bytes(b"no picture")
    (folder / "eyes.csv").write_text(f'name,left_x,left_y,right_x,right_y\n"{EVIL}",nan,1,2,3\n')
    report = {"kind": EVIL, "pmsgan": EVIL, "style": EVIL}
    (folder / "report.json").write_text(json.dumps(report))
    (folder / "other.json").write_text(json.dumps(report | {"kind": EVIL[::-1]}))
    answers = {
        "kind": "answers", "person": EVIL, "methods": [EVIL], "questions": 1,
        "answers": [{"picture": "1", "method": EVIL, "level": 3}],
    }  # fmt: skip
    (folder / "answers.json").write_text(json.dumps(answers))
    mine = user_styles_folder() / f"mine {EVIL}"
    shutil.copytree(description.parent, mine)
    yield folder
    shutil.rmtree(mine, ignore_errors=True)


Words = Callable[[Path], list[Any]]


def style_in(folder: Path) -> Path:
    return folder / f"style {EVIL}"


COMMANDS: dict[str, list[Words]] = {
    "convert": [
        lambda it: [it / "in", it / "out", "--style", style_in(it), "--dry-run"],
        lambda it: [it / "in", it / "out", "--style", style_in(it), "--no-baseline"],
        lambda it: [it / "in", it / "out", "--style", EVIL],
        lambda it: [it / "in" / f"film {EVIL}.mp4", it / "out"],
        lambda it: [it / "in", f"s3://{EVIL}/out"],
        lambda it: [it / "in", f"{EVIL}://out"],
        lambda it: [it / "in", it / "out", f"--palette={EVIL}"],
        lambda it: [it / "in", it / "out", f"--{EVIL}"],
        lambda it: [it / "in", it / "out", "--fit", EVIL],
    ],
    "train": [lambda it: [it / "nowhere", "--out", it / "run"]],
    "export": [lambda it: [it / "in"], lambda it: [EVIL]],
    "export-triton": [lambda it: [style_in(it), it / "models"], lambda it: [EVIL, it]],
    "build-engine": [
        lambda it: ["--style", style_in(it), "--json"],
        lambda it: ["--style", style_in(it)],
        lambda it: ["--style", EVIL],
    ],
    "bench": [lambda it: ["--style", EVIL], lambda it: ["--backends", EVIL]],
    "compare": [
        lambda it: [it / "report.json", it / "other.json"],
        lambda it: [it / "report.json", it / "report.json"],
        lambda it: [it / "eyes.csv", it / "nowhere"],
    ],
    "evaluate": [
        lambda it: [it / "in", it / "in", "--metrics", "fsim"],
        lambda it: [f"{EVIL}={it / 'in'}", "--truth", it / "in", "--metrics", EVIL],
        lambda it: [f"{EVIL}={it / 'in'}", "--truth", it / "in", "--metrics", "fsim"],
    ],
    "doctor": [lambda it: []],
    "serve": [lambda it: ["--style", EVIL], lambda it: ["--host", EVIL]],
    "prepare lines": [lambda it: [it / "in", it / "lines"], lambda it: [it / "no", it / "lines"]],
    "prepare flats": [lambda it: [it / "in", it / "flats", "--processes", "1"]],
    "prepare align": [lambda it: [it / "in", it / "aligned", "--eyes", it / "eyes.csv"]],
    "prepare pairs": [lambda it: [it / "in", it / "pairs", "--direction", f"{EVIL}:b"]],
    "study make": [
        lambda it: [
            f"{EVIL}={it / 'in'}", "--truth", it / "in", "--input", it / "in", "--questions", "1",
            "-o", it / "study.html",
        ],
        lambda it: [EVIL, "--truth", it, "--input", it],
    ],
    "study tally": [lambda it: [it / "answers.json"], lambda it: [it / "report.json"]],
    "styles list": [lambda it: [], lambda it: ["--json"]],
    "styles show": [lambda it: [style_in(it)], lambda it: [EVIL]],
    "styles add": [
        lambda it: [style_in(it), "--name", EVIL],
        lambda it: [style_in(it), "--name", EVIL.replace("/", "")],
        lambda it: [it],
    ],
    "styles import": [
        lambda it: [it / "in", "--name", EVIL], lambda it: [EVIL, "--name", "imported"],
    ],
    "styles remove": [lambda it: [f"mine {EVIL}"], lambda it: [EVIL], lambda it: ["."]],
    "styles update": [lambda it: [it / "in"], lambda it: [EVIL]],
    "styles measure": [
        lambda it: [style_in(it), it / "in"],
        lambda it: [style_in(it), it / "nowhere", "--direction", EVIL],
    ],
}  # fmt: skip


def commands(group: Any, *before: str) -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *before, name)
        else:
            yield " ".join((*before, name))


def test_no_command_is_left_out() -> None:
    assert set(COMMANDS) == set(commands(typer.main.get_command(app)))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_shows_nothing_as_it_is(
    command: str, hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boundary, "show_tracebacks", False)
    monkeypatch.chdir(hostile)
    for words in COMMANDS[command]:
        arguments = [*command.split(), *map(str, words(hostile))]
        for options in ([], ["--traceback"]):
            result = CliRunner().invoke(app, [*options, *arguments])
            assert is_clean(result.stdout), arguments
            assert is_clean(result.stderr), arguments
            assert isinstance(result.exception, SystemExit | None), arguments


def test_a_run_logs_nothing_as_it_is(hostile: Path) -> None:
    arguments = ["convert", hostile / "in", hostile / "logged", "--style", style_in(hostile)]
    done = subprocess.run(
        [sys.executable, "-m", "pmsgan", *map(str, arguments), "--no-baseline"],
        capture_output=True,
    )  # fmt: skip
    assert done.returncode == 1
    shown = (done.stdout + done.stderr).decode()
    assert is_clean(shown)
    assert "failed: bad evil\\x1b[2J\\x07\\r\\nforged: line\\u202e\\x9b31m\\x7f\\u2028.png" in shown


def test_a_bug_is_told_line_by_line(hostile: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise RuntimeError(f"a bug on {EVIL}")

    monkeypatch.setattr("pmsgan.engine.doctor.diagnose", fail)
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert is_clean(result.stderr)
    assert result.stderr.splitlines()[0] == "Traceback (most recent call last):"
    assert "RuntimeError: a bug on evil\\x1b[2J\\x07" in result.stderr.splitlines()[-1]
