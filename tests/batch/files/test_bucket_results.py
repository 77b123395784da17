"""Results in a bucket, one call at a time: what is kept, redone, removed and refused."""

import pickle
from datetime import datetime, timezone
from typing import Any

import pytest

from pmsgan.batch.files import bucket as bucket_module
from pmsgan.batch.files import bucket_output as output_module
from pmsgan.batch.files import store as store_module
from pmsgan.batch.files.bucket import BucketFolder
from pmsgan.batch.files.bucket_output import BucketOutput
from pmsgan.batch.files.open import is_folder, is_on_web, is_url
from pmsgan.batch.files.stamp import FileStamp, too_large
from pmsgan.batch.files.store import Store, Streak
from pmsgan.batch.job import Job
from pmsgan.errors import ConfigError, FolderError, ImageError

RUN = {"style": "tiny", "fit": "pad"}
STAMP = FileStamp(3, 1)
JOB = Job("a.jpg", "a.jpg", "sub/a.png")


@pytest.fixture
def folder(store: Any) -> BucketFolder:
    return BucketFolder("memory://bucket/out")


class Pictures:
    """IN, whose pictures have not changed."""

    def stamp(self, source: str) -> FileStamp:
        return STAMP


def opened(folder: BucketFolder, **options: bool) -> BucketOutput:
    options.setdefault("overwrite", False)
    out = folder.output(RUN, Pictures(), **options)  # type: ignore[arg-type]
    out.begin()
    return out


def written(folder: BucketFolder, data: bytes = b"result") -> None:
    with opened(folder) as out:
        out.write(JOB, data, STAMP)
        out.save()


def names(folder: BucketFolder, name: str) -> list[str]:
    return sorted(entry.name for entry in folder.list(name))


def test_what_is_done_is_known_while_it_is_as_it_was(folder: BucketFolder) -> None:
    written(folder)
    for verify in (False, True):
        with opened(folder, verify=verify) as out:
            assert out.was_done_before(JOB) is True
            assert out.was_done_before(Job("b", "b", "sub/a.png")) is False
    folder.store.write(JOB.output, b"RESULT")
    with opened(folder) as out:
        assert out.was_done_before(JOB) is True  # its size is the same
    with opened(folder, verify=True) as out:
        assert out.was_done_before(JOB) is False
    folder.store.write(JOB.output, b"longer than it was")
    with opened(folder) as out:
        assert out.was_done_before(JOB) is False
    folder.store.remove(JOB.output)
    with opened(folder) as out:
        assert out.was_done_before(JOB) is False


def test_what_somebody_has_changed_is_kept_once(folder: BucketFolder) -> None:
    written(folder)
    kept = ["a.png"]
    for number, change in enumerate((b"edited", b"again"), 1):
        folder.store.write(JOB.output, change)
        with opened(folder) as out:
            job = Job(JOB.source, JOB.name, JOB.output)
            out.write(job, b"result", STAMP)
            out.save()
        kept.append("a.png.bak" if number == 1 else f"a.png.bak{number}")
        assert job.note is not None and job.note.endswith(f"is kept as sub/{kept[-1]}")
        assert names(folder, "sub") == kept
        assert folder.read(f"sub/{kept[-1]}")[0] == change
    for overwrite, change in ((False, b"result"), (False, b"new"), (True, b"edited")):
        folder.store.write(JOB.output, change)
        with opened(folder, overwrite=overwrite) as out:
            out.write(JOB, b"new", STAMP)
            out.save()
        assert names(folder, "sub") == kept
        assert folder.read(JOB.output)[0] == b"new"


def test_a_part_begins_with_one_header(folder: BucketFolder) -> None:
    for overwrite in (True, False):
        with opened(folder, overwrite=overwrite) as out:
            out.write(JOB, b"result", STAMP)
            out.save()
        *_, last = names(folder, ".pmsgan/journal")
        header, line = folder.read(f".pmsgan/journal/{last}")[0].splitlines()
        assert header.startswith(b'{"journal": ')
        assert line.startswith(b'{"name": "a.jpg"')


def test_half_a_line_is_in_no_part_yet(folder: BucketFolder) -> None:
    with opened(folder) as out:
        with out._file.open("ab") as file:
            file.write(b'{"name": "a"}\n{"na')
        out.save()
        part = names(folder, ".pmsgan/journal")[-1]
        assert part.endswith("-000000.jsonl")
        assert folder.read(f".pmsgan/journal/{part}")[0].endswith(b'\n{"name": "a"}\n')
        with out._file.open("ab") as file:
            file.write(b'me": "b"}\n')
        out.save()
        part = names(folder, ".pmsgan/journal")[-1]
        assert part.endswith("-000001.jsonl")
        assert folder.read(f".pmsgan/journal/{part}")[0].endswith(b'}}\n{"name": "b"}\n')


