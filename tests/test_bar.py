"""Bars in a terminal, wide or narrow, lines without one, nothing where nothing can be written."""

import errno
import io
import sys

import pytest

from pmsgan import bar
from pmsgan.bar import Bar


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
            Bar.write("failed: a.png")
        shown.update()
    shown.close()


@pytest.fixture(autouse=True)
def display_always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Bar, "monitor_interval", 0)


def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stderr", terminal)
    count()
    assert "\rconverting: 100%|" in terminal.getvalue()
    assert "| 3/3 [" in terminal.getvalue()
    assert "failed: a.png\n" in terminal.getvalue()


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
    shown = Bar(total=90, desc="converting", unit="picture")
    shown._time = lambda: now[0]
    shown.start_t = shown.last_print_t = now[0]
    for _ in range(90):
        now[0] += 1.0
        shown.update()
        if shown.n == 45:
            shown.set_postfix_str("1 of 2 workers")
    Bar.write("failed: a.png")
    shown.close()
    lines = stream.getvalue().split("\n")
    assert "\r" not in stream.getvalue()
    assert lines[0] == "converting: 30 of 90 pictures in 00:30, 1 a second, 01:00 left"
    assert lines[1].startswith("converting: 60 of 90 pictures in 01:00, ")
    assert lines[1].endswith(", 00:30 left, 1 of 2 workers")
    assert [line.partition(" in ")[0] for line in lines[2:]] == [
        "converting: 90 of 90 pictures", "failed: a.png", "converting: 90 of 90 pictures", "",
    ]  # fmt: skip


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
    assert 0 < stream.num_tries <= 6
    count()  # no lock is held


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
