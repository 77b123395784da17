"""Results that somebody has changed, and journals that are damaged, newer or gone."""

import json
import logging
import os
from pathlib import Path
from typing import Any

import pytest
from outputs import DISK, begun

from pmsgan.batch.conversion import run_identity
from pmsgan.batch.files.bucket import BucketFolder
from pmsgan.batch.files.bucket_output import BucketOutput
from pmsgan.batch.files.local import LocalFolder
from pmsgan.batch.files.local_output import LocalOutput
from pmsgan.batch.files.stamp import FileStamp
from pmsgan.batch.job import Job
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import ConfigError
from pmsgan.styles.registry import Style

STAMP = FileStamp(3, 1)


def job(tmp_path: Path, name: str = "sub/a.png") -> Job:
    source = tmp_path / "in" / name
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(b"123")
    os.utime(source, ns=(1, 1))
    return Job(source=str(source), name=name, output=name)


def opened(tmp_path: Path, style: Style, **options: bool) -> LocalOutput:
    identity = run_identity(style, ConvertSettings())
    options.setdefault("overwrite", False)
    out = LocalFolder(tmp_path / "out").output(identity, DISK, **options)  # type: ignore[arg-type]
    out.begin()
    return out


def test_a_result_that_is_not_as_it_was_written_is_found(style: Style, tmp_path: Path) -> None:
    done = job(tmp_path)
    with begun(tmp_path / "out", style) as out:
        out.write(done, b"result", STAMP)
    with opened(tmp_path, style, verify=True) as out:
        assert out.was_done_before(done)
        (tmp_path / "out" / "sub" / "a.png").write_bytes(bytes(6))
        assert not out.was_done_before(done)
    with opened(tmp_path, style) as out:
        assert out.was_done_before(done)  # its size is the same


def test_a_file_of_many_gigabytes_in_the_place_of_a_result_is_set_aside_unread(
    style: Style, tmp_path: Path
) -> None:
    done, target = job(tmp_path), tmp_path / "out" / "sub" / "a.png"
    with opened(tmp_path, style) as out:
        out.write(done, b"result", STAMP)
        os.truncate(target, 1 << 40)
        assert not out.was_done_before(done)
        out.write(done, b"result", STAMP)
    assert target.read_bytes() == b"result"
    assert (tmp_path / "out" / "sub" / "a.png.bak").stat().st_size == 1 << 40


@pytest.mark.parametrize("changed", [b"edited by hand", bytes(6)])
def test_what_somebody_has_changed_is_kept(style: Style, tmp_path: Path, changed: bytes) -> None:
    done, target = job(tmp_path), tmp_path / "out" / "sub" / "a.png"
    for time in range(3):
        with opened(tmp_path, style, verify=True) as out:
            if time:
                target.write_bytes(changed)
            assert not out.was_done_before(done)
            out.write(done, b"result", STAMP)
    assert target.read_bytes() == b"result"
    assert done.note == "its previous result had been edited, and is kept as sub/a.png.bak2"
    for name in ("a.png.bak", "a.png.bak2"):
        assert target.with_name(name).read_bytes() == changed
    assert len(list(target.parent.iterdir())) == 3


def test_what_a_run_has_written_is_replaced(style: Style, tmp_path: Path) -> None:
    done, target = job(tmp_path), tmp_path / "out" / "sub" / "a.png"
    with opened(tmp_path, style) as out:
        out.write(done, b"result", STAMP)
    with opened(tmp_path, style) as out:
        out.write(done, b"of a picture that was changed", STAMP)
    with opened(tmp_path, style) as out:  # killed before the journal knew
        target.write_bytes(b"as this run makes it")
        out.write(done, b"as this run makes it", STAMP)
    with opened(tmp_path, style, overwrite=True) as out:
        target.write_bytes(b"edited by hand")
        out.write(done, b"result", STAMP)
    assert done.note is None
    assert [it.name for it in target.parent.iterdir()] == ["a.png"]


