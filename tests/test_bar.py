"""Bars in a terminal, wide or narrow, lines without one, nothing where nothing can be written."""

import contextlib
import errno
import io
import re
import sys
import threading
import time

import pytest

from pmsgan import bar
from pmsgan.bar import Bar
from pmsgan.display import Display, DisplayStream, display


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Broken(io.StringIO):
    """A stream whose reader has gone, or whose disk is full."""

    def __init__(self, error: Exception, *, is_terminal: bool) -> None:
        super().__init__()
        self.error, self.is_terminal, self.num_tries = error, is_terminal, 0

    def isatty(self) -> bool:
        return self.is_terminal

    def write(self, text: str) -> int:
        if not text:
            return 0
        self.num_tries += 1
        raise self.error


def count(total: int = 3) -> None:
    shown = Bar(total=total, desc="converting", unit="picture")
    for index in range(total):
        if index == 1:
            display.write("failed: a.png\n\x1b[2J")
        shown.update()
    shown.close()
    display.flush()


def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stderr", terminal)
    shown = Bar(total=2, desc="converting", unit="picture")
    while "| 0/2 [" not in terminal.getvalue():
        time.sleep(0.01)
    display.write("failed: a.png\n\x1b[2J")
    shown.update(2)
    shown.close()
    display.flush()
    *before, line, last, end = re.split("[\r\n]+", terminal.getvalue())
    assert before[1].startswith("converting:   0%|")
    assert line == "failed: a.png\\n\\x1b[2J"
    assert last.startswith("converting: 100%|")
    assert "| 2/2 [" in last
    assert end == ""


def test_a_narrow_terminal_shows_whole_words(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys, "stderr", terminal)
    count(10_000)
    shown = terminal.getvalue().replace("\n", "\r").split("\r")
    assert shown[-2].rstrip() == "10000/10000 pictures, 00:00 left"
    assert max(map(len, shown)) <= 40


def test_without_a_terminal_there_is_a_line_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    now, stream = [1000.0], io.StringIO()
    monkeypatch.setattr(bar.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(sys, "stderr", stream)
    shown = Bar(total=90, desc="converting", unit="picture", disable=True)
    lines = []
    for _ in range(90):
        now[0] += 1.0
        shown.update()
        if shown.n == 45:
            shown.set_postfix("1 of 2 workers")
        lines.append(shown.text(now[0]))
    due = [line for line in lines if line is not None]
    assert due == [lines[29], lines[59], lines[89]]
    assert due[0] == "converting: 30 of 90 pictures in 00:30, 1 a second, 01:00 left"
    assert due[1].startswith("converting: 60 of 90 pictures in 01:00, ")
    assert due[1].endswith(", 00:30 left, 1 of 2 workers")


def test_a_line_without_its_bar_ends_with_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    shown = Bar(total=9, desc="comparing", unit="s", bar_format="{desc}: {n} of {total} s {bar}")
    assert shown.text(shown._next_line) == "comparing: 0 of 9 s"
    shown.close()


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["file", "terminal"])
def test_a_run_with_nothing_to_do_has_no_time_left(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", stream)
    with Bar(total=2, desc="converting", unit="picture") as shown:
        for _ in range(2):
            shown.initial += 1
            shown.update()
    display.flush()
    last = re.split("[\r\n]+", stream.getvalue().strip())[-1]
    assert last == "converting: 2 of 2 pictures done before"


def test_without_a_terminal_the_last_line_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    for _ in Bar("abc", desc="preparing", unit="picture"):
        pass
    with pytest.raises(ZeroDivisionError), Bar(total=9, desc="training", unit="step") as shown:
        shown.set_postfix({"loss": "1.5"})
        shown.update(2 // 0)
    display.flush()
    first, second, end = stream.getvalue().split("\n")
    assert first.startswith("preparing: 3 of 3 pictures in 00:00")
    assert second.startswith("training: 0 of 9 steps in 00:00")
    assert second.endswith(", loss=1.5")
    assert end == ""


@pytest.mark.parametrize(
    ("stream", "text"), [(Terminal, "1/1 picture, "), (io.StringIO, "1 of 1 picture in")]
)
def test_one_is_no_plural(
    monkeypatch: pytest.MonkeyPatch, stream: type[io.StringIO], text: str
) -> None:
    shown = stream()
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys, "stderr", shown)
    count(1)
    assert text in shown.getvalue()


@pytest.mark.parametrize("is_terminal", [True, False])
@pytest.mark.parametrize(
    "error",
    [
        BrokenPipeError(errno.EPIPE, "Broken pipe"),
        OSError(errno.EIO, "Input/output error"),
        OSError(errno.ENOSPC, "No space left on device"),
        ValueError("I/O operation on closed file"),
        UnicodeEncodeError("ascii", "\u2588", 0, 1, "ordinal not in range(128)"),
    ],
)
def test_a_bar_that_cannot_be_written_is_off(
    monkeypatch: pytest.MonkeyPatch, error: Exception, is_terminal: bool
) -> None:
    stream = Broken(error, is_terminal=is_terminal)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stderr", stream)
    count()
    count()
    assert stream.num_tries == 1
    assert display.has_died
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert not display.has_died


class Asleep(io.StringIO):
    """A stream that takes nothing until it is woken."""

    def __init__(self) -> None:
        super().__init__()
        self.woken = threading.Event()

    def write(self, text: str) -> int:
        self.woken.wait(60)
        return super().write(text)


def test_nobody_waits_long_for_a_terminal_that_takes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream, shown = Asleep(), Display()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr("pmsgan.display.MAX_WAITING", 3)
    shown.write("first")
    shown.flush(0.01)
    for number in range(5):
        shown.write(f"line {number}")
    shown.flush(3600)  # it has been waited for already
    assert stream.getvalue() == ""
    assert shown.has_died
    stream.woken.set()
    shown.write("last")
    assert shown._thread is not None
    shown._thread.join(60)
    shown.write("now")
    shown.flush()
    assert stream.getvalue().split("\n") == [
        "first", "(3 lines omitted)", "line 3", "line 4", "last", "now", "",
    ]  # fmt: skip
    assert not shown.has_died


def test_what_a_library_prints_is_shown_line_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with contextlib.redirect_stdout(DisplayStream(display)):
        sys.stdout.write("joined ")
        sys.stdout.write("10.0.0.1\x1b[2J\nready\nnot wh")
    display.flush()
    assert stream.getvalue() == "joined 10.0.0.1\\x1b[2J\nready\n"


def test_without_stderr_nothing_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", None)
    count()
    assert capsys.readouterr().out == ""


def test_a_terminal_that_lacks_the_blocks_gets_other_letters(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Ascii(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    written = io.BytesIO()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stderr", Ascii(written, encoding="ascii"))
    count()
    sys.stderr.flush()
    assert b"converting: 100%|###" in written.getvalue()
