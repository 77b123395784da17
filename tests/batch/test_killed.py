"""Runs that are ended from outside, and runs of many files."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from trees import tree, write_pictures

from pmsgan.batch.convert import convert_folder
from pmsgan.batch.files.local import LocalFolder
from pmsgan.batch.plan import plan_folder
from pmsgan.batch.settings import Selection
from pmsgan.errors import ConfigError
from pmsgan.styles.registry import Style, read_style

NUM_PICTURES = 300


def command(in_dir: Path, out_dir: Path, style: Style, *options: str) -> list[str]:
    return [
        sys.executable, "-m", "pmsgan", "convert", str(in_dir), str(out_dir),
        "--style", str(style.folder), "--no-baseline", *options,
    ]  # fmt: skip


def run(in_dir: Path, out_dir: Path, style: Style, *options: str) -> None:
    result = subprocess.run(
        command(in_dir, out_dir, style, *options), capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def make_transparent(folder: Path) -> None:
    """Let PNG and WebP files have an alpha channel from left to right."""
    for path in [*folder.glob("*.png"), *folder.glob("*.webp")]:
        colour = cv2.imread(str(path))
        ramp = np.linspace(0, 255, colour.shape[1]).astype(np.uint8)
        alpha = np.broadcast_to(ramp, colour.shape[:2])
        cv2.imwrite(str(path), np.dstack((colour, alpha)))


def end_at_random(
    number: signal.Signals,
    times: int,
    style: Style,
    folder: Path,
    *options: str,
    has_alpha: bool = False,
) -> tuple[int, int]:
    """End runs by a signal; return how many had begun to write, and how many did not finish."""
    in_dir, out, whole = folder / "in", folder / "out", folder / "whole"
    write_pictures(in_dir, NUM_PICTURES)
    if has_alpha:
        make_transparent(in_dir)
    run(in_dir, whole, style, *options)
    expected = tree(whole)
    chance = random.Random(0)
    num_begun = num_ended = 0
    for index in range(times):
        target = out / str(index)
        process = subprocess.Popen(
            command(in_dir, target, style, *options),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while process.poll() is None and not list(target.glob("0*.*")):
            time.sleep(0.005)
        time.sleep(chance.uniform(0, 0.4))
        process.send_signal(number)
        code = process.wait(60)
        assert code in (0, 130, -signal.SIGKILL)
        before = tree(target)
        num_begun += bool(before)
        num_ended += code != 0
        assert before.items() <= expected.items()
        if number != signal.SIGKILL:
            assert not list((target / ".pmsgan").glob("partial/*"))
        run(in_dir, target, style, *options)
        assert tree(target) == expected
        assert not list((target / ".pmsgan").glob("partial/*"))
    return num_begun, num_ended


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_run_that_is_ended_goes_on_where_it_was(
    number: signal.Signals, style: Style, tmp_path: Path
) -> None:
    assert end_at_random(number, 1, style, tmp_path)[0] == 1


@pytest.fixture
def in_tiles(style: Style, tmp_path: Path) -> Style:
    """The same style, which takes four tiles for each picture."""
    folder = Path(shutil.copytree(style.folder, tmp_path / "tiles"))
    text = (folder / "style.toml").read_text()
    (folder / "style.toml").write_text(f"{text}\n[scaling]\nmode = 'tiles'\ntile_size = 64\n")
    return read_style(folder)


def test_a_run_in_tiles_that_is_killed_goes_on_where_it_was(
    in_tiles: Style, tmp_path: Path
) -> None:
    assert end_at_random(signal.SIGKILL, 1, in_tiles, tmp_path)[0] == 1


def lose_stderr(times: int, style: Style, folder: Path) -> None:
    """Let the reader of stderr go away at random moments of runs, which are done all the same."""
    write_pictures(folder / "in", NUM_PICTURES)
    for index in range(20):  # each is named on stderr
        (folder / "in" / f"bad{index}.png").write_bytes(b"no picture")
    expected: dict[str, str] = {}
    chance = random.Random(0)
    for index in range(times):
        target = folder / "out" / str(index)
        process = subprocess.Popen(
            command(folder / "in", target, style),
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        )  # fmt: skip
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(chance.uniform(0, 1))
        process.stderr.close()
        assert process.wait(120) == 1  # some pictures are bad
        assert len(tree(target)) == NUM_PICTURES
        expected = expected or tree(target)
        assert tree(target) == expected
        assert (target / "report.json").exists()


def test_a_run_whose_stderr_is_closed_is_done(style: Style, tmp_path: Path) -> None:
    lose_stderr(1, style, tmp_path)


@pytest.mark.soak
def test_many_runs_whose_stderr_is_closed_are_done(style: Style, tmp_path: Path) -> None:
    lose_stderr(20, style, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize(
    ("number", "times", "name", "options"),
    [
        (signal.SIGKILL, 50, "style", ()),
        (signal.SIGINT, 20, "style", ()),
        (signal.SIGKILL, 20, "in_tiles", ()),
        (signal.SIGINT, 10, "in_tiles", ()),
        (signal.SIGKILL, 20, "style", ("--output-size", "style")),
        (signal.SIGKILL, 20, "style", ("--format", "same")),
        (signal.SIGKILL, 20, "alpha", ("--format", "webp")),
        (signal.SIGKILL, 20, "style", ("--verify",)),
        (signal.SIGKILL, 20, "style", ("--readers", "2", "--writers", "2")),
    ],
)
def test_many_runs_that_are_ended_do(
    number: signal.Signals,
    times: int,
    name: str,
    options: tuple[str, ...],
    request: pytest.FixtureRequest,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    style = request.getfixturevalue("style" if name == "alpha" else name)
    num_begun, num_ended = end_at_random(
        number, times, style, tmp_path, *options, has_alpha=name == "alpha"
    )
    with capsys.disabled():
        sys.stdout.write(f"\n{name}, {number.name}: {num_ended} of {times} runs ended early\n")
    assert num_begun == times
    assert num_ended > times // 2


def test_two_runs_at_once_are_refused(style: Style, tmp_path: Path) -> None:
    write_pictures(tmp_path / "in", 200)
    process = subprocess.Popen(
        command(tmp_path / "in", tmp_path / "out", style),
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while process.poll() is None and not list((tmp_path / "out").glob("*.png")):
        time.sleep(0.005)
    process.send_signal(signal.SIGSTOP)
    with pytest.raises(ConfigError, match="another run is converting to"):
        convert_folder(tmp_path / "in", tmp_path / "out", style)
    process.send_signal(signal.SIGCONT)
    assert process.wait(60) == 0
    assert len(tree(tmp_path / "out")) == 200


PEAK_MIB = "int(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1]) // 1024"
"""Peak memory of a process itself; getrusage counts what its parent had when it was started."""

MEASURED = """
import os, re, sys
from pathlib import Path
from pmsgan.batch import convert_folder
from pmsgan.batch.progress import NoProgress
from pmsgan.batch.settings import RunSettings
most = 0
class CountFiles(NoProgress):
    def done(self, job):
        global most
        if job.name.endswith("00.jpg"):
            most = max(most, len(os.listdir("/proc/self/fd")))
