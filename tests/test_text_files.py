"""Lists, tables, palettes and reports may come from a stranger, who wants to hang a program."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from pmsgan.benchmark.compare import compare_reports
from pmsgan.data.points import find_eyes, read_points
from pmsgan.data.text_lines import read_lines
from pmsgan.errors import PmsganError
from pmsgan.evaluation.tally import tally_answers
from pmsgan.styles.palette import read_palette

Read = Callable[[Path], object]

READERS: dict[str, Read] = {
    "a palette": read_palette,
    "a list": read_lines,
    "points": read_points,
    "a table of eyes": lambda path: find_eyes(path, {}),
    "answers": lambda path: tally_answers([path]),
    "a report": lambda path: compare_reports(path, path),
}


def holes(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(2**40)


@pytest.mark.parametrize(
    "make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero"), holes],
    ids=["a pipe", "a device", "a terabyte"],
)  # fmt: skip
@pytest.mark.parametrize("read", READERS.values(), ids=READERS.keys())
def test_only_files_of_bounded_size_are_read(
    read: Read, make: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "x.toml"
    make(path)
    with pytest.raises(PmsganError, match=r"regular file|has more than") as caught:
        read(path)
    assert str(path) in str(caught.value)
