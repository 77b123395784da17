"""Shows lines and progress bars on stderr, in a thread of its own.

A terminal may be closed, stopped by Ctrl-S, or read by a program that has died. No other thread
writes to it, waits for it for long, or holds a lock while it is written to. So the work continues,
whatever happens to the terminal.
"""

import atexit
import io
import os
import sys
import threading
import time
from collections import deque
from typing import Protocol, TextIO

from pmsgan.terminal import fitted, printable

DRAW_EVERY_S = 0.1
"""Time between two looks at a bar [s]."""
PATIENCE_S = 2.0
"""How long `flush` waits for a terminal that takes nothing [s]."""
MAX_WAITING = 10_000
"""Most lines that wait for a terminal; older ones are left out."""


class Shown(Protocol):
    """A bar."""

    stream: TextIO
    is_terminal: bool

    def text(self, now: float) -> str | None:
        """Return the bar as it is at a time of the monotonic clock; None if no line is due."""


class Display:
    """Everything that a process shows on stderr."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        """Guards what follows; it is never held while something is written."""
        self._lines: deque[tuple[TextIO, str]] = deque()
        self._num_lost = 0
        self._bars: list[Shown] = []
        self._is_working = False
        self._is_stuck = False
        """Whether a terminal has been stuck too long to wait for it any more."""
        self._thread: threading.Thread | None = None
        # The rest belongs to the thread.
        self._last: tuple[TextIO, str] | None = None
        """The bar that stands in the last line of a terminal."""
        self._dead: TextIO | None = None
        """A stream that could not be written."""

    def write(self, text: str) -> None:
        """Show one line above the bars; escape what a terminal would obey. Do not wait for it."""
        self._add(sys.stderr, printable(text))

    def start(self, bar: Shown) -> None:
        """Show a bar until it is ended, below those that began earlier."""
        with self._changed:
            self._bars.append(bar)
            self._wake()

    def end(self, bar: Shown, last: str | None) -> None:
        """Show a bar no more, and leave its last text there; a bar that has ended is ignored."""
        with self._changed:
            if bar not in self._bars:
                return
            self._bars.remove(bar)
        if last is not None:
            self._add(bar.stream, last)

    def flush(self, timeout_s: float | None = None) -> None:
        """Wait until all lines are shown; a terminal that takes nothing is waited for once.

        Args:
            timeout_s: how long at most [s]; by default `PATIENCE_S`.
        """
        patience_s = PATIENCE_S if timeout_s is None else timeout_s
        with self._changed:
            if not self._is_stuck:
                self._is_stuck = not self._changed.wait_for(
                    lambda: not self._lines and not self._is_working, patience_s
                )

    @property
    def has_died(self) -> bool:
        """Whether nobody sees the output: stderr could not be written, or is stuck."""
        return self._is_stuck or (self._dead is not None and self._dead is sys.stderr)

    def _add(self, stream: TextIO | None, line: str) -> None:
        if stream is None:
            return
        with self._changed:
            if len(self._lines) == MAX_WAITING:
                self._lines.popleft()
                self._num_lost += 1
            self._lines.append((stream, line))
            self._wake()

    def _wake(self) -> None:
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._run, daemon=True, name="display")
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._is_working = False
                if not self._bars and not self._lines:
                    self._thread = None
                    self._changed.notify_all()
                    return
                self._changed.notify_all()
                self._changed.wait_for(lambda: bool(self._lines), DRAW_EVERY_S)
                self._is_working = True
                lines, self._lines = self._lines, deque()
                lost, self._num_lost = self._num_lost, 0
                bar = self._bars[-1] if self._bars else None
            for stream, line in lines:
                if lost:
                    line, lost = f"({lost} lines omitted)\n{line}", 0
                self._write_line(stream, line)
            if bar is not None and (text := bar.text(time.monotonic())) is not None:
                if bar.is_terminal:
                    self._draw(bar.stream, text)
                else:
                    self._write_line(bar.stream, text)
            self._is_stuck = False

    def _write_line(self, stream: TextIO, line: str) -> None:
        self._draw(stream, "")
        self._last = None
        self._send(stream, fitted(line, stream) + "\n")

    def _draw(self, stream: TextIO, text: str) -> None:
        """Show a text in the last line of a terminal, instead of the previous one."""
        last = self._last[1] if self._last is not None and self._last[0] is stream else ""
        if text != last:
            padded = text.ljust(len(last))
            self._send(stream, f"\r{padded}" if text else f"\r{padded}\r")
        self._last = stream, text

    def _send(self, stream: TextIO, text: str) -> None:
        if stream is self._dead:
            return
        try:
            _write(stream, text)
        except (OSError, ValueError):
            self._dead = stream


def _write(stream: TextIO, text: str) -> None:
    """Write without the lock of the stream's buffer, which the end of the process waits for."""
    try:
        number = stream.fileno()
    except (AttributeError, OSError, ValueError):  # a stream of Python alone
        stream.write(text)
        stream.flush()
        return
    data = text.encode(stream.encoding or "utf-8", "backslashreplace")
    while data:
        try:
            data = data[os.write(number, data) :]
        except BlockingIOError:  # somebody has set it so
            time.sleep(DRAW_EVERY_S)


class DisplayStream(io.TextIOBase):
    """Shows the output of a library line by line."""

    def __init__(self, to: Display) -> None:
        self._to = to
        self._line = ""

    def write(self, text: str) -> int:
        """Show the lines that are whole."""
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._to.write(line)
        return len(text)

    def writable(self) -> bool:
        """Return True."""
        return True


display = Display()
"""The display of this process."""

atexit.register(display.flush)
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lambda: Display.__init__(display))
