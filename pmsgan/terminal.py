"""Prepare text for a terminal: escape control characters, and fit lines into a narrow one."""

import os
import re
import textwrap
from typing import TextIO

NARROW = 60
"""Columns below which text is broken between words; a wider terminal breaks lines on its own, so
that what is copied from it is whole."""


_PASSWORD = re.compile(r"\b([a-z][a-z0-9+.-]*://)[^/@\s]+@", re.IGNORECASE)


def printable(text: str) -> str:
    """Escape what a terminal would obey instead of showing, and hide the passwords of URLs."""
    shown = "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)
    return without_passwords(shown)


def without_passwords(text: str) -> str:
    """Return a text without the user names and passwords of its URLs."""
    return _PASSWORD.sub(r"\1***@", text)


def columns_of(stream: TextIO | None) -> int | None:
    """Return the width of a stream's terminal; None if it has none."""
    try:
        if stream is None or not stream.isatty():
            return None
        return int(os.environ.get("COLUMNS") or os.get_terminal_size(stream.fileno()).columns)
    except (OSError, ValueError):  # the stream is closed, or COLUMNS is no number
        return None


def fitted(text: str, stream: TextIO | None) -> str:
    """Return text whose lines are broken between words where the stream's terminal is narrow."""
    columns = columns_of(stream)
    if not columns or columns >= NARROW:
        return text
    return "\n".join(_broken(line, columns) for line in text.split("\n"))


def _broken(line: str, columns: int) -> str:
    text = line.lstrip()
    indent = line.removesuffix(text)
    return textwrap.fill(
        text, columns, initial_indent=indent, subsequent_indent=f"{indent}  ",
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
