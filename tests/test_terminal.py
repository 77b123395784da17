import io

import pytest

from pmsgan.terminal import columns_of, fitted, printable

TEXT = "error: the folder pictures/of/somebody is not there: give a folder"
TABLE = "read             0.00 s    0%    0.319 ms    0.319    0.319"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_lines_are_broken_between_words_in_a_narrow_terminal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert fitted(TEXT, Terminal()) == (
        "error: the folder pictures/of/somebody\n  is not there: give a folder"
    )
    assert fitted(TABLE, Terminal()) == (
        "read             0.00 s    0%    0.319\n  ms    0.319    0.319"
    )
    assert fitted(f"  {'long' * 12}\n\n", Terminal()) == f"  {'long' * 12}\n\n"


@pytest.mark.parametrize("columns", ["60", "0", "many"])
def test_a_wide_terminal_breaks_lines_itself(monkeypatch: pytest.MonkeyPatch, columns: str) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert fitted(TEXT, Terminal()) == TEXT


def test_what_is_no_terminal_has_no_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    closed = io.StringIO()
    closed.close()
    for stream in (io.StringIO(), closed, None):
        assert columns_of(stream) is None
        assert fitted(TEXT, stream) == TEXT


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("ftp://me:secret@host/in is empty", "ftp://***@host/in is empty"),
        ("s3+x://key:se:cret@bucket and http://token@b", "s3+x://***@bucket and http://***@b"),
        ("s3://bucket/in: mail a@b.c", "s3://bucket/in: mail a@b.c"),
        ("ftp://me:sec\x1bret@host", "ftp://***@host"),
    ],
)
def test_passwords_are_not_shown(text: str, shown: str) -> None:
    assert printable(text) == shown
