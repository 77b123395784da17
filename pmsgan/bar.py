"""Progress bars on stderr; a line now and then where it is no terminal."""

import io
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from tqdm import tqdm

from pmsgan.terminal import NARROW, columns_of, fitted

LINE_S = 30.0
"""Time between two lines, where stderr is no terminal [s]."""

_LINE = (
    "{desc}: {n_fmt} of {total_fmt} {units} in {elapsed}, {speed} a second, {remaining} left"
    "{postfix}"
)
_SHORT = "{n_fmt}/{total_fmt} {units}, {remaining} left"


class Bar(tqdm):  # type: ignore[type-arg]
    """A progress bar that never ends the work it shows: where it cannot be written, it is off."""

    def __init__(
        self,
        iterable: Iterable[Any] | None = None,
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
            iterable: what is counted while it is iterated; without one, `update` counts.
            desc: the work, such as converting.
            unit: what is counted, in the singular.
            total: how many there are; by default the length of `iterable`.
            initial: how many are done already.
            disable: show nothing.
            bar_format: format that replaces that of tqdm.
        """
        self._is_terminal = columns_of(sys.stderr) is not None
        self._is_off = False
        self._next_line = time.monotonic() + LINE_S
        super().__init__(
            iterable, desc=desc, unit=unit, total=total, initial=initial, disable=disable,
            bar_format=bar_format, dynamic_ncols=True, file=sys.stderr or io.StringIO(),
        )  # fmt: skip

    @property
    def format_dict(self) -> Any:
        """The values to format, with a format for what there is room for."""
        values = super().format_dict
        values["units"] = self.unit if self.total == 1 else f"{self.unit}s"
        if not self._is_terminal:
            values["bar_format"] = (self.bar_format or _LINE).replace("{bar}", "")
            speed = (self.n - self.initial) / max(values["elapsed"], 1e-3)
            values["speed"] = f"{speed:.3g}" if speed < 999.5 else f"{speed:.0f}"
        elif columns := columns_of(self.fp):
            values["ncols"] = columns
            if columns < NARROW and self.bar_format is None:
                values["bar_format"] = _SHORT
        return values

    def display(self, msg: str | None = None, pos: int | None = None) -> None:
        """Show the bar; without a terminal, add a line if it is time, or the last one."""
        if self._is_off:
            return
        try:
            if self._is_terminal:
                super().display(msg, pos)
            elif self.disable or time.monotonic() >= self._next_line:  # disable: it is being closed
                self._next_line = time.monotonic() + LINE_S
                self.fp.write(str(self) + ("" if self.disable else "\n"))
                self.fp.flush()
        except (OSError, ValueError):
            self._is_off = True

    def clear(self, nolock: bool = False) -> None:
        """Remove the bar from a terminal."""
        if self._is_terminal and not self._is_off:
            with suppress(OSError, ValueError):
                super().clear(nolock)

    def close(self) -> None:
        """End the bar, and leave it where it is."""
        with suppress(OSError, ValueError):
            super().close()

    @classmethod
    def write(cls, s: str, file: Any = None, end: str = "\n", nolock: bool = False) -> None:
        """Print text on stderr, above the bars."""
        if sys.stderr is not None:
            with suppress(OSError, ValueError):
                super().write(fitted(s, sys.stderr), file or sys.stderr, end, nolock)
