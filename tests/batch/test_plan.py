import logging
import os
import re
import socket
from pathlib import Path
from typing import Any

import pictures
import pytest

from pmsgan.batch import plan as plan_module
from pmsgan.batch import run as run_module
from pmsgan.batch.files import local as local_module
from pmsgan.batch.files.local import LocalFolder
from pmsgan.batch.plan import Plan
from pmsgan.batch.plan import plan_folder as plan_folders
from pmsgan.batch.settings import Selection
from pmsgan.errors import ConfigError
from pmsgan.formats import HEIF_SUFFIXES, PICTURE_SUFFIXES


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def plan_folder(
    in_dir: Path, out_dir: Path, output_format: Any = "png", **patterns: tuple[str, ...]
) -> Plan:
    selection = Selection(**patterns)
    return plan_folders(LocalFolder(in_dir), LocalFolder(out_dir), output_format, selection)


def planned(in_dir: Path, out_dir: Path, **options: Any) -> dict[str, str]:
    plan = plan_folder(in_dir, out_dir, **options)
    jobs = list(plan.jobs())
    assert len(jobs) == plan.num_jobs
    assert all(Path(job.source) == in_dir / job.name for job in jobs)
    return {job.name: job.output for job in jobs}


def skipped(plan: Plan) -> dict[str, str]:
    return {entry.name: entry.reason for entry in plan.skipped}


def test_the_tree_is_mirrored_in_sorted_order(tmp_path: Path) -> None:
    in_dir = tmp_path / "in"
    touch(in_dir, "b.jpg", "a.PNG", "sub/deep/c.webp", "sub/b.bmp", "notes.txt")
    found = planned(in_dir, tmp_path / "out")
    assert found == {
        "a.PNG": "a.png",
        "b.jpg": "b.png",
        "sub/b.bmp": "sub/b.png",
        "sub/deep/c.webp": "sub/deep/c.png",
    }
    assert list(found) == ["a.PNG", "b.jpg", "sub/b.bmp", "sub/deep/c.webp"]


def test_same_keeps_the_formats_that_can_be_written(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpeg", "b.JPG", "c.webp", "d.png", "e.tif", "f.bmp")
    found = planned(tmp_path, tmp_path / "out", output_format="same")
    assert list(found.values()) == ["a.jpg", "b.jpg", "c.webp", "d.png", "e.png", "f.png"]


def test_names_that_would_collide_keep_their_suffix_and_that_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    in_dir = tmp_path / "in"
    touch(in_dir, "a.jpg", "a.png", "A.webp", "b.jpg", "x/a.jpg", "v1.2.png")
    assert planned(in_dir, tmp_path / "out") == {
        "A.webp": "A.webp.png",
        "a.jpg": "a.jpg.png",
        "a.png": "a.png.png",
        "b.jpg": "b.png",
        "v1.2.png": "v1.2.png",
        "x/a.jpg": "x/a.png",
    }
    run_module._announce(plan_folder(in_dir, tmp_path / "out"))
    assert caplog.text.count("3 results are named differently") == 1
    assert "A.webp becomes A.webp.png" in caplog.text


def test_outputs_stay_distinct_even_when_a_kept_suffix_meets_a_name(tmp_path: Path) -> None:
    in_dir = tmp_path / "in"
    touch(in_dir, "a.jpg", "a.png", "a.jpg.webp", "b.jpg", "b.webp", "b.jpg.png")
    assert planned(in_dir, tmp_path / "out") == {
        "a.jpg": "a.jpg.1.png",
        "a.jpg.webp": "a.jpg.png",
        "a.png": "a.png.png",
        "b.jpg": "b.jpg.1.png",
        "b.jpg.png": "b.jpg.png",
        "b.webp": "b.webp.png",
    }


@pytest.mark.parametrize(
    "pair", [("A", "a"), ("caf\u00e9", "cafe\u0301"), ("stra\u00dfe", "STRASSE")]
)
def test_names_that_some_disk_takes_for_one_are_numbered(
    tmp_path: Path, pair: tuple[str, str]
) -> None:
    first, second = sorted(pair)
    touch(tmp_path, f"{first}.jpg", f"{second}.jpg", f"{first} f/x.jpg", f"{second} f/x.jpg")
    assert planned(tmp_path, tmp_path / "out") == {
        f"{first}.jpg": f"{first}.jpg.png",
        f"{second}.jpg": f"{second}.jpg.1.png",
        f"{first} f/x.jpg": f"{first} f.1/x.png",
        f"{second} f/x.jpg": f"{second} f.2/x.png",
    }


def test_a_folder_called_like_a_result_has_its_name(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "a.png/b.jpg")
    assert planned(tmp_path, tmp_path / "out") == {
        "a.jpg": "a.jpg.png",
        "a.png/b.jpg": "a.png/b.png",
    }


def test_skipped_entries_have_a_reason(tmp_path: Path) -> None:
    in_dir = tmp_path / "in"
    touch(in_dir, "a.png", ".hidden.png", ".git/x.png", "notes.txt", "none", "thumbs/a.png")
    (in_dir / "loop").symlink_to(in_dir)
    (in_dir / "link.png").symlink_to(in_dir / "a.png")
    (in_dir / "dangling.png").symlink_to(tmp_path / "missing.png")
    os.mkfifo(in_dir / "pipe.png")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(in_dir / "socket.png"))
        plan = plan_folder(in_dir, tmp_path / "out", exclude=("thumbs",))
    assert [job.name for job in plan.jobs()] == ["a.png"]
    assert skipped(plan) == {
        ".hidden.png": "hidden",
        ".git": "hidden",
        "notes.txt": "not named like a picture",
        "none": "not named like a picture",
        "thumbs": "excluded",
        "loop": "linked",
        "link.png": "linked",
        "dangling.png": "linked",
        "pipe.png": "not a file",
        "socket.png": "not a file",
    }
    assert plan.num_skipped["linked"] == 3
    said = plan.list_reasons(plan.num_skipped)
    assert said.endswith("; 1 excluded, thumbs")
    assert re.search("3 linked, such as (loop|link.png|dangling.png);", said)


