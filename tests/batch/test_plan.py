from pathlib import Path

import pytest

from pmsgan.batch import plan
from pmsgan.batch.plan import plan_jobs
from pmsgan.errors import ConfigError


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def planned(in_dir: Path, out_dir: Path) -> dict[str, str]:
    jobs = plan_jobs(in_dir, out_dir, "png")
    assert all(job.source == in_dir / job.name for job in jobs)
    return {job.name.as_posix(): job.target.relative_to(out_dir).as_posix() for job in jobs}


def test_the_tree_is_mirrored_in_sorted_order(tmp_path: Path) -> None:
    in_dir = tmp_path / "in"
    touch(in_dir, "b.jpg", "a.PNG", "sub/deep/c.webp", "notes.txt", ".hidden.png", ".git/x.png")
    assert planned(in_dir, tmp_path / "out") == {
        "a.PNG": "a.png",
        "b.jpg": "b.png",
        "sub/deep/c.webp": "sub/deep/c.png",
    }
    assert list(planned(in_dir, tmp_path / "out")) == ["a.PNG", "b.jpg", "sub/deep/c.webp"]


def test_names_that_would_collide_keep_their_suffix(tmp_path: Path) -> None:
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


def test_outputs_stay_distinct_even_when_a_kept_suffix_meets_a_name(tmp_path: Path) -> None:
    in_dir = tmp_path / "in"
    touch(in_dir, "a.jpg", "a.png", "a.jpg.webp", "b.jpg", "b.webp", "b.jpg.png")
    assert planned(in_dir, tmp_path / "out") == {
        "a.jpg": "a.jpg.png",
        "a.jpg.webp": "a.jpg.webp.png",
        "a.png": "a.png.png",
        "b.jpg": "b.jpg.png",
        "b.jpg.png": "b.jpg.png.png",
        "b.webp": "b.webp.png",
    }


def test_names_that_differ_in_case_alone_are_numbered(tmp_path: Path) -> None:
    in_dir = tmp_path / "in"
    touch(in_dir, "A.jpg", "a.jpg", "B.jpg")
    assert planned(in_dir, tmp_path / "out") == {
        "A.jpg": "A.jpg.0.png",
        "B.jpg": "B.png",
        "a.jpg": "a.jpg.1.png",
    }
    touch(in_dir, "A.jpg.0.tif", "a.jpg.0.webp", "A.jpg.0.tif.bmp")
    assert len({out.lower() for out in planned(in_dir, tmp_path / "out").values()}) == 6


def test_a_folder_that_cannot_be_listed_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path / "in", "a.png")

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(plan.os, "scandir", refuse)
    with pytest.raises(ConfigError, match=r"cannot list the folder .*in: Permission denied"):
        plan_jobs(tmp_path / "in", tmp_path / "out", "png")


def test_out_inside_in_is_not_converted_again(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "out/a.png", "outside/b.png")
    assert planned(tmp_path, tmp_path / "out") == {
        "a.png": "a.png",
        "outside/b.png": "outside/b.png",
    }


def test_links_to_folders_are_not_followed(tmp_path: Path) -> None:
    in_dir = tmp_path / "in"
    touch(in_dir, "a.png")
    (in_dir / "loop").symlink_to(in_dir)
    (in_dir / "dangling.png").symlink_to(tmp_path / "missing.png")
    assert list(planned(in_dir, tmp_path / "out")) == ["a.png"]


def test_folders_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    in_dir = tmp_path / "in"
    with pytest.raises(ConfigError, match="is not a folder"):
        plan_jobs(in_dir, tmp_path / "out", "png")
    in_dir.mkdir()
    with pytest.raises(ConfigError, match="holds no pictures"):
        plan_jobs(in_dir, tmp_path / "out", "png")
    touch(in_dir, "a.png")
    with pytest.raises(ConfigError, match="OUT is the same folder as IN"):
        plan_jobs(in_dir, tmp_path / "x" / ".." / "in", "png")
    with pytest.raises(ConfigError, match="lies inside OUT"):
        plan_jobs(in_dir, tmp_path, "png")
