"""Somebody plants links in OUT while a run writes there: it writes nowhere else."""

import contextlib
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from trees import tree, write_pictures

from pmsgan.batch import convert as convert_module
from pmsgan.batch.convert import convert_picture
from pmsgan.styles.registry import Style

NUM_PICTURES = 210
OWN = (".pmsgan", *(f".pmsgan/{name}" for name in ("partial", "shards", "lock", "journal.jsonl")))
REPORTS = ("report.json", "report.html", ".report.json.part", ".report.html.part")
RESULTS = ("000", "000/000205.png", "000003.png", "000003.png.bak", "000150.png")


def plant(out: Path, place: str, elsewhere: Path, chance: random.Random) -> None:
    """Replace what is there by a link."""
    link = out / place
    with contextlib.suppress(OSError):  # what it was to replace is being written
        link.parent.mkdir(parents=True, exist_ok=True)
        if os.path.lexists(link):
            link.rename(out.parent / f"aside{len(list(out.parent.iterdir()))}")
        link.symlink_to(chance.choice([elsewhere, elsewhere / "precious", elsewhere / "nothing"]))


@pytest.mark.parametrize("times", [1, pytest.param(50, marks=pytest.mark.soak)])
def test_a_run_in_which_links_are_planted_writes_nowhere_else(
    style: Style, tmp_path: Path, times: int
) -> None:
    write_pictures(tmp_path / "in", NUM_PICTURES)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("precious", "7", "x-000001.jsonl", "000003.png"):
        (elsewhere / name).write_text("precious")
    before = tree(elsewhere)
    chance = random.Random(times)
    for index in range(times):
        out = tmp_path / str(index) / "out"
        (out / "000").mkdir(parents=True)
        places = [chance.choice(group) for group in (OWN, REPORTS, RESULTS)]
        is_early = bool(chance.randrange(2))
        if is_early:
            plant(out, places[0], elsewhere, chance)
        process = subprocess.Popen(
            [sys.executable, "-m", "pmsgan", "convert", str(tmp_path / "in"), str(out),
             "--style", str(style.folder), "--no-baseline", "--overwrite"],
            cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        while process.poll() is None and not list(out.glob("0*.png")):
            time.sleep(0.005)
        for place in places:
            time.sleep(chance.uniform(0, 0.1))
            plant(out, place, elsewhere, chance)
        _, said = process.communicate(timeout=120)
        assert process.returncode in (0, 1, 2, 3), said
        assert "Traceback" not in said
        assert tree(elsewhere) == before, places


def test_the_file_of_one_picture_is_not_touched_once_it_has_its_name(
    style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(tmp_path / "in", 1)
    source, private = tmp_path / "in" / "000000.jpg", tmp_path / "private"
    private.write_text("precious")
    private.chmod(0o600)
    os.utime(private, ns=(1, 1))
    os.utime(source, ns=(10**18, 10**18))
    convert_picture(source, tmp_path / "kept.png", style)
    assert (tmp_path / "kept.png").stat().st_mtime_ns == 10**18
    real = convert_module.write_whole

    def write(path: Path, *arguments: Any) -> None:
        real(path, *arguments)
        path.unlink()
        path.symlink_to(private)  # somebody is quick

    monkeypatch.setattr(convert_module, "write_whole", write)
    convert_picture(source, tmp_path / "out.png", style)
    assert (tmp_path / "out.png").is_symlink()
    assert (private.stat().st_mode & 0o777, private.stat().st_mtime_ns) == (0o600, 1)
