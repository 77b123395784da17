"""The journal of a bucket, which is written in parts."""

import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from outputs import DISK

from pmsgan.batch.files import bucket_output as output_module
from pmsgan.batch.files.bucket import BucketFolder
from pmsgan.batch.files.bucket_output import BucketOutput
from pmsgan.batch.files.stamp import FileStamp
from pmsgan.batch.job import Job
from pmsgan.errors import ConfigError, FolderError, ImageError

OURS = {"style": "tiny", "fit": "stretch"}
STAMP = FileStamp(3, 1)


@pytest.fixture
def folder(store: Any) -> BucketFolder:
    return BucketFolder("memory://bucket/out")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(output_module.time, "monotonic", lambda: now[0])
    return now


def begun(folder: BucketFolder, **changed: str) -> BucketOutput:
    out = folder.output(OURS | changed, DISK, overwrite=False)
    try:
        out.begin()
    except ConfigError:
        out.close()
        raise
    return out


def job(number: int) -> Job:
    return Job(f"/in/{number}.png", f"{number}.png", f"{number}.png")


def parts(folder: BucketFolder) -> list[int]:
    """Return how many pictures each part records, but for the one that says whose OUT it is."""
    names = sorted(entry.name for entry in folder.list(".pmsgan/journal"))
    texts = [folder.store.read(f".pmsgan/journal/{name}") for name in names if name != "0.jsonl"]
    return [len(text.splitlines()) - 1 for text in texts]


def test_parts_are_seldom_and_lose_little(folder: BucketFolder, clock: list[float]) -> None:
    with begun(folder) as out:
        for number in range(4000):
            clock[0] = number / 10  # 400 s in all
            out.write(job(number), b"result", STAMP)
        written = parts(folder)
        assert sum(written) >= 0.97 * 4000
        assert max(written) <= 1 + 0.02 * 4000
        assert len(written) < 50 + 110  # each second at first, then each 2 % of the time
        out.save()
        assert sum(parts(folder)) == 4000
    with begun(folder) as out:
        known = out.journal.known(f"{number}.png" for number in range(5000))
    assert len(known) == 4000


def test_nothing_new_is_no_part(folder: BucketFolder) -> None:
    with begun(folder) as out:
        out.save()
        out.write(job(0), b"result", STAMP)
        out.note_failure(job(1), "is damaged")
        out.save()
        out.save()
        assert parts(folder) == [2]
    with begun(folder) as out:
        assert len(out.journal.known(["0.png", "1.png"])) == 1
        out.save()
    assert parts(folder) == [2]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_the_journal_s_own_file_is_closed(folder: BucketFolder) -> None:
    out = begun(folder)
    scratch = out._scratch.name

    def opened() -> list[str]:
        found = [os.path.realpath(it) for it in Path("/proc/self/fd").iterdir()]
        return [path for path in found if path.startswith(scratch)]

    assert len(opened()) == 1
    out.close()
    assert opened() == []
    out.close()


def test_parts_of_other_settings_are_not_mixed_with_ours(folder: BucketFolder) -> None:
    with begun(folder) as out:
        out.write(job(0), b"result", STAMP)
        out.save()
    with pytest.raises(ConfigError, match="holds results made with fit stretch, not pad"):
        begun(folder, fit="pad")


def test_a_journal_that_cannot_be_written_is_told(
    folder: BucketFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError("the network is down")

    with begun(folder) as out:
        out.write(job(0), b"result", STAMP)
        with monkeypatch.context() as patch:
            patch.setattr(type(out.store), "write", refuse)
            with pytest.raises(FolderError, match="cannot write the journal to OUT: the network"):
                out.save()
        out.save()  # and nothing is lost where it works again
        assert parts(folder) == [1]


def test_a_store_that_hangs_does_not_hold_up_the_end(
    folder: BucketFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    freed = threading.Event()
    monkeypatch.setattr(output_module, "SAVE_TIMEOUT_S", 0.1)
    with begun(folder) as out:
        out.write(job(0), b"result", STAMP)
        with monkeypatch.context() as patch:
            patch.setattr(type(out.store), "write", lambda *arguments: freed.wait(30))
            with pytest.raises(FolderError, match="no answer within 0 s"):
                out.save()
            freed.set()


def test_a_name_that_is_no_text_is_one_picture_s_fault(folder: BucketFolder) -> None:
    named = Job("/in/b", "b", os.fsdecode(b"b\xff.png"))
    with begun(folder) as out, pytest.raises(ImageError, match="its name is not valid UTF-8"):
        out.write(named, b"result", STAMP)


def test_a_journal_that_cannot_be_read_is_told_before_an_engine_is_opened(
    folder: BucketFolder,
) -> None:
    folder.store.write(".pmsgan/journal/0.jsonl", b'{"journal": 1, "belongs_to": {}}\n')
    with pytest.raises(
        ConfigError, match="the journal of another version of pmsgan with 0 results"
    ):
        folder.output(OURS, DISK, overwrite=False)
    with folder.output(OURS, DISK, overwrite=True) as out:
        out.begin()


def test_parts_are_in_the_order_of_time_in_any_time_zone(
    folder: BucketFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for zone in ("UTC", "America/Los_Angeles"):
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        with begun(folder) as out:
            out.write(job(0), zone.encode(), FileStamp(len(zone), 1))
            out.save()
            time.sleep(1.1)  # the names have seconds
    with begun(folder) as out:
        assert out.journal.is_done("0.png", FileStamp(len(zone), 1), "0.png", len(zone))
    monkeypatch.undo()
    time.tzset()