def test_pictures_that_are_not_read_are_counted_as_such_and_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_module, "PICTURE_SUFFIXES", PICTURE_SUFFIXES - HEIF_SUFFIXES)
    in_dir = tmp_path / "in"
    touch(in_dir, "a.png", "1.heic", "2.HEIC", "b.psd", "c.nef", "sub/d.jxl", "notes.txt", "empty")
    jpeg = pictures.encoded(pictures.photo(), "JPEG")
    for name in ("no suffix", "sub/wrong.txt", ".hidden"):
        (in_dir / name).write_bytes(jpeg)
    (in_dir / "layers.bin").write_bytes(b"8BPS\x00\x01" + bytes(20))
    (in_dir / "phone").write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")
    plan = plan_folder(in_dir, tmp_path / "out")
    assert [job.name for job in plan.jobs()] == ["a.png"]
    unread = {
        "in an unsupported format: .heic (pip install pillow-heif)": 3,
        "in an unsupported format: .psd": 1,
        "in an unsupported format: .nef": 1,
        "in an unsupported format: .jxl": 1,
        "in an unsupported format: Photoshop": 1,
        "JPEG by content, but not by name: rename it to .jpg": 2,
    }
    assert plan.num_unread == unread
    assert plan.num_skipped == {**unread, "not named like a picture": 2, "hidden": 1}
    run_module._announce(plan)
    (warning,) = (record for record in caplog.records if record.levelno == logging.WARNING)
    assert "3 in an unsupported format: .heic (pip install pillow-heif)" in warning.message
    assert "2 JPEG by content, but not by name: rename it to .jpg" in warning.message


def test_only_files_of_unknown_names_are_looked_into(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path, "a.jpg", "b.heic", "c.psd", "notes.txt", "locked")
    (tmp_path / "link").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    opened: list[str] = []
    real = os.open

    def watch(path: Any, *arguments: Any, **options: Any) -> int:
        opened.append(Path(path).name)
        if path.endswith("locked"):
            raise PermissionError(13, "Permission denied")
        return real(path, *arguments, **options)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        monkeypatch.setattr(local_module.os, "open", watch)
        plan = plan_folder(tmp_path, tmp_path / "out")
    assert sorted(opened) == ["locked", "notes.txt"]
    assert plan.num_skipped["not named like a picture"] == 4
    assert plan.num_skipped["linked"] == 1


