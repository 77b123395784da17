from contextlib import suppress
from pathlib import Path

import pytest

from pmsgan.atomic import replacing, replacing_open


def test_the_new_file_takes_the_place_of_the_old(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_after_an_error_the_old_file_is_still_there(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(ValueError, match="midway"), replacing(path) as temporary:
        temporary.write_text("half")
        raise ValueError("midway")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_that_takes_the_place_of_the_hidden_file_is_not_followed(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("a file of the user")
    with replacing_open(tmp_path / "a") as file:
        (hidden,) = tmp_path.glob(".pmsgan-*")
        hidden.unlink()
        hidden.symlink_to(theirs)
        file.write(b"new")
    assert theirs.read_text() == "a file of the user"


def test_an_error_leaves_the_earlier_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("old")
    with suppress(ValueError), replacing_open(tmp_path / "a") as file:
        file.write(b"new")
        raise ValueError
    assert [it.read_text() for it in tmp_path.iterdir()] == ["old"]
