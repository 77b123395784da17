"""OUT may hold what somebody has planted there: links, pipes, and files that are not ours."""

import contextlib
import os
import shutil
import threading
from pathlib import Path

import pytest
from outputs import begun, locked

from pmsgan.atomic import write_whole
from pmsgan.batch.files.stamp import FileStamp
from pmsgan.batch.job import Job
from pmsgan.batch.report.write import free_report_path
from pmsgan.directory import Directory
from pmsgan.errors import ConfigError, ImageError
from pmsgan.styles.registry import Style

STAMP = FileStamp(3, 1)


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder that is none of our business."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    for name in ("precious", "7", "x-000001.jsonl"):
        (folder / name).write_text("precious")
    return folder


def untouched(elsewhere: Path) -> bool:
    return {it.name: it.read_text() for it in elsewhere.iterdir()} == dict.fromkeys(
        ("precious", "7", "x-000001.jsonl"), "precious"
    )


def job(name: str) -> Job:
    return Job(source=f"/in/{name}", name=name, output=name)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize(
    ("place", "leads_to"),
    [
        (".pmsgan", "."),
        (".pmsgan/partial", "."),
        (".pmsgan/shards", "."),
        (".pmsgan/lock", "precious"),
        (".pmsgan/journal.jsonl", "precious"),
    ],
)
def test_a_link_in_a_place_of_ours_is_refused(
    style: Style, tmp_path: Path, elsewhere: Path, place: str, leads_to: str, overwrite: bool
) -> None:
    link = tmp_path / "out" / place
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere / leads_to)
    if overwrite and place.endswith("journal.jsonl"):  # the link is removed, not what it leads to
        begun(tmp_path / "out", style, overwrite=True).close()
    else:
        with pytest.raises(ConfigError, match="is a link, which pmsgan never creates: remove it"):
            begun(tmp_path / "out", style, overwrite=overwrite)
    assert untouched(elsewhere)


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("place", ["journal.jsonl", "lock"])
def test_a_pipe_in_a_place_of_ours_hangs_nothing(
    style: Style, tmp_path: Path, place: str, overwrite: bool
) -> None:
    own = tmp_path / "out" / ".pmsgan"
    own.mkdir(parents=True)
    os.mkfifo(own / place)
    if overwrite and place == "journal.jsonl":
        begun(tmp_path / "out", style, overwrite=True).close()
    else:
        with pytest.raises(ConfigError, match=f"cannot write to .*: {place} is not a file"):
            begun(tmp_path / "out", style, overwrite=overwrite)


def test_a_folder_in_the_place_of_the_journal_is_refused(style: Style, tmp_path: Path) -> None:
    (tmp_path / "out" / ".pmsgan" / "journal.jsonl").mkdir(parents=True)
    with pytest.raises(ConfigError, match=r"is not a file|Is a directory"):
        begun(tmp_path / "out", style)


def test_a_folder_that_becomes_a_link_is_not_followed(
    style: Style, tmp_path: Path, elsewhere: Path
) -> None:
    out = tmp_path / "out"
    with begun(out, style) as output:
        output.write(job("sub/deep/a.png"), b"result", STAMP)
        (out / "sub" / "deep").rename(out / "old")
        (out / "sub" / "deep").symlink_to(elsewhere)
        with pytest.raises(ImageError, match="a folder in OUT is a link"):
            output.write(job("sub/deep/precious"), b"result", STAMP)
        (out / "sub").rename(out / "older")
        (out / "sub").symlink_to(elsewhere.parent)
        with pytest.raises(ImageError, match="a folder in OUT is a link"):
            output.write(job("sub/elsewhere/precious"), b"result", STAMP)
        assert untouched(elsewhere)
        assert not list((out / ".pmsgan" / "partial").iterdir())


def test_our_folder_may_become_a_link_while_a_run_works(
    style: Style, tmp_path: Path, elsewhere: Path
) -> None:
    out = tmp_path / "out"
    with begun(out, style) as output:
        (out / ".pmsgan" / "partial").rename(out / "old")
        (out / ".pmsgan" / "partial").symlink_to(elsewhere)
        (out / ".pmsgan" / "shards").symlink_to(elsewhere)
        for index in range(9):
            output.write(job(f"{index}.png"), b"result", STAMP)
    assert (out / "8.png").read_bytes() == b"result"
    assert untouched(elsewhere)


def test_nothing_is_removed_but_what_has_a_name_of_ours(style: Style, tmp_path: Path) -> None:
    own = tmp_path / "out" / ".pmsgan"
    mine = [
        own / "notes.txt", own / "shards" / "mine.txt", own / "partial" / "mine.txt",
        own / "partial" / "run-0a1b2c3d" / "mine.txt", own / "partial" / "mine" / "7",
    ]  # fmt: skip
    ours = [
        own / "shards" / "run-000001.worker.jsonl", own / "partial" / "7",
        own / "partial" / "run-0a1b2c3d" / "7", own / "partial" / "run-0b1b2c3d" / "8",
    ]  # fmt: skip
    for path in (*mine, *ours):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    begun(tmp_path / "out", style, overwrite=True).close()
    assert all(path.exists() for path in mine)
    assert not any(path.exists() for path in ours)
    assert not (own / "partial" / "run-0b1b2c3d").exists()


