"""Text fits into a terminal, and a run goes on where there is none."""

import contextlib
import fcntl
import json
import logging
import os
import pty
import re
import shlex
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from pmsgan.cli.terminal import StderrHandler
from pmsgan.display import display
from pmsgan.styles.registry import Style
from pmsgan.terminal import printable


def test_what_a_terminal_would_obey_is_escaped() -> None:
    assert printable("caf\u00e9 \U0001f600.png") == "caf\u00e9 \U0001f600.png"
    assert printable("\x1b[31mred\n\u202e") == "\\x1b[31mred\\n\\u202e"
    assert printable(os.fsdecode(b"\xff")) == "\\udcff"


def test_what_is_logged_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    record = logging.LogRecord("name", logging.INFO, "file", 1, "%s is full", ("a\x07",), None)
    StderrHandler().emit(record)
    display.flush()
    assert capsys.readouterr().err == "a\\x07 is full\n"


def convert(style: Style, in_dir: Path, out: Path) -> list[str]:
    command = ["-m", "pmsgan", "convert", str(in_dir), str(out), "--no-baseline"]
    return [sys.executable, *command, "--style", str(style.folder)]


def reader_gone() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def terminal_gone() -> int:
    controller, terminal = pty.openpty()
    os.close(controller)
    return terminal


def reader_asleep() -> int:
    """A pipe that is full, and that somebody holds and does not read."""
    reader, writer = os.pipe()
    asleep.append(reader)
    os.set_blocking(writer, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writer, b"x" * 512)
    os.set_blocking(writer, True)
    return writer


def terminal_stopped() -> int:
    """A terminal in which somebody has pressed Ctrl-S."""
    controller, terminal = pty.openpty()
    asleep.append(controller)
    termios.tcflow(terminal, termios.TCOOFF)
    return terminal


asleep: list[int] = []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    "open_stderr",
    [
        reader_gone, terminal_gone, lambda: os.open("/dev/full", os.O_WRONLY), reader_asleep,
        terminal_stopped,
    ],
    ids=["reader gone", "terminal gone", "disk full", "reader asleep", "terminal stopped"],
)  # fmt: skip
def test_a_run_goes_on_where_stderr_cannot_be_written(
    style: Style, in_dir: Path, tmp_path: Path, open_stderr: Callable[[], int]
) -> None:
    stderr = open_stderr()
    try:
        done = subprocess.run(
            convert(style, in_dir, tmp_path / "out"), stdout=subprocess.PIPE, stderr=stderr,
            start_new_session=True, text=True, timeout=60,
        )  # fmt: skip
    finally:
        for number in (stderr, *asleep):
            os.close(number)
        asleep.clear()
    assert done.returncode == 0
    assert "9 done, 0 failed" in done.stdout
    assert json.loads((tmp_path / "out" / "report.json").read_text())["display_died"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize(
    ("target", "said"),
    [("/dev/full", "cannot write to the standard output: No space left on device\n"), (None, "")],
    ids=["disk full", "reader gone"],
)
def test_a_run_whose_table_nobody_can_see_is_done(
    style: Style, in_dir: Path, tmp_path: Path, target: str | None, said: str
) -> None:
    stdout = reader_gone() if target is None else os.open(target, os.O_WRONLY)
    try:
        for options, code in (((), 0), (("--json",), 1)):
            done = subprocess.run(
                [*convert(style, in_dir, tmp_path / "out"), *options],
                stdout=stdout, stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            assert done.returncode == code, done.stderr
            assert done.stderr.partition("report.html\n")[2].removeprefix("error: ") == said
    finally:
        os.close(stdout)
    assert json.loads((tmp_path / "out" / "report.json").read_text())["pictures_done_before"] == 9


@pytest.mark.parametrize("words", [["styles", "list"], ["--help"], ["--version"]])
def test_what_stdout_does_not_take_is_an_error(words: list[str]) -> None:
    stdout = os.open("/dev/full", os.O_WRONLY)
    command = [sys.executable, "-m", "pmsgan", *words]
    done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True)
    os.close(stdout)
    assert done.returncode == 1
    assert done.stderr == "error: cannot write to the standard output: No space left on device\n"
    stdout = reader_gone()
    done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True)
    os.close(stdout)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_closed_stderr_is_no_place_for_results(
    style: Style, in_dir: Path, tmp_path: Path
) -> None:
    command = shlex.join(convert(style, in_dir, tmp_path / "out"))
    done = subprocess.run(["sh", "-c", f"{command} 2>&-"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert "9 done, 0 failed" in done.stdout
    for result in (tmp_path / "out").rglob("*.png"):
        assert cv2.imread(str(result)).shape == (64, 64, 3)


def test_letters_that_stdout_lacks_are_escaped(in_dir: Path, tmp_path: Path) -> None:
    (in_dir / "picture_0.png").rename(in_dir / "\u0436.png")
    done = subprocess.run(
        [sys.executable, "-m", "pmsgan", "convert", in_dir, tmp_path / "out", "--dry-run"],
        env=os.environ | {"PYTHONIOENCODING": "latin-1"}, capture_output=True, check=True,
    )  # fmt: skip
    assert b"\\u0436.png -> \\u0436.png\n" in done.stdout


def in_terminal(command: list[str], num_columns: int) -> str:
    """Run a command in a terminal, and return what it shows."""
    controller, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, num_columns, 0, 0))
    environment = {key: os.environ[key] for key in os.environ if key != "COLUMNS"}
    process = subprocess.Popen(
        command, stdin=terminal, stdout=terminal, stderr=terminal, env=environment
    )
    os.close(terminal)
    shown = b""
    with contextlib.suppress(OSError):  # the command has closed its side
        while part := os.read(controller, 1 << 16):
            shown += part
    os.close(controller)
    assert process.wait() == 0, shown
    return shown.decode()


def test_a_run_in_a_narrow_terminal_cuts_no_word(
    style: Style, in_dir: Path, tmp_path: Path
) -> None:
    shown = in_terminal(convert(style, in_dir, tmp_path / "out"), 40)
    assert "9/9 pictures, 00:00 left" in shown
    assert "first that can\r\n  run here)" in shown
    for line in re.split("[\r\n]+", shown):
        assert len(line) <= 40 or " " not in line.strip()