def test_a_link_in_the_place_of_a_result_is_set_aside(style: Style, tmp_path: Path) -> None:
    done, original = job(tmp_path, "a.png"), tmp_path / "in" / "a.png"
    with opened(tmp_path, style) as out:
        (tmp_path / "out" / "a.png").symlink_to(original)
        out.write(done, b"result", STAMP)
    assert (tmp_path / "out" / "a.png").read_bytes() == b"result"
    assert (tmp_path / "out" / "a.png.bak").readlink() == original
    assert original.read_bytes() == b"123"


@pytest.mark.parametrize("first", [b"\0\0\0\n", b"{}\n", b"[[[[\n", b"[" * 100_000 + b"\n", b"\n"])
def test_a_damaged_first_line_costs_nothing(
    style: Style, tmp_path: Path, first: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    done, journal = job(tmp_path), tmp_path / "out" / ".pmsgan" / "journal.jsonl"
    with opened(tmp_path, style) as out:
        out.write(done, b"result", STAMP)
        out.note_failure(job(tmp_path, "b.png"), "is damaged")
    first_line, _, others = journal.read_bytes().partition(b"\n")
    journal.write_bytes(first + others)
    with opened(tmp_path, style) as out:
        assert out.was_done_before(done)
    assert "the journal is damaged: recovered 1 results" in caplog.text
    assert journal.read_bytes().startswith(first_line + b"\n")
    journal.write_bytes(first + others)
    with pytest.raises(ConfigError, match="first line is damaged, and none of its 1 results were"):
        begun(tmp_path / "out", style, ConvertSettings(quality=50))
    assert journal.read_bytes() == first + others


def test_a_newer_journal_is_left_alone(style: Style, tmp_path: Path) -> None:
    done, journal = job(tmp_path), tmp_path / "out" / ".pmsgan" / "journal.jsonl"
    with opened(tmp_path, style) as out:
        out.write(done, b"result", STAMP)
    lines = journal.read_text().splitlines(keepends=True)
    newer = json.dumps(json.loads(lines[0]) | {"journal": 3}) + "\n" + lines[1]
    journal.write_text(newer)
    with pytest.raises(ConfigError, match="of another version of pmsgan with 1 results: use that"):
        opened(tmp_path, style)
    assert journal.read_text() == newer


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_journal_that_somebody_takes_away_is_written_again(
    style: Style, tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    done, journal = job(tmp_path), tmp_path / "out" / ".pmsgan" / "journal.jsonl"
    with opened(tmp_path, style) as out:
        out.save()
        assert not caplog.records
        journal.unlink()
        if how == "replaced":
            journal.write_text("nonsense" * 1000)
        out.write(done, b"result", STAMP)
        out.save()
    assert "the journal in OUT has been removed: writing it again" in caplog.text
    with opened(tmp_path, style) as out:
        assert out.was_done_before(done)


def test_a_bucket_keeps_what_somebody_has_changed_too(store: Any, tmp_path: Path) -> None:
    folder, done = BucketFolder("memory://bucket/out"), job(tmp_path)

    def opened_bucket(**options: Any) -> BucketOutput:
        out = folder.output({"style": "tiny"}, DISK, **({"overwrite": False} | options))
        out.begin()
        return out

    with opened_bucket() as out:
        out.write(done, b"result", STAMP)
        out.write(done, b"result 2", STAMP)
        out.save()
    for _ in range(2):
        folder.store.write("sub/a.png", b"edited 2")
        with opened_bucket() as out:
            assert out.was_done_before(done)  # its size is the same
        with opened_bucket(verify=True) as out:
            assert not out.was_done_before(done)
            out.write(done, b"result 2", STAMP)
            out.save()
            assert out.was_done_before(done)
    assert done.note == "its previous result had been edited, and is kept as sub/a.png.bak2"
    assert folder.store.read("sub/a.png") == b"result 2"
    assert folder.store.read("sub/a.png.bak") == folder.store.read("sub/a.png.bak2") == b"edited 2"
    folder.store.write("sub/a.png", b"edited 2")
    with opened_bucket(overwrite=True) as out:
        out.write(done, b"result 2", STAMP)
    assert len(folder.store.list("sub")) == 3
