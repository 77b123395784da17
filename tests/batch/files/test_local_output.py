import errno
import json
import logging
import os
import re
import shutil
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from outputs import begun, locked

from pmsgan import directory
from pmsgan.batch.files import journal_file
from pmsgan.batch.files import local_output as out_module
from pmsgan.batch.files.journal import Journal
from pmsgan.batch.files.journal_file import read_run_identity
from pmsgan.batch.files.local_output import LocalOutput
from pmsgan.batch.files.stamp import FileStamp
from pmsgan.batch.job import Job
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import ConfigError, DiskFullError, FolderError, ImageError
from pmsgan.styles.registry import Style

USUAL = ConvertSettings()
STAMP = FileStamp(3, 1)


def job(tmp_path: Path, name: str = "a.png") -> Job:
    source = tmp_path / "in" / name
    source.parent.mkdir(parents=True, exist_ok=True)
    source.write_bytes(b"123")
    os.utime(source, ns=(1, 1))
    return Job(source=str(source), name=name, output=name)


def opened(style: Style, tmp_path: Path, **options: Any) -> LocalOutput:
    return begun(tmp_path / "out", style, **options)


def partial_files(tmp_path: Path) -> list[Path]:
    return list((tmp_path / "out" / ".pmsgan").rglob("partial/*"))


def test_what_is_written_is_known_to_the_next_run(style: Style, tmp_path: Path) -> None:
    done = job(tmp_path, "sub/a.png")
    with opened(style, tmp_path) as out:
        assert not out.was_done_before(done)
        out.write(done, b"result", STAMP)
    assert (tmp_path / "out/sub/a.png").read_bytes() == b"result"
    assert partial_files(tmp_path) == []
    with opened(style, tmp_path) as out:
        assert out.was_done_before(done)
        assert not out.was_done_before(job(tmp_path, "b.png"))


def test_a_result_has_the_date_of_its_picture(style: Style, tmp_path: Path) -> None:
    taken = 1_500_000_000_123_456_789
    with opened(style, tmp_path) as out:
        for name, stamp in {"a.png": FileStamp(3, taken), "b.png": FileStamp(3, 0)}.items():
            out.write(job(tmp_path, name), b"result", stamp, keep_date=True)
        out.write(job(tmp_path, "c.png"), b"result", FileStamp(3, taken))
        # No system call knows this date.
        out.write(job(tmp_path, "d.png"), b"result", FileStamp(3, 2**200), keep_date=True)
    dates = {it.name: it.stat().st_mtime_ns for it in (tmp_path / "out").glob("*.png")}
    assert dates.pop("a.png") // 1000 == taken // 1000
    assert len(dates) == 3
    assert all(abs(date - time.time_ns()) < 60e9 for date in dates.values())


def test_what_has_changed_is_done_again(style: Style, tmp_path: Path) -> None:
    done = job(tmp_path)
    with opened(style, tmp_path) as out:
        out.write(done, b"result", STAMP)
    target = tmp_path / "out" / "a.png"
    with opened(style, tmp_path) as out:
        target.write_bytes(b"cut off")
        assert not out.was_done_before(done)
        target.unlink()
        assert not out.was_done_before(done)
        target.write_bytes(b"result")
        assert out.was_done_before(done)
        os.utime(done.source, ns=(2, 2))
        assert not out.was_done_before(done)
        Path(done.source).unlink()
        assert not out.was_done_before(done)


def test_a_failure_is_tried_again(style: Style, tmp_path: Path) -> None:
    done = job(tmp_path)
    with opened(style, tmp_path) as out:
        out.write(done, b"result", STAMP)
        out.note_failure(done, "is damaged")
    with opened(style, tmp_path) as out:
        assert not out.was_done_before(done)