threads = int(sys.argv[4])
report = convert_folder(sys.argv[1], sys.argv[2], sys.argv[3], progress=CountFiles(),
                        run=RunSettings(readers=threads, writers=threads))
assert not report.failures, report.failures[:3]
print(report.num_done, PEAK_MIB, most, round(report.timing.wall_s, 1))
"""


def measured(in_dir: Path, out: Path, style: Style, threads: int) -> list[float]:
    """Convert in a process of its own: pictures, peak memory [MiB], most open files, seconds."""
    arguments = [str(in_dir), str(out), str(style.folder), str(threads)]
    result = subprocess.run(
        [sys.executable, "-c", MEASURED.replace("PEAK_MIB", PEAK_MIB), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return [float(word) for word in result.stdout.split()]


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
@pytest.mark.parametrize(
    ("few", "many"),
    [(200, 600), pytest.param(1000, 100_000, marks=pytest.mark.soak)],
)
def test_memory_does_not_grow_with_the_number_of_files(
    style: Style, tmp_path: Path, few: int, many: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = []
    for count, threads in ((few, 8), (many, 8)):
        in_dir = tmp_path / str(count)
        write_pictures(in_dir, count, side=256)
        rows.append(measured(in_dir, tmp_path / f"out-{count}", style, threads))
        assert rows[-1][0] == count
    with capsys.disabled():
        sys.stdout.write(f"\npictures, peak MiB, open files, seconds: {rows}\n")
    assert rows[1][1] < 1.1 * rows[0][1] < 1.1 * 1536
    assert rows[1][2] < 64 + 16
    in_dir = tmp_path / str(few)
    measured(in_dir, tmp_path / "alone", style, 1)
    assert tree(tmp_path / "alone") == tree(tmp_path / f"out-{few}")


@pytest.mark.soak
def test_a_million_entries_are_planned_in_little_memory(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "base").touch()
    for group in range(20):  # links to one file are limited
        base = folder / f"{group:02d}.jpg"
        base.touch()
        for index in range(50_000):
            os.link(base, folder / f"{group:02d}-{index:06d}.jpg")
    code = (
        "import re, sys, time; from pathlib import Path; start = time.monotonic()\n"
        "from pmsgan.batch.files.local import LocalFolder\n"
        "from pmsgan.batch.plan import plan_folder\n"
        "plan = plan_folder(*(LocalFolder(Path(name)) for name in sys.argv[1:]), 'png')\n"
        "number = sum(1 for _ in plan.jobs())\n"
        f"print(number, {PEAK_MIB}, round(time.monotonic() - start, 1))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(folder), str(tmp_path / "out")],
        capture_output=True, text=True, check=True,
    ).stdout.split()  # fmt: skip
    with capsys.disabled():
        sys.stdout.write(f"\nplanned {found[0]}: peak {found[1]} MiB, {found[2]} s\n")
    assert int(found[0]) == 1_000_020
    assert int(found[1]) < 200
    some = Selection(include=("00-00000?.jpg",))
    plan = plan_folder(LocalFolder(folder), LocalFolder(tmp_path / "out"), selection=some)
    assert plan.num_jobs == 10
