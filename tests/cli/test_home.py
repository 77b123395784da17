"""Commands where HOME is missing, read-only, unreadable or a file: one note, and on."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from unprivileged import unprivileged

from pmsgan.styles.registry import Style

SCRIPT = """
import json, os, sys
from typer.testing import CliRunner
from pmsgan.cli.app import app
os.environ["OMP_NUM_THREADS"] = "1"
ended = {}
for command in json.loads(sys.argv[1]):
    result = CliRunner().invoke(app, command)
    name = " ".join(command[:2] if command[0] == "styles" else command[:1])
    ended[name] = result.exit_code, result.output, repr(result.exception)
print(json.dumps(ended))
"""
HOMES = ["missing", "read-only", "unreadable", "file", "no cache to write"]


def run(home: str, commands: list[list[str]], folder: Path) -> tuple[dict[str, Any], str]:
    """Run commands in one process; return how each ended, and what was logged."""
    place = folder / "home"
    if home == "file":
        place.touch()
    elif home == "no cache to write":
        (place / ".cache" / "pmsgan" / "openvino").mkdir(parents=True, mode=0o700)
        (place / ".cache" / "pmsgan").chmod(0o700)
        (place / ".cache" / "pmsgan" / "openvino").chmod(0o500)
    elif home != "missing":
        place.mkdir()
        place.chmod(0o000 if home == "unreadable" else 0o500)
    environment = {key: os.environ[key] for key in os.environ if not key.startswith("XDG_")}
    environment["HOME"] = "~" if home == "missing" else str(place)
    try:
        ended = subprocess.run(
            [*unprivileged(), sys.executable, "-c", SCRIPT, json.dumps(commands)],
            env=environment, cwd=folder, capture_output=True, text=True, check=True,
        )  # fmt: skip
    finally:
        if place.is_dir():
            place.chmod(0o700)
    assert not (folder / "~").exists()
    return json.loads(ended.stdout), ended.stderr


def is_told_that_there_is_no_place(ended: list[Any]) -> None:
    code, output, _ = ended
    assert code == 3, ended
    assert "no folder for your own styles" in output or "cannot write" in output


@pytest.mark.parametrize("home", HOMES)
def test_commands_do_without_a_home(home: str, style: Style, in_dir: Path, tmp_path: Path) -> None:
    here = str(style.folder)
    commands = [
        ["convert", str(in_dir), str(tmp_path / "out"), "--style", here, "--no-baseline"],
        ["doctor"],
        ["styles", "list"],
        ["styles", "add", here],
        ["build-engine", "--style", here],
        ["export-triton", "nonesuch", str(tmp_path / "models")],
    ]
    ended, logged = run(home, commands, tmp_path)
    for name in ("convert", "doctor", "styles list"):
        assert ended[name][0] == 0, ended[name]
    assert len(list((tmp_path / "out").rglob("*.png"))) == 9
    assert "anime" in ended["styles list"][1]
    if home != "no cache to write":
        is_told_that_there_is_no_place(ended["styles add"])
    assert (
        "XDG_CACHE_HOME" in ended["build-engine"][1]
        or "is not writable" in (ended["build-engine"][1])
    )
    assert ended["build-engine"][0] == 3
    assert ended["export-triton"][0] == 3
    assert "there is no style 'nonesuch'" in ended["export-triton"][1]
    notes = ended["convert"][1] + logged
    assert notes.count("nothing is cached") + notes.count("nothing new is cached") == 1
    assert "telemetry" not in notes


@pytest.mark.parametrize("home", HOMES[:2])
def test_training_says_at_once_that_its_style_has_no_place(
    home: str, in_dir: Path, tmp_path: Path
) -> None:
    command = ["train", str(in_dir), "--style", "mine", "--perceptual", "l1", "--out"]
    ended, _ = run(home, [[*command, str(tmp_path)]], tmp_path)
    is_told_that_there_is_no_place(ended["train"])