def test_styles_and_settings_are_not_mixed(style: Style, tmp_path: Path) -> None:
    done = job(tmp_path)
    with opened(style, tmp_path) as out:
        out.write(done, b"result", STAMP)
    other = replace(style, name="other")
    changed = replace(style, sha256=style.sha256 | {"generator.onnx": "0" * 64})
    smaller = replace(USUAL, quality=50)
    for options, said in (
        ({"style": other}, "made with style tiny, not other"),
        ({"style": changed}, "made with another version of the style tiny"),
        ({"style": style, "settings": smaller}, "made with quality 95, not 50"),
    ):
        with pytest.raises(ConfigError, match=f"{said}: give another OUT, or --overwrite"):
            opened(tmp_path=tmp_path, **options)  # type: ignore[arg-type]
    assert (tmp_path / "out" / "a.png").read_bytes() == b"result"
    with opened(other, tmp_path, overwrite=True) as out:
        assert not out.was_done_before(done)
    with opened(other, tmp_path):
        pass


def test_a_folder_of_somebody_else_is_left_alone(style: Style, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".DS_Store").touch()
    with opened(style, tmp_path):
        pass
    (tmp_path / "out" / ".pmsgan" / "journal.jsonl").write_text("damaged\n")
    with opened(style, tmp_path):
        assert read_run_identity(tmp_path / "out" / ".pmsgan" / "journal.jsonl") is not None
    (tmp_path / "out" / "mine.png").touch()
    with opened(style, tmp_path):
        pass
    (tmp_path / "out" / ".pmsgan" / "journal.jsonl").unlink()
    with pytest.raises(ConfigError, match=r"no earlier run has recorded: .*--overwrite"):
        opened(style, tmp_path)
    with opened(style, tmp_path, overwrite=True):
        pass
    assert (tmp_path / "out" / "mine.png").exists()


def test_a_run_without_results_binds_nobody_to_its_settings(style: Style, tmp_path: Path) -> None:
    with opened(style, tmp_path) as out:
        out.note_failure(job(tmp_path), "is damaged")
    (tmp_path / "out" / "report.json").touch()
    with opened(style, tmp_path, settings=replace(USUAL, precision="fp32")) as out:
        out.write(job(tmp_path), b"result", STAMP)
    with pytest.raises(ConfigError, match="made with precision fp32, not auto"):
        opened(style, tmp_path)


def test_a_run_that_never_begins_forgets_nothing(style: Style, tmp_path: Path) -> None:
    done = job(tmp_path)
    with opened(style, tmp_path) as out:
        out.write(done, b"result", STAMP)
    with locked(tmp_path / "out", style, overwrite=True):
        pass
    with opened(style, tmp_path) as out:
        assert out.was_done_before(done)


def test_a_link_in_out_leads_nowhere(style: Style, tmp_path: Path) -> None:
    original = job(tmp_path, "sub/a.png")
    with opened(style, tmp_path) as out:
        (tmp_path / "out" / "sub").symlink_to(Path(original.source).parent)
        with pytest.raises(ImageError, match="a folder in OUT is a link"):
            out.write(original, b"result", STAMP)
    assert Path(original.source).read_bytes() == b"123"


def test_two_runs_do_not_share_a_folder(style: Style, tmp_path: Path) -> None:
    with (
        opened(style, tmp_path),
        pytest.raises(ConfigError, match=r"another run is converting to .*: wait for it"),
    ):
        opened(style, tmp_path)
    with opened(style, tmp_path):
        pass


def test_what_a_killed_run_left_is_cleaned_up(style: Style, tmp_path: Path) -> None:
    with opened(style, tmp_path):
        pass
    left = tmp_path / "out" / ".pmsgan" / "partial" / "7"
    left.parent.mkdir()
    left.write_bytes(b"half")
    with opened(style, tmp_path):
        assert partial_files(tmp_path) == []


def fail_with(number: int) -> Any:
    def fail(*arguments: Any, **options: Any) -> Any:
        raise OSError(number, os.strerror(number))

    return fail


