"""Lines of text files that people write about a set."""

import codecs
import re
from pathlib import Path

from pmsgan.errors import DataError
from pmsgan.regular_file import MAX_TEXT_BYTES, read_regular

_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""Beginnings of files that some programs of Windows write."""


def read_lines(path: Path) -> list[tuple[int, str]]:
    """Read the lines with content, each with its number, from 1.

    Blank lines and comments, which begin with #, are left out. The text is UTF-8, or UTF-16 with
    its mark; lines end as on any system.

    Raises:
        DataError: the file cannot be read, is a pipe or too large, or is not such text.
    """
    try:
        data = read_regular(path, MAX_TEXT_BYTES)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error
    try:
        text = data.decode("utf-16" if data.startswith(_UTF_16) else "utf-8-sig")
    except UnicodeDecodeError as error:
        number = len(_split(data[: error.start].decode("latin-1")))
        raise DataError(
            f"{path}, line {number}, is not UTF-8 text: save the file as UTF-8"
        ) from error
    lines = [(number, line.strip()) for number, line in enumerate(_split(text), 1)]
    return [(number, line) for number, line in lines if line and not line.startswith("#")]


def _split(text: str) -> list[str]:
    return re.split("\r\n|\r|\n", text)
