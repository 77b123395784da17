"""OUT on a disk, without a style: what it takes, collects, removes and refuses."""

import logging
from pathlib import Path
from typing import Any

import pytest

from pmsgan.batch.files.journal import Journal
from pmsgan.batch.files.local import LocalFolder
from pmsgan.batch.files.local_output import LocalOutput
from pmsgan.batch.files.stamp import FileStamp
from pmsgan.batch.job import Job
from pmsgan.errors import ConfigError, FolderError

RUN = {"style": "tiny", "fit": "pad"}
STAMP = FileStamp(3, 1)


class Pictures:
    """IN, whose pictures have not changed."""

    def stamp(self, source: str) -> FileStamp:
        return STAMP


def opened(folder: Path, **options: bool) -> LocalOutput:
    options.setdefault("overwrite", False)
    return LocalFolder(folder).output(RUN, Pictures(), **options)  # type: ignore[arg-type]


def begun(folder: Path, **options: bool) -> LocalOutput:
    out = opened(folder, **options)
    out.begin()
    return out


def job(name: str) -> Job:
    return Job(name, name, f"{name}.png")


def shard(folder: Path, name: str, picture: str, run: dict[str, Any] = RUN) -> Path:
    """Leave the journal of a worker that has done a picture."""
    path = folder / ".pmsgan" / "shards" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    journal = Journal(path, run)
    journal.add_done(picture, STAMP, f"{picture}.png", b"result")
    journal.close()
    (folder / f"{picture}.png").write_bytes(b"result")
    return path


def test_journals_of_workers_are_collected(tmp_path: Path) -> None:
    old = shard(tmp_path, "run-000001.worker.jsonl", "a")
    with begun(tmp_path) as out:
        assert out.was_done_before(job("a")) is True
        assert not old.exists()
        first = shard(tmp_path, "new-000001.worker.jsonl", "b")
        other = shard(tmp_path, "new-0000011.jsonl", "c")
        second = shard(tmp_path, "new-000002.worker.jsonl", "d")
        out.collect("new-000001")
        assert [it.exists() for it in (first, other, second)] == [False, True, True]
        assert [out.was_done_before(job(it)) for it in "bcd"] == [True, False, False]
        other.unlink()
        second.unlink()
    with begun(tmp_path) as out:
        assert [out.was_done_before(job(it)) for it in "abcd"] == [True, True, False, False]
    assert sorted(it.name for it in (tmp_path / ".pmsgan").iterdir()) == ["journal.jsonl", "lock"]


def test_overwriting_forgets_journals_and_nothing_else(tmp_path: Path) -> None:
    with begun(tmp_path) as out:
        out.write(job("a"), b"result", STAMP)
    left = shard(tmp_path, "run-000001.worker.jsonl", "b")
    notes = left.with_name("notes.txt")
    notes.write_text("mine")
    with begun(tmp_path, overwrite=True) as out:
        assert not out.was_done_before(job("a"))
        assert not out.was_done_before(job("b"))
    assert not left.exists()
    assert notes.read_text() == "mine"


def test_shards_of_other_settings_are_not_mixed_with_ours(tmp_path: Path) -> None:
    shard(tmp_path, "run-000001.worker.jsonl", "a", RUN | {"fit": "crop"})
    with pytest.raises(ConfigError, match="holds results made with fit crop, not pad"):
        opened(tmp_path)
    opened(tmp_path, overwrite=True).close()


def test_files_of_others_are_left_alone(tmp_path: Path) -> None:
    for name in (".hidden", "report.json"):
        (tmp_path / name).write_text("1")
        opened(tmp_path).close()  # it has recorded nothing
    (tmp_path / "thesis.txt").write_text("1")
    for _ in range(2):
        with pytest.raises(ConfigError, match="holds files that no earlier run has recorded"):
            opened(tmp_path)
    begun(tmp_path, overwrite=True).close()
    opened(tmp_path).close()


def test_what_was_being_written_is_removed_and_nothing_else(tmp_path: Path) -> None:
    partial = tmp_path / ".pmsgan" / "partial"
    worker, other = partial / "run-host-1-0123abcd", partial / "deep"
    for folder in (worker, other):
        folder.mkdir(parents=True)
    ours = [partial / "0", partial / "12", worker / "7"]
    theirs = [partial / "1.txt", other / "7"]
    for path in (*ours, *theirs):
        path.write_text("1")
    opened(tmp_path).close()
    assert not any(path.exists() for path in (*ours, worker))
    assert all(path.exists() for path in theirs)
    (worker / "deep").mkdir(parents=True)
    opened(tmp_path).close()
    assert (worker / "deep").exists()


def test_a_folder_is_one_run_s(tmp_path: Path) -> None:
    with opened(tmp_path / "new" / "out") as out:
        assert isinstance(out, LocalOutput)
        for overwrite in (False, True):
            with pytest.raises(ConfigError, match="another run is converting to"):
                opened(tmp_path / "new" / "out", overwrite=overwrite)
    out.close()
    opened(tmp_path / "new" / "out").close()


@pytest.mark.parametrize("moved", ["out", "out/.pmsgan"])
def test_a_folder_that_was_moved_is_said_when_it_is_saved(tmp_path: Path, moved: str) -> None:
    with begun(tmp_path / "out") as out:
        out.save()
        (tmp_path / moved).rename(tmp_path / "aside")
        (tmp_path / moved).mkdir(parents=True)
        with pytest.raises(FolderError, match=r"OUT, or its folder \.pmsgan, was removed or moved"):
            out.save()
    if moved == "out/.pmsgan":
        with begun(tmp_path / "out") as out:
            (tmp_path / moved).rename(tmp_path / "gone")
            with pytest.raises(ConfigError, match="was removed or moved during the run"):
                out.collect("run-000001")


def test_a_journal_that_was_removed_is_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    with begun(tmp_path) as out:
        out.write(job("a"), b"result", STAMP)
        out.save()
        assert caplog.text == ""
        (tmp_path / ".pmsgan" / "journal.jsonl").unlink()
        out.save()
    assert "the journal in OUT has been removed: writing it again" in caplog.text
    with begun(tmp_path) as out:
        assert out.was_done_before(job("a"))


def test_room_is_described_by_what_was_written(tmp_path: Path) -> None:
    with begun(tmp_path) as out:
        assert out.space(1).endswith(" MB")
        assert "needed" not in out.space(1)
        for name in "ab":
            out.write(job(name), bytes(10**6), STAMP)
        assert out.space(1).endswith(", needed for the 1 picture left: about 1.0 MB")
        assert (out.num_written, out.bytes_written) == (2, 2 * 10**6)
