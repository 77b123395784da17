"""The journal alone: what it takes for its own, what it recovers, and what it passes on."""

import errno
import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from pmsgan.batch.files.journal import Journal, digest_of
from pmsgan.batch.files.journal_file import check_journal, read_done, read_run_identity, run_hash
from pmsgan.batch.files.stamp import FileStamp
from pmsgan.directory import Directory
from pmsgan.errors import ConfigError

RUN = {"style": "ink", "graph_sha256": "12ab", "fit": "pad", "palette": None}
STAMP = FileStamp(3, 1)
RESULT = b"123456789"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def write(path: Path, *names: str, run: dict[str, Any] = RUN) -> bytes:
    """Record pictures as done; return the journal."""
    journal = Journal(path, run)
    for name in names:
        journal.add_done(name, STAMP, f"{name}.png", RESULT)
    journal.close()
    return path.read_bytes()


def done(path: Path, *names: str, run: dict[str, Any] = RUN) -> list[str]:
    """Return those of some pictures that a journal records as done."""
    journal = Journal(path, run)
    found = [it for it in names if journal.is_done(it, STAMP, f"{it}.png", len(RESULT))]
    journal.close()
    return found


def test_a_line_says_all_of_a_result(path: Path) -> None:
    header, line = map(json.loads, write(path, "a").splitlines())
    assert header == {"journal": 2, "run_identity": RUN}
    digest = line.pop("blake2b")
    assert len(digest) == 32
    assert line == {
        "name": "a", "size": 3, "mtime_ns": 1, "output": "a.png", "output_size": 9,
        "status": "done", "run": run_hash(RUN),
    }  # fmt: skip
    assert len(line["run"]) == 12
    assert digest_of(RESULT) == int(digest[16:], 16)
    journal = Journal(path, RUN)
    assert journal.digest("a") == digest_of(RESULT)
    assert journal.digest("b") is None
    journal.close()


def test_any_difference_is_not_done(path: Path) -> None:
    write(path, "a")
    journal = Journal(path, RUN)
    assert journal.is_done("a", STAMP, "a.png", 9)
    for name, stamp, output, size in (
        ("b", STAMP, "a.png", 9),
        ("a", FileStamp(4, 1), "a.png", 9),
        ("a", FileStamp(3, 2), "a.png", 9),
        ("a", STAMP, "b.png", 9),
        ("a", STAMP, "a.png", 10),
        ("a", STAMP, "a.png", None),
    ):
        assert not journal.is_done(name, stamp, output, size)
    journal.close()


def test_a_failure_takes_back_what_was_done(path: Path) -> None:
    write(path, "a", "b")
    journal = Journal(path, RUN)
    journal.add_failed("a", "why")
    journal.close()
    assert json.loads(path.read_bytes().splitlines()[-1]) == {
        "name": "a", "status": "failed", "reason": "why", "run": run_hash(RUN),
    }  # fmt: skip
    assert done(path, "a", "b") == ["b"]


@pytest.mark.parametrize("first", [b"", b"not JSON\n", b"[]\n", b'{"journal": "2"}\n', b"[" * 9999])
def test_a_damaged_first_line_costs_no_result(
    path: Path, first: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    _, *lines = write(path, "a", "b").splitlines(keepends=True)
    others = write(path.with_name("other"), "c", run=RUN | {"fit": "crop"}).splitlines()[1]
    path.write_bytes((first if first.endswith(b"\n") else first + b"\n") + b"".join(lines) + others)
    assert read_run_identity(path) is None
    assert check_journal("OUT", RUN, path)
    with pytest.raises(ConfigError, match="first line is damaged, and none of its 3 results were"):
        check_journal("OUT", RUN | {"fit": "stretch"}, path)
    caplog.set_level(logging.WARNING)
    assert done(path, "a", "b", "c") == ["a", "b"]
    assert "the journal is damaged: recovered 2 results" in caplog.text
    assert read_run_identity(path) == RUN
    assert path.read_bytes().splitlines(keepends=True)[1:] == lines


@pytest.mark.parametrize("has_header", [True, False])
def test_a_line_of_many_gigabytes_is_not_read(
    path: Path, has_header: bool, caplog: pytest.LogCaptureFixture
) -> None:
    data = write(path, "a")
    if not has_header:
        data = b"damaged\n" + data.partition(b"\n")[2]
    path.write_bytes(data)
    os.truncate(path, 1 << 40)
    other = path.with_name("other")
    write(other, "b")
    os.truncate(other, 1 << 40)
    assert check_journal("OUT", RUN, path)
    journal = Journal(path, RUN)
    journal.merge(other)
    journal.close()
    assert "the journal is damaged: recovered 1 results" in caplog.text
    assert done(path, "a", "b") == ["a", "b"]
    assert path.stat().st_size < 2000


def test_a_damaged_journal_without_results_belongs_to_nobody(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path.write_bytes(b"not JSON\n")
    assert not check_journal("OUT", RUN, path)
    Journal(path, RUN).close()
    assert caplog.text == ""


def test_a_journal_of_another_version_is_not_taken_for_ours(path: Path) -> None:
    data = write(path, "a")
    path.write_bytes(data.replace(b'"journal": 2', b'"journal": 3', 1))
    with pytest.raises(ConfigError, match=r"OUT holds the journal of another version.* with 1 res"):
        check_journal("OUT", RUN, path)
    assert read_run_identity(path) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"graph_sha256": "34cd"}, "made with another version of the style ink: give"),
        ({"fit": "crop"}, "made with fit pad, not crop: give"),
        ({"fit": "x" * 10**6}, "made with fit pad, not x{200}: give"),
        ({"palette": "red"}, "made with palette none, not red: give"),
    ],
)
def test_results_of_another_run_are_named_by_what_differs(
    path: Path, change: dict[str, Any], said: str
) -> None:
    write(path)
    assert check_journal("OUT", RUN | change, path)  # it has no results
    write(path, "a")
    assert check_journal("OUT", RUN, path)
    with pytest.raises(ConfigError, match=said):
        check_journal("OUT", RUN | change, path)


