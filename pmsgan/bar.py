"""Progress bars on stderr, or a line now and then if it is not a terminal."""

import io
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sized
from typing import Any

from tqdm import tqdm

from pmsgan.display import display
from pmsgan.terminal import NARROW, columns_of

LINE_S = 30.0
"""Time between two lines, where stderr is not a terminal [s]."""

_LINE = (
    "{desc}: {n_fmt} of {total_fmt} {units} in {elapsed}, {speed} a second, {remaining} left"
    "{postfix}"
)
_DONE_BEFORE = "{desc}: {n_fmt} of {total_fmt} {units} done before"
_SHORT = "{n_fmt}/{total_fmt} {units}, {remaining} left"


class Bar:
    """Counts finished work; the display shows the progress, and never delays the work."""

    def __init__(
        self,
        iterable: Iterable[Any] = (),
        *,
        desc: str,
        unit: str,
        total: int | None = None,
        initial: int = 0,
        disable: bool = False,
        bar_format: str | None = None,
    ) -> None:
        """Show the bar.

        Args:
            iterable: the items to count while iterating; without one, `update` counts.
            desc: the work, such as converting.
            unit: the unit of the count, in the singular.
            total: how many there are; by default the length of `iterable`.
            initial: how many are already done.
            disable: show nothing.
            bar_format: format that replaces the usual one, see tqdm.
        """
        self.stream = sys.stderr or io.StringIO()
        self.is_terminal = columns_of(self.stream) is not None
        self.n = self.initial = initial
        self.total = len(iterable) if total is None and isinstance(iterable, Sized) else total
        self._iterable = iterable
        self._desc, self._unit, self._postfix = desc, unit, ""
        self._format = bar_format
        self._started = time.monotonic()
        self._next_line = self._started + LINE_S
        if not disable:
            display.start(self)

    def update(self, count: int = 1) -> None:
        """Count finished work."""
        self.n += count

    def set_postfix(self, values: Mapping[str, str] | str) -> None:
        """Show a text, or names and values of numbers, after the bar."""
        if not isinstance(values, str):
            values = ", ".join(f"{name}={value}" for name, value in values.items())
        self._postfix = values

    def close(self) -> None:
        """End the bar, and leave it where it is."""
        display.end(self, self._drawn(time.monotonic()))

    def text(self, now: float) -> str | None:
        """Return the bar; without a terminal a line, or None if none is due."""
        if not self.is_terminal:
            if now < self._next_line:
                return None
            self._next_line = now + LINE_S
        return self._drawn(now)

    def __iter__(self) -> Iterator[Any]:
        """Count each while the next one is worked on; the end closes the bar."""
        with self:
            for one in self._iterable:
                yield one
                self.update()

    def __enter__(self) -> "Bar":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _drawn(self, now: float) -> str:
        elapsed_s = now - self._started
        speed = (self.n - self.initial) / max(elapsed_s, 1e-3)
        columns, bar_format = columns_of(self.stream), self._format
        if not self.is_terminal:
            bar_format = (bar_format or _LINE).replace("{bar}", "")
        elif columns and columns < NARROW and bar_format is None:
            bar_format = _SHORT
        if self.total and self.total == self.initial:
            bar_format = _DONE_BEFORE
        values: dict[str, Any] = {
            "n": self.n, "total": self.total, "elapsed": elapsed_s, "initial": self.initial,
            "prefix": self._desc, "unit": self._unit, "postfix": self._postfix or None,
            "ncols": columns if self.is_terminal else None,
            "ascii": not _has_blocks(self.stream),
            "bar_format": bar_format,
            "units": self._unit if self.total == 1 else f"{self._unit}s",
            "speed": f"{speed:.3g}" if speed < 999.5 else f"{speed:.0f}",
        }  # fmt: skip
        line = str(tqdm.format_meter(**values))
        return line if self.is_terminal else line.rstrip()


def _has_blocks(stream: Any) -> bool:
    """Say whether a stream's encoding has the letters that bars are made of."""
    try:
        "\u2588\u258f".encode(getattr(stream, "encoding", None) or "utf-8")
    except (LookupError, UnicodeEncodeError):
        return False
    return True
