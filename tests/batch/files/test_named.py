"""Pictures that are named one by one, or by a pattern."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from unprivileged import unprivileged

from pmsgan.batch.files.local import LocalFolder
from pmsgan.batch.files.named import name_pictures
from pmsgan.batch.plan import plan_folder
from pmsgan.errors import ConfigError


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("b.jpg", "a.jpg", "sub/c.jpg", "sub/a.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"1")
    (tmp_path / "d.jpg").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_pictures_are_called_by_the_last_part_of_their_paths(folder: Path) -> None:
    named = name_pictures(["b.jpg", folder / "sub" / "c.jpg", "b.jpg"])
    assert str(named) == f"{folder / 'b.jpg'} and 1 more"
    assert str(name_pictures(["b.jpg"])) == str(folder / "b.jpg")
    assert [it.name for it in named.list("")] == ["b.jpg", "c.jpg"]
    assert named.source("c.jpg") == str(folder / "sub" / "c.jpg")
    parents = {LocalFolder(it).identity() for it in (folder, folder / "sub")}
    assert set(named.parents()) == parents
    assert named.read(named.source("c.jpg"))[0] == b"1"
    assert named.identity("a") == "named pictures/a"
    plan = plan_folder(named, LocalFolder(folder / "out"))
    assert [(job.name, job.output) for job in plan.jobs()] == [
        ("b.jpg", "b.png"), ("c.jpg", "c.png"),
    ]  # fmt: skip
    again = pickle.loads(pickle.dumps(named))
    assert (again.path, again.sources) == (named.path, named.sources)
    entry = named.list("")[0]
    assert (entry.is_file(), entry.is_dir(), entry.is_symlink()) == (True, False, False)


def test_a_pattern_names_files_in_order(folder: Path) -> None:
    assert list(name_pictures(["*.jpg"]).sources) == ["a.jpg", "b.jpg"]
    assert list(name_pictures(["**/[bc].jpg"]).sources) == ["b.jpg", "c.jpg"]
    (folder / "[1].jpg").write_bytes(b"1")
    assert list(name_pictures(["[1].jpg"]).sources) == ["[1].jpg"]


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("sub", "sub is a folder: give a single folder"),
        ("a.MP4", r"a\.MP4 is a video: .* -i a\.MP4 frames"),
        ("pipe", "pipe is a pipe or a device"),
        ("https://x.org/a b.jpg", r"is on the web: download it first \(curl -O 'https://x.org/a b"),
        ("-", "- reads one picture from stdin"),
        ("*.tif", r"nothing matches \*\.tif"),
        ("d*.jpg", r"nothing matches d\*\.jpg"),
        ("none.jpg", "none.jpg does not exist"),
    ],
)
def test_what_cannot_be_taken_is_told(folder: Path, place: str, said: str) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(ConfigError, match=said):
        name_pictures([place])


def test_a_picture_may_lie_in_a_folder_that_cannot_be_listed(folder: Path) -> None:
    (folder / "sub").chmod(0o100)
    code = (
        "from pmsgan.batch.files.named import name_pictures\n"
        "named = name_pictures(['sub/c.jpg'])\n"
        "assert named.read(named.source('c.jpg'))[0] == b'1'"
    )
    done = subprocess.run([*unprivileged(), sys.executable, "-c", code], capture_output=True)
    (folder / "sub").chmod(0o700)
    assert done.returncode == 0, done.stderr


def test_two_pictures_of_one_name_are_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"two pictures are called a\.jpg"):
        name_pictures(["a.jpg", "sub/a.jpg"])


def test_results_do_not_go_to_pictures(folder: Path) -> None:
    named = name_pictures(["a.jpg"])
    with pytest.raises(ConfigError, match=r"a\.jpg is not a folder: give a folder for the results"):
        named.output({}, named, overwrite=False)
    with pytest.raises(ConfigError, match="lies inside OUT"):
        plan_folder(named, LocalFolder(folder))