def test_lines_that_are_damaged_are_counted(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    data = write(path, "a", "b")
    path.write_bytes(data + b'{"name": 1}\n[]\nx\n{"name": {}, "status": "done"}\n' + b"[" * 99999)
    caplog.set_level(logging.INFO)
    assert len(read_done(path)) == 2
    assert "journal.jsonl: skipped 5 damaged lines" in caplog.text
    assert read_done(path.with_name("none")) == {}


def test_a_last_line_that_was_cut_off_is_ended(path: Path) -> None:
    data = write(path, "a")
    path.write_bytes(data + b'{"name"')
    write(path, "b")
    assert done(path, "a", "b") == ["a", "b"]
    assert b"\n\n" not in write(path, "c")


def test_another_journal_is_taken_whole_lines_alone(path: Path) -> None:
    other = path.with_name("other")
    data = write(other, "a", "b")
    write(path, "c")
    other.write_bytes(data[:-1])
    journal = Journal(path, RUN)
    journal.merge(other)
    assert journal.known("abcd") == {**journal.known("a"), **journal.known("c")}
    assert len(journal.known("abc")) == 2
    journal.close()
    assert done(path, "a", "b", "c") == ["a", "c"]
    second = Journal(path.with_name("second"), RUN, known=read_done(path))
    assert len(second.known("abc")) == 2
    second.close()


def test_a_damaged_journal_is_taken_as_far_as_it_is_ours(path: Path) -> None:
    other = path.with_name("other")
    _, line = write(other, "a").splitlines(keepends=True)
    _, theirs = write(path.with_name("theirs"), "b", run=RUN | {"fit": "crop"}).splitlines(True)
    other.write_bytes(b"damaged\n" + line + theirs)
    journal = Journal(path, RUN)
    journal.merge(other)
    journal.close()
    assert done(path, "a", "b") == ["a"]


def test_a_journal_that_was_taken_away_is_written_again(path: Path) -> None:
    with Directory(path.parent) as folder:
        journal = Journal(path.name, RUN, opener=folder.open)
        journal.add_done("a", STAMP, "a.png", RESULT)
        assert not journal.restore(path.name, folder.open)
        data = path.read_bytes() + b" " * (3 << 20)
        path.write_bytes(data)
        path.rename(path.with_name("away"))
        assert journal.restore(path.name, folder.open)
        assert path.read_bytes() == data
        journal.close()


def test_a_line_that_is_cut_short_is_a_full_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(path, RUN)
    real = os.write
    monkeypatch.setattr(os, "write", lambda number, data: real(number, data[:-1]))
    with pytest.raises(OSError, match="No space left") as caught:
        journal.add_failed("a", "why")
    assert caught.value.errno == errno.ENOSPC
    monkeypatch.undo()
    journal.close()
    with pytest.raises(OSError, match="Bad file descriptor"):  # nobody writes to another file
        journal.add_failed("a", "why")


def test_a_journal_is_on_the_disk_when_it_is_closed(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    journal = Journal(path, RUN)
    number = journal._file
    journal.close()
    assert synced == [number]
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(number)


def test_what_is_no_file_is_no_journal(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="it is not a file"):
        read_done(tmp_path / "pipe")
    assert read_run_identity(tmp_path / "pipe") is None
