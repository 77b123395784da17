"""Folders that are URLs."""

import pickle
import sys
from pathlib import Path
from typing import Any

import pytest

from pmsgan.batch.files.bucket import BucketFolder
from pmsgan.batch.files.local import LocalFolder
from pmsgan.batch.files.open import open_folder
from pmsgan.batch.plan import plan_folder
from pmsgan.batch.settings import Selection
from pmsgan.errors import ConfigError, ImageError

fsspec = pytest.importorskip("fsspec")


def test_places_are_paths_or_urls(tmp_path: Path) -> None:
    assert open_folder("pictures") == LocalFolder(Path("pictures"))
    assert open_folder(f"file://{tmp_path}").path == tmp_path
    assert open_folder("a:b").path == Path("a:b")
    bucket = open_folder("memory://bucket/in/")
    assert (bucket.path, str(bucket)) == (None, "memory://bucket/in")


def test_urls_that_nothing_is_known_of_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        ConfigError, match="URLs with foo:// are not supported; give a folder, or s3"
    ):
        open_folder("foo://bucket")
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(ConfigError, match=r"needs fsspec: .*pip install s3fs"):
        open_folder("s3://bucket")


def test_a_plan_of_a_url_is_that_of_a_folder(store: Any, tmp_path: Path) -> None:
    names = ["a.jpg", "a.png", "b/c.webp", "b/.hidden.png", "b/notes.txt", "b/d/e.bmp", "x/f.png"]
    for name in names:
        store.pipe_file(f"/bucket/in/{name}", b"x")
        path = tmp_path / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    out, selection = open_folder(tmp_path / "out"), Selection(exclude=("x",))
    there = plan_folder(open_folder("memory://bucket/in"), out, selection=selection)
    here = plan_folder(open_folder(tmp_path / "in"), out, selection=selection)
    named = [(job.name, job.output) for job in there.jobs()]
    assert named == [(job.name, job.output) for job in here.jobs()]
    assert ("a.jpg", "a.jpg.png") in named
    assert there.num_skipped == here.num_skipped


def test_out_inside_in_is_not_converted_again(store: Any) -> None:
    store.pipe_file("/bucket/a.png", b"x")
    store.pipe_file("/bucket/out/a.png", b"x")
    bucket = open_folder("memory://bucket")
    plan = plan_folder(bucket, open_folder("memory://bucket/out"))
    assert [job.name for job in plan.jobs()] == ["a.png"]
    with pytest.raises(ConfigError, match="OUT is the same folder as IN"):
        plan_folder(bucket, open_folder("memory://bucket/"))
    with pytest.raises(ConfigError, match=r"IN \(memory://bucket/out\) lies inside OUT"):
        plan_folder(open_folder("memory://bucket/out"), bucket)
    with pytest.raises(ConfigError, match="memory:// names no bucket"):
        open_folder("memory://")
    with pytest.raises(ConfigError, match="memory://nothing holds no pictures"):
        plan_folder(open_folder("memory://nothing"), open_folder("memory://out"))


def test_files_are_read_written_and_told_apart(store: Any) -> None:
    folder = pickle.loads(pickle.dumps(BucketFolder("memory://bucket")))
    folder.store.write("a/b.png", b"one")
    data, stamp = folder.read("a/b.png")
    assert (data, stamp.size) == (b"one", 3)
    assert folder.stamp("a/b.png") == stamp
    folder.store.write("a/b.png", b"two")
    assert folder.stamp("a/b.png") != stamp
    assert [(entry.name, entry.is_dir()) for entry in folder.list("")] == [("a", True)]
    folder.store.remove("a/b.png")
    with pytest.raises(ImageError, match="cannot be read: does not exist"):
        folder.read("a/b.png")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError("Forbidden: long words"), "cannot be read: access denied"),
        (RuntimeError("the network is down\nmore"), "cannot be read: the network is down"),
        (RuntimeError(), "cannot be read: RuntimeError"),
        (RuntimeError("no" * 10**6), f"cannot be read: {'no' * 250}"),
    ],
)
def test_whatever_a_store_raises_is_one_line(
    store: Any, monkeypatch: pytest.MonkeyPatch, error: Exception, told: str
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise error

    folder = BucketFolder("memory://bucket")
    folder.store.write("a.png", b"one")
    monkeypatch.setattr(type(store), "cat_file", fail)
    with pytest.raises(ImageError) as caught:
        folder.read("a.png")
    assert str(caught.value) == told


def test_empty_and_changing_pictures_are_refused(
    store: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = BucketFolder("memory://bucket")
    folder.store.write("a.png", b"")
    with pytest.raises(ImageError, match="is empty"):
        folder.read("a.png")
    folder.store.write("a.png", b"one")
    monkeypatch.setattr(type(store), "cat_file", lambda *arguments: b"longer")
    with pytest.raises(ImageError, match="changed while it was being read"):
        folder.read("a.png")


def test_every_object_is_listed_or_counted(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 lists common prefixes as folders; that of a name with an empty part ends with a slash."""
    listed = {
        "bucket/in": [
            {"name": "bucket/in/", "type": "file", "size": 0},  # it marks the folder
            {"name": "bucket/in/", "type": "directory", "size": 0},  # of in//a.png
            {"name": "bucket/in/b.png", "type": "directory", "size": 0},  # of b.png/
            {"name": "bucket/in/c.png", "type": "file", "size": 1},
        ],
        "bucket/in/b.png": [{"name": "bucket/in/b.png/", "type": "file", "size": 7}],
    }
    monkeypatch.setattr(type(store), "ls", lambda self, folder, detail: listed[folder.strip("/")])
    plan = plan_folder(open_folder("memory://bucket/in"), open_folder("memory://out"))
    assert [job.name for job in plan.jobs()] == ["c.png"]
    assert plan.num_skipped == {"not named like a picture": 2}


def test_what_is_no_url_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(url: str, **options: Any) -> None:
        raise ValueError(f"no server for {url}")

    monkeypatch.setattr(fsspec.core, "url_to_fs", fail)
    with pytest.raises(OSError, match=r"no server for ftp://\*\*\*@host/in$"):
        list(BucketFolder("ftp://me:secret@host/in").list(""))