def test_a_picture_that_no_run_has_done_is_not_looked_at(
    style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(style, tmp_path) as out, monkeypatch.context() as patch:
        patch.setattr(out, "_stamp", None)
        assert not out.was_done_before(job(tmp_path))


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.EROFS, "cannot write to .*out: Read-only file system"),
        (errno.EACCES, "cannot write to .*out: Permission denied"),
    ],
)
def test_a_folder_that_cannot_be_written_to_is_refused(
    style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    monkeypatch.setattr(Path, "mkdir", fail_with(number))
    with pytest.raises(ConfigError, match=said):
        opened(style, tmp_path)


def test_a_journal_that_cannot_be_written_is_refused_and_frees_the_lock(
    style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(out_module, "Journal", fail_with(errno.ENOSPC))
        with pytest.raises(ConfigError, match=r"cannot write to .*No space left"):
            opened(style, tmp_path)
    with opened(style, tmp_path):
        pass


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "OUT is full"),
        (errno.EDQUOT, "the quota of OUT is used up"),
        (errno.EIO, "cannot write to OUT: Input/output error"),
    ],
)
@pytest.mark.parametrize("place", ["open", "replace", "journal"])
def test_a_disk_that_fails_is_no_picture_s_fault(
    style: Style,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    number: int,
    said: str,
) -> None:
    with opened(style, tmp_path) as out:
        with monkeypatch.context() as patch:
            if place == "open":
                patch.setattr(directory.os, "open", fail_with(number))
            elif place == "replace":
                patch.setattr(directory.os, "replace", fail_with(number))
            else:
                patch.setattr(out.journal, "_write", fail_with(number))
            with pytest.raises(FolderError, match=said):
                out.write(job(tmp_path), b"result", STAMP)
            if place == "journal":
                with pytest.raises(FolderError, match=said):
                    out.note_failure(job(tmp_path), "is damaged")
        assert partial_files(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_noticed_even_by_a_small_file(style: Style, tmp_path: Path) -> None:
    with opened(style, tmp_path) as out:
        os.close(out.journal._file)
        out.journal._file = os.open("/dev/full", os.O_WRONLY)
        with pytest.raises(FolderError, match="is full"):
            out.note_failure(job(tmp_path), "is damaged")


def test_a_disk_without_inodes_is_not_said_to_be_full(
    style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = SimpleNamespace(f_files=100, f_favail=0)
    monkeypatch.setattr(directory.os, "statvfs", lambda place: found)
    with opened(style, tmp_path) as out, monkeypatch.context() as patch:
        patch.setattr(directory.os, "open", fail_with(errno.ENOSPC))
        with pytest.raises(DiskFullError, match=r"no more files fit into OUT .*inodes"):
            out.write(job(tmp_path), b"result", STAMP)
        found.f_files = 0  # this disk does not count them
        with pytest.raises(DiskFullError, match="OUT is full"):
            out.write(job(tmp_path), b"result", STAMP)


def test_a_limit_of_one_file_is_one_picture_s_fault(
    style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(style, tmp_path) as out, monkeypatch.context() as patch:
        patch.setattr(directory.os, "write", fail_with(errno.EFBIG))
        with pytest.raises(ImageError, match="its translation cannot be written: File too large"):
            out.write(job(tmp_path), b"result", STAMP)
        assert partial_files(tmp_path) == []


@pytest.mark.parametrize("name", ["a\0.png", "\ud800.png", "sub\0/a.png", "x" * 300 + "/a.png"])
def test_a_name_that_no_disk_takes_is_one_picture_s_fault(
    style: Style, tmp_path: Path, name: str
) -> None:
    wanted = Job(source="a.png", name=name, output=name)
    with opened(style, tmp_path) as out:
        assert not out.was_done_before(wanted)
        with pytest.raises(ImageError, match="its translation cannot be written"):
            out.write(wanted, b"result", STAMP)
        assert partial_files(tmp_path) == []


def test_a_folder_that_is_gone_is_named(style: Style, tmp_path: Path) -> None:
    with opened(style, tmp_path) as out:
        shutil.rmtree(tmp_path / "out")
        with pytest.raises(FolderError, match=r"OUT was removed, or its folder \.pmsgan was"):
            out.write(job(tmp_path), b"result", STAMP)


def test_a_journal_that_is_moved_away_is_noticed(style: Style, tmp_path: Path) -> None:
    with opened(style, tmp_path) as out:
        (tmp_path / "out" / ".pmsgan").rename(tmp_path / "out" / ".gone")
        out.write(job(tmp_path), b"result", STAMP)
        with pytest.raises(FolderError, match=r"OUT, or its folder \.pmsgan, was removed or moved"):
            out.save()
        with pytest.raises(ConfigError, match="was removed or moved during the run"):
            out.collect("run-000001")


def test_a_folder_that_is_moved_keeps_its_run(style: Style, tmp_path: Path) -> None:
    with opened(style, tmp_path) as out:
        (tmp_path / "out").rename(tmp_path / "moved")
        out.write(job(tmp_path), b"result", STAMP)
        with pytest.raises(
            FolderError,
            match=r"OUT, or its folder .*, was removed or moved "
            r"during",
        ):
            out.save()
    assert (tmp_path / "moved" / "a.png").read_bytes() == b"result"
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("kind", ["folder", "parent", "length"])
def test_a_name_that_cannot_be_had_is_one_picture_s_fault(
    style: Style, tmp_path: Path, kind: str
) -> None:
    with opened(style, tmp_path) as out:
        wanted = job(tmp_path)
        if kind == "folder":
            (tmp_path / "out" / "a.png").mkdir()
        elif kind == "parent":
            (tmp_path / "out" / "file").touch()
            wanted.output = "file/a.png"
        else:
            wanted.output = "x" * 300
        with pytest.raises(ImageError, match="its translation cannot be written"):
            out.write(wanted, b"result", STAMP)
        assert partial_files(tmp_path) == []


def test_the_space_that_is_needed_is_guessed_from_what_is_written(
    style: Style, tmp_path: Path
) -> None:
    with opened(style, tmp_path) as out:
        assert re.fullmatch(r"; free: [\d.]+ MB", out.space(5))
        out.write(job(tmp_path), b"1234" * 10**6, STAMP)
        out.write(job(tmp_path, "b.png"), b"12" * 10**6, STAMP)
        told = out.space(5)
        assert told.endswith(" MB, needed for the 5 pictures left: about 15.0 MB")


def test_a_torn_line_does_no_harm(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    path = tmp_path / "journal.jsonl"
    for name in ("a", "b"):
        journal = Journal(path, {})
        journal.add_done(name, STAMP, name, b"123456789")
        journal.close()
    whole = path.read_bytes()
    for length in range(len(whole) - 1, whole.index(b'{"name": "b"'), -7):
        path.write_bytes(whole[:length])
        journal = Journal(path, {})
        journal.add_done("c", STAMP, "c", b"123456789")
        journal.close()
        journal = Journal(path, {})
        assert journal.is_done("a", STAMP, "a", 9)
        assert journal.is_done("c", STAMP, "c", 9)
        assert not journal.is_done("a", STAMP, "a", 8)
        assert not journal.is_done("a", STAMP, "a", None)
        assert not journal.is_done("a", FileStamp(3, 2), "a", 9)
        assert journal.is_done("b", STAMP, "b", 9) == (length == len(whole) - 1)
        journal.close()
    assert "skipped 1 damaged lines" in caplog.text


def test_a_journal_whose_first_line_was_cut_off_starts_over(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for start in (b"", b'{"jour', b'{"journal": 2, "run_identity": {"style": "a"}'):
        path.write_bytes(start)
        journal = Journal(path, {"style": "a"})
        journal.add_done("c", STAMP, "c", b"123456789")
        journal.close()
        assert read_run_identity(path) == {"style": "a"}
        journal = Journal(path, {"style": "a"})
        assert journal.is_done("c", STAMP, "c", 9)
        journal.close()


def test_names_that_are_no_text_are_kept(tmp_path: Path) -> None:
    name = os.fsdecode(b"not \xff utf-8\n")
    for _ in range(2):
        journal = Journal(tmp_path / "journal.jsonl", {})
        journal.add_done(name, STAMP, name, b"123456789")
        assert not journal.is_done("other", STAMP, name, 9)
        journal.close()
    journal = Journal(tmp_path / "journal.jsonl", {})
    assert journal.is_done(name, STAMP, name, 9)
    journal.close()
    for line in (tmp_path / "journal.jsonl").read_text().splitlines():
        json.loads(line)


def test_a_journal_of_another_kind_belongs_to_nobody(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    assert read_run_identity(path) is None
    for text in ("", "[]\n", '{"journal": 2}\n', '{"journal": 1, "run_identity": {}}\n', "\xff\n"):
        path.write_text(text)
        assert read_run_identity(path) is None
    path.unlink()
    Journal(path, {"style": "a"}).close()
    assert read_run_identity(path) == {"style": "a"}
    assert journal_file.VERSION == 2