def test_the_head_of_what_is_no_file_is_empty(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    (tmp_path / "file").write_bytes(b"12345")
    folder = LocalFolder(tmp_path)
    heads = {name: folder.head(folder.source(name), 4) for name in ("pipe", "zero", "file", ".")}
    assert heads == {"pipe": b"", "zero": b"", "file": b"1234", ".": b""}
    assert folder.head("/dev/zero", 4) == b""


def test_patterns_count_for_pictures_that_are_not_read(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "b.psd", "c.nef")
    out = tmp_path / "out"
    assert not plan_folder(tmp_path, out, include=("*.png",)).num_unread
    plan = plan_folder(tmp_path, out, exclude=("*.psd",))
    assert plan.num_unread == {"in an unsupported format: .nef": 1}
    assert plan.num_skipped["excluded"] == 1


def test_all_usual_suffixes_of_a_format_are_taken(tmp_path: Path) -> None:
    pytest.importorskip("pillow_heif")
    suffixes = {
        "jfif": "jpg", "jpe": "jpg", "jif": "jpg", "pjpeg": "jpg", "JPG": "jpg", "dib": "png",
        "apng": "png", "avif": "png", "gif": "png", "jp2": "png", "j2k": "png", "webp": "webp",
        "heic": "png", "heif": "png",
    }  # fmt: skip
    touch(tmp_path, *(f"{suffix}.{suffix}" for suffix in suffixes))
    found = planned(tmp_path, tmp_path / "out", output_format="same")
    assert found == {f"{name}.{name}": f"{name}.{kept}" for name, kept in suffixes.items()}


def test_patterns_match_from_the_end_of_the_path(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "b.png", "faces/c.jpg", "faces/old/d.jpg")
    out = tmp_path / "out"
    assert list(planned(tmp_path, out, include=("*.jpg",))) == [
        "a.jpg", "faces/c.jpg", "faces/old/d.jpg",
    ]  # fmt: skip
    assert list(planned(tmp_path, out, include=("faces/*.jpg", "b.*"))) == ["b.png", "faces/c.jpg"]
    assert list(planned(tmp_path, out, exclude=("faces/old", "*.png"))) == ["a.jpg", "faces/c.jpg"]
    with pytest.raises(ConfigError, match=r"holds no pictures .*4 not included"):
        plan_folder(tmp_path, out, include=("*.webp",))


def test_runs_with_other_patterns_do_not_write_each_other_s_results(tmp_path: Path) -> None:
    touch(tmp_path, "a.jpg", "a.png")
    for pattern, output in (("*.jpg", "a.jpg.png"), ("*.png", "a.png.png")):
        found = planned(tmp_path, tmp_path / "out", include=(pattern,))
        assert list(found.values()) == [output]


def test_a_folder_that_cannot_be_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path / "in", "a.png", "locked/b.png")
    real = os.scandir

    def refuse(path: Path) -> Any:
        if path.name == refused:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(local_module.os, "scandir", refuse)
    refused = "locked"
    plan = plan_folder(tmp_path / "in", tmp_path / "out")
    (folder,) = plan.unlisted
    assert (folder.name, folder.reason) == ("locked/", "cannot be listed: Permission denied")
    assert plan.num_jobs == 1
    refused = "in"
    with pytest.raises(ConfigError, match=r"cannot list the folder .*in: Permission denied"):
        plan_folder(tmp_path / "in", tmp_path / "out")


def test_out_inside_in_is_not_converted_again(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "out/a.png", "outside/b.png")
    assert list(planned(tmp_path, tmp_path / "out")) == ["a.png", "outside/b.png"]
    (tmp_path / "link").symlink_to(tmp_path / "out")
    assert list(planned(tmp_path, tmp_path / "link")) == ["a.png", "outside/b.png"]


def test_folders_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    in_dir = tmp_path / "in"
    with pytest.raises(ConfigError, match="is not a folder"):
        plan_folder(in_dir, tmp_path / "out")
    in_dir.mkdir()
    with pytest.raises(ConfigError, match="holds no pictures"):
        plan_folder(in_dir, tmp_path / "out")
    touch(in_dir, "a.png")
    (tmp_path / "link").symlink_to(in_dir)
    for same in (tmp_path / "x" / ".." / "in", tmp_path / "link"):
        with pytest.raises(ConfigError, match="OUT is the same folder as IN"):
            plan_folder(in_dir, same)
    with pytest.raises(ConfigError, match="lies inside OUT"):
        plan_folder(in_dir, tmp_path)


def test_many_entries_are_named_up_to_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_module, "MAX_NAMED", 3)
    touch(tmp_path, "a.png", *(f"{index}.txt" for index in range(5)))
    plan = plan_folder(tmp_path, tmp_path / "out")
    assert len(plan.skipped) == 3
    assert plan.num_skipped == {"not named like a picture": 5}