def test_a_lack_of_room_for_temporary_files_is_told(folder: BucketFolder) -> None:
    with opened(folder) as out:
        out.write(JOB, b"result", STAMP)
        out._file.unlink()
        with pytest.raises(FolderError, match="cannot write to the folder for temporary files: No"):
            out.save()
    out.close()  # once more does nothing


def test_what_no_run_has_recorded_takes_no_request_to_look_at(
    folder: BucketFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(folder) as out:
        monkeypatch.setattr(Store, "read", lambda *arguments: pytest.fail("a request"))
        out.write(JOB, b"result", STAMP)
    with opened(folder, overwrite=True) as out:
        out.write(JOB, b"result", STAMP)
        out.write(JOB, b"result", STAMP)


def test_overwriting_forgets_our_parts_and_nothing_else(folder: BucketFolder) -> None:
    written(folder)
    folder.store.write(".pmsgan/journal/notes.txt", b"mine")
    folder.store.write(".pmsgan/journal/deep/0.jsonl", b"mine")
    folder.store.write(".pmsgan/tries/run-000001.worker", b"")
    with opened(folder) as out:
        assert out.was_done_before(JOB)
    assert names(folder, ".pmsgan/tries") == []
    with opened(folder, overwrite=True) as out:
        assert not out.was_done_before(JOB)
    assert names(folder, ".pmsgan/journal") == ["0.jsonl", "deep", "notes.txt"]


def test_a_bucket_of_somebody_else_is_left_alone(folder: BucketFolder) -> None:
    folder.store.write(".hidden", b"1")
    opened(folder).close()
    for entry in names(folder, ".pmsgan/journal"):
        folder.store.remove(f".pmsgan/journal/{entry}")
    folder.store.write("thesis.txt", b"1")
    with pytest.raises(ConfigError, match="holds files that no earlier run has recorded"):
        opened(folder)
    opened(folder, overwrite=True).close()
    opened(folder).close()


def test_a_part_is_written_when_it_is_due(
    folder: BucketFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(output_module.time, "monotonic", lambda: now[0])
    with opened(folder) as out:
        for seconds, parts in ((0.5, 1), (0.5, 2), (0.5, 2), (0.5, 3), (98.0, 4), (1.5, 4), (2, 5)):
            now[0] += seconds
            out.note_failure(Job("", f"{now[0]}", ""), "why")
            assert len(names(folder, ".pmsgan/journal")) == parts, now[0]
    with opened(folder) as out:
        assert out.space(5) == ""


def test_many_refusals_in_a_row_end_the_run(
    folder: BucketFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "LONGEST_STREAK", 3)
    real, refused = Store.write, [True]

    def write(store: Store, name: str, data: bytes) -> None:
        if refused[0] and name.endswith("a.png"):
            raise PermissionError("access denied")
        real(store, name, data)

    with opened(folder) as out:
        monkeypatch.setattr(Store, "write", write)
        for is_refused in (True, True, False, True, True):
            refused[0] = is_refused
            if not is_refused:
                out.write(JOB, b"result", STAMP)
                continue
            with pytest.raises(ImageError, match="cannot be written: access denied"):
                out.write(JOB, b"result", STAMP)
        with pytest.raises(FolderError, match="OUT can no longer be written: access denied"):
            out.write(JOB, b"result", STAMP)


def test_a_store_leaves_its_connection_behind(folder: BucketFolder) -> None:
    folder.list("")
    again = pickle.loads(pickle.dumps(folder.store))
    assert again == folder.store
    assert vars(again) == {"url": folder.store.url}


def test_a_streak_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "LONGEST_STREAK", 2)
    streak = Streak()
    for _ in range(3):
        streak.count("why")
        streak.end()
    streak.count("why")
    with pytest.raises(FolderError, match="why"):
        streak.count("why")


def test_reading_refuses_what_is_too_large_and_counts_anew_after_a_success(
    folder: BucketFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_module, "LONGEST_STREAK", 2)
    monkeypatch.setattr(bucket_module, "MAX_FILE_BYTES", 4)
    folder.store.write("a.png", b"1234")
    folder.store.write("b.png", b"12345")
    folder.store.write("c.png", b"")
    with pytest.raises(ImageError, match="is too large"):
        folder.read("b.png")
    with pytest.raises(ImageError, match="is empty"):
        folder.read("c.png")
    real = Store.stamp

    def stamp(store: Store, name: str) -> FileStamp:
        if name == "refused":
            raise OSError("the network is down")
        return real(store, name)

    monkeypatch.setattr(Store, "stamp", stamp)
    for _ in range(3):
        with pytest.raises(ImageError, match="cannot be read: the network is down"):
            folder.read("refused")
        assert folder.read("a.png")[0] == b"1234"
    with pytest.raises(ImageError):
        folder.read("refused")
    with pytest.raises(FolderError, match="IN can no longer be read: the network is down"):
        folder.read("refused")
    assert too_large(3 << 20) == "is too large: 3 MiB, at most 512 MiB are read"
    assert folder.head("a.png", 2) == b""
    assert not folder.includes_everything


@pytest.mark.parametrize(
    ("info", "mtime_ns"),
    [
        ({}, 0),
        ({"created": 2}, 2_000_000_000),
        ({"mtime": 2.5, "created": 1}, 2_500_000_000),
        ({"LastModified": datetime(1970, 1, 1, 0, 0, 3, 250, timezone.utc)}, 3_000_250_000),
        ({"last_modified": "1970-01-01T00:00:04+00:00", "mtime": None}, 4_000_000_000),
    ],
)
def test_a_store_says_in_its_way_when_a_file_was_written(
    folder: BucketFolder, store: Any, monkeypatch: pytest.MonkeyPatch, info: Any, mtime_ns: int
) -> None:
    monkeypatch.setattr(type(store), "info", lambda *arguments: {"size": "7"} | info)
    assert folder.stamp("a.png") == FileStamp(7, mtime_ns)


def test_entries_of_a_store_are_files_folders_or_neither(folder: BucketFolder) -> None:
    for name in ("a.png", "sub/b.png"):
        folder.store.write(name, b"1")
    kinds = {it.name: (it.is_file(), it.is_dir(), it.is_symlink()) for it in folder.list("")}
    assert kinds == {"a.png": (True, False, False), "sub": (False, True, False)}
    assert list(folder.parents()) == ["memory://bucket"]
    assert folder.identity("a") == "memory://bucket/out/a"


@pytest.mark.parametrize(
    ("place", "url", "web"),
    [
        ("s3://a", True, False), ("http://a", False, True), ("HTTPS://a", False, True),
        ("nowhere", False, False), ("https", False, False),
    ],
)  # fmt: skip
def test_a_url_is_no_page(place: str, url: bool, web: bool) -> None:
    assert (is_url(place), is_on_web(place), is_folder(place)) == (url, web, url)


def test_a_path_may_be_a_folder(tmp_path: Any) -> None:
    assert is_folder(str(tmp_path))


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_no_run_has_recorded_is_kept(folder: BucketFolder, overwrite: bool) -> None:
    written(folder)
    folder.store.write("b.png", b"somebody's")
    job = Job("b.jpg", "b.jpg", "b.png")
    with opened(folder, overwrite=overwrite) as out:
        out.write(job, b"result", STAMP)
    assert folder.store.read("b.png") == b"result"
    assert ("b.png.bak" in names(folder, "")) is not overwrite
    if not overwrite:
        assert folder.store.read("b.png.bak") == b"somebody's"
        assert job.note == "its previous result had been edited, and is kept as b.png.bak"


def test_an_empty_out_takes_no_request_for_each_new_name(
    folder: BucketFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(folder) as out:
        assert out.was_empty
        monkeypatch.setattr(Store, "stamp", None)
        out.write(JOB, b"result", STAMP)
        out.save()
    monkeypatch.undo()
    with opened(folder) as out:
        assert not out.was_empty


def test_a_file_that_is_too_large_to_be_kept_stays(
    folder: BucketFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(folder)
    folder.store.write("b.png", b"x" * 2000)
    monkeypatch.setattr(output_module, "MAX_FILE_BYTES", 1000)
    job = Job("b.jpg", "b.jpg", "b.png")
    with opened(folder) as out, pytest.raises(ImageError, match=r"b\.png in OUT.*is too large"):
        out.write(job, b"result", STAMP)
    assert folder.store.read("b.png") == b"x" * 2000


def test_a_result_of_many_gigabytes_is_not_read_to_verify_it(
    folder: BucketFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(folder, b"x" * 2000)
    with opened(folder, verify=True) as out:
        assert out.was_done_before(JOB) is True
        monkeypatch.setattr(output_module, "MAX_FILE_BYTES", 1000)
        monkeypatch.setattr(Store, "read", None)
        assert out.was_done_before(JOB) is False


def test_a_part_of_many_gigabytes_is_not_read(
    folder: BucketFolder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    written(folder)
    folder.store.write(".pmsgan/journal/1.jsonl", b"{}\n" * 1000)
    monkeypatch.setattr(output_module, "MAX_FILE_BYTES", 2000)
    read: list[str] = []
    real = Store.read

    def noted(store: Store, name: str) -> bytes:
        read.append(name)
        return real(store, name)

    monkeypatch.setattr(Store, "read", noted)
    with opened(folder) as out:
        assert out.journal.known([JOB.name])
    assert ".pmsgan/journal/1.jsonl" not in read
    assert "1.jsonl of the journal in OUT is left out: it is too large" in caplog.text
    with opened(folder, overwrite=True):
        pass
    assert names(folder, ".pmsgan/journal") == ["0.jsonl"]