@pytest.mark.parametrize("place", [".out.json.part", "out.json"])
def test_a_planted_link_is_replaced_and_not_followed(
    tmp_path: Path, elsewhere: Path, place: str
) -> None:
    (tmp_path / place).symlink_to(elsewhere / "precious")
    write_whole(tmp_path / "out.json", b"report")
    assert (tmp_path / "out.json").read_bytes() == b"report"
    assert not (tmp_path / "out.json").is_symlink()
    assert untouched(elsewhere)


def test_a_report_takes_nobody_s_place(tmp_path: Path) -> None:
    assert free_report_path(tmp_path) == tmp_path / "report.json"
    (tmp_path / "report.json").write_text('{\n  "kind": "conversion",\n  "pmsgan": "0.1.0"')
    assert free_report_path(tmp_path) == tmp_path / "report.json"
    (tmp_path / "report.html").write_text("my thesis")
    assert free_report_path(tmp_path) == tmp_path / "pmsgan-report.json"
    os.mkfifo(tmp_path / "pmsgan-report.json")
    (tmp_path / "pmsgan-report-2.json").mkdir()
    (tmp_path / "pmsgan-report-3.html").symlink_to(tmp_path / "nowhere")
    assert free_report_path(tmp_path) == tmp_path / "pmsgan-report-4.json"


def test_where_a_system_has_no_handles_links_are_refused_as_well(
    style: Style, tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("pmsgan.directory", "pmsgan.batch.files.lock"):
        monkeypatch.setattr(f"{module}.HAS_HANDLES", False)
    out = tmp_path / "out"
    with begun(out, style) as output:
        output.write(job("sub/a.png"), b"result", STAMP, keep_date=True)
        with pytest.raises(ConfigError, match="another run is converting to"):
            locked(out, style)
        (out / "sub").rename(out / "old")
        (out / "sub").symlink_to(elsewhere)
        with pytest.raises(ImageError, match="a folder in OUT is a link"):
            output.write(job("sub/precious"), b"result", STAMP)
        output.save()
    assert (out / "old" / "a.png").read_bytes() == b"result"
    (out / ".pmsgan" / "journal.jsonl").rename(out / "old" / "journal")
    (out / ".pmsgan" / "journal.jsonl").symlink_to(elsewhere / "precious")
    with pytest.raises(ConfigError, match="is a link, which pmsgan never creates: remove it"):
        begun(out, style)
    assert untouched(elsewhere)


@pytest.mark.parametrize("has_handles", [True, False])
@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "/etc", "../out"])
def test_a_name_leads_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, has_handles: bool
) -> None:
    if not has_handles:
        monkeypatch.setattr("pmsgan.directory.HAS_HANDLES", False)
    (tmp_path / "a").mkdir()
    with Directory(tmp_path) as folder:
        for call in (folder.lstat, folder.remove, lambda name: folder.write_new(name, b"1")):
            with pytest.raises(OSError, match="is not a file name"):
                call(name)
        with pytest.raises(OSError, match="is not a file name"):
            folder.folder("a").folder("..")
    assert list((tmp_path / "a").iterdir()) == []


def test_a_folder_says_whether_it_is_where_it_was(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    with Directory(tmp_path / "a") as folder:
        assert folder.is_there()
        (tmp_path / "a").rename(tmp_path / "b")
        (tmp_path / "a").mkdir()
        assert not folder.is_there()
        folder.write_new("file", b"1")
    assert (tmp_path / "b" / "file").read_bytes() == b"1"
    with pytest.raises(OSError, match="is closed"):
        folder.lstat("file")


@pytest.mark.parametrize("times", [200, pytest.param(20_000, marks=pytest.mark.soak)])
def test_a_folder_that_flickers_between_folder_and_link_is_never_followed(
    style: Style, tmp_path: Path, elsewhere: Path, times: int
) -> None:
    out, ended = tmp_path / "out", threading.Event()

    def flicker() -> None:
        while not ended.is_set():
            (out / "link").symlink_to(elsewhere)
            for name in ("sub", "sub/deep"):
                with contextlib.suppress(OSError):
                    (out / name).rename(out / "aside")
                    (out / "link").rename(out / name)
                    (out / name).unlink()
                    (out / "aside").rename(out / name)
                shutil.rmtree(out / "aside", ignore_errors=True)
                if not (out / "link").is_symlink():
                    (out / "link").symlink_to(elsewhere)
            (out / "link").unlink()

    num_written = 0
    with begun(out, style) as output:
        thread = threading.Thread(target=flicker)
        thread.start()
        try:
            for index in range(times):
                name = "precious" if index % 2 else str(index)
                with contextlib.suppress(ImageError):
                    output.write(job(f"sub/deep/{name}"), b"result", STAMP)
                    num_written += 1
        finally:
            ended.set()
            thread.join()
    assert num_written
    assert untouched(elsewhere)
