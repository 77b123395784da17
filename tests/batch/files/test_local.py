"""A folder on a disk."""

import os
import pickle
from pathlib import Path

import pytest

from pmsgan.batch.files import local as local_module
from pmsgan.batch.files.local import LocalFolder, read_file
from pmsgan.batch.files.stamp import FileStamp
from pmsgan.errors import ImageError


def test_what_cannot_be_read_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImageError, match="cannot be read: No such file"):
        read_file(tmp_path / "missing.png")
    with pytest.raises(ImageError, match="is not a file"):
        read_file(tmp_path)
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="is not a file"):
        read_file(tmp_path / "pipe.png")
    (tmp_path / "a.png").write_bytes(b"1234")
    (tmp_path / "link.png").symlink_to(tmp_path / "a.png")
    with pytest.raises(ImageError, match="cannot be read"):
        read_file(tmp_path / "link.png")
    monkeypatch.setattr(local_module, "MAX_FILE_BYTES", 3)
    with pytest.raises(ImageError, match="is too large"):
        read_file(tmp_path / "a.png")
    monkeypatch.setattr(local_module, "MAX_FILE_BYTES", 4)
    assert read_file(tmp_path / "a.png")[0] == b"1234"
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(ImageError, match="is empty"):
        read_file(tmp_path / "a.png")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_a_folder_in_the_place_of_a_file_stays_closed(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        with pytest.raises(ImageError, match="is not a file"):
            read_file(tmp_path)
        assert LocalFolder(tmp_path).head(str(tmp_path), 4) == b""
    assert len(list(Path("/proc/self/fd").iterdir())) < before + 10


@pytest.mark.parametrize("most", [1, 3, 7, 8])
def test_a_file_that_comes_in_parts_is_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"12345678")
    real = os.read
    monkeypatch.setattr(local_module.os, "read", lambda file, count: real(file, min(count, most)))
    assert read_file(path)[0] == b"12345678"


def test_a_file_that_changes_while_it_is_read_has_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(b"1234")
    assert read_file(path) == (b"1234", FileStamp(4, path.stat().st_mtime_ns))
    real = os.fstat

    def grow(number: int) -> os.stat_result:
        found = real(number)
        with path.open("ab") as file:
            file.write(b"5")
        return found

    monkeypatch.setattr(local_module.os, "fstat", grow)
    with pytest.raises(ImageError, match="changed while it was being read"):
        read_file(path)


def test_a_folder_is_known_by_any_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "in" / "sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "in")
    folder, link = LocalFolder(tmp_path / "in"), LocalFolder(tmp_path / "link")
    assert folder.identity() == link.identity() == LocalFolder(tmp_path).identity("in")
    assert folder.identity("sub") == link.identity("sub") != folder.identity()
    assert LocalFolder(tmp_path).identity() in link.parents()
    assert folder.identity() not in folder.parents()
    missing = LocalFolder(tmp_path / "x" / ".." / "missing")
    assert missing.identity() == LocalFolder(tmp_path / "missing").identity()


def test_another_process_finds_the_same_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.png").write_bytes(b"1234")
    monkeypatch.chdir(tmp_path)
    sent = pickle.dumps(LocalFolder(Path("in")))
    monkeypatch.chdir("/")
    folder = pickle.loads(sent)
    assert [entry.name for entry in folder.list("")] == ["a.png"]
    assert folder.read(folder.source("a.png"))[0] == b"1234"


def test_a_folder_that_nobody_may_look_at_has_an_identity(tmp_path: Path) -> None:
    too_long = LocalFolder(tmp_path / ("x" * 300) / "out")
    assert too_long.identity() == str(too_long.path)


def test_a_sub_folder_that_has_become_a_link_is_not_read_through(tmp_path: Path) -> None:
    folder, private = LocalFolder(tmp_path / "in"), tmp_path / "private"
    for parent in (folder.path / "sub" / "deep", private / "deep"):
        parent.mkdir(parents=True)
        (parent / "a.png").write_bytes(b"1234")
    source = folder.source("sub/deep/a.png")
    data, stamp = folder.read(source)
    assert (data, stamp) == (b"1234", folder.stamp(source))
    (folder.path / "sub").rename(tmp_path / "aside")
    (folder.path / "sub").symlink_to(private)
    with pytest.raises(ImageError, match="cannot be read: sub is a link"):
        folder.read(source)
    assert LocalFolder(tmp_path / "in" / "sub").read(f"{folder.path}/sub/deep/a.png")[0] == b"1234"
