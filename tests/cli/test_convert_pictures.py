"""`pmsgan convert` with pictures that are named: one, several, a pattern, a pipe."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from pmsgan.batch.job import Job
from pmsgan.cli.app import app
from pmsgan.cli.progress import FolderProgress
from pmsgan.engine.open import open_engine
from pmsgan.styles.registry import Style


@pytest.fixture
def expected(style: Style, pictures: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The engine's results for the pictures of `in_dir`."""
    with open_engine(style) as engine:
        return engine.translate(pictures)


def convert(style: Style, *arguments: object) -> Result:
    options = [*arguments, "--style", style.folder]
    return CliRunner().invoke(app, ["convert", *map(str, options)])


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("target", ["out.png", "new/out.png", "old/", "new/", "old"])
def test_one_picture_becomes_one_file(
    style: Style, in_dir: Path, tmp_path: Path, expected: NDArray[np.uint8], target: str
) -> None:
    (tmp_path / "old").mkdir()
    result = convert(style, in_dir / "picture_3.png", f"{tmp_path}/{target}")
    assert result.exit_code == 0, result.output
    assert "1 done, 0 failed" in result.stdout
    file = tmp_path / target
    if not target.endswith(".png"):
        file = file / "picture_3.png"
    assert names(file.parent) == sorted(
        {file.name} | ({"in", "old"} if "/" not in target[:-4] and target == "out.png" else set())
    )
    assert (cv2.imread(str(file)) == expected[3]).all()


def test_the_name_of_the_file_says_its_format(style: Style, in_dir: Path, tmp_path: Path) -> None:
    starts = {"a.jpg": b"\xff\xd8\xff", "a.JPEG": b"\xff\xd8\xff", "a.webp": b"RIFF"}
    for name, start in starts.items():
        assert convert(style, in_dir / "picture_3.png", tmp_path / name).exit_code == 0
        assert (tmp_path / name).read_bytes().startswith(start)
    result = convert(style, in_dir / "picture_3.png", tmp_path / "a.gif")
    assert result.exit_code == 2
    assert "ends in .png, .jpg, .jpeg, .webp or .ora" in last_line(result.stderr)


def test_nothing_is_replaced_unasked(style: Style, in_dir: Path, tmp_path: Path) -> None:
    target = tmp_path / "mine.png"
    target.write_bytes(b"mine")
    result = convert(style, in_dir / "picture_3.png", target)
    assert result.exit_code == 2
    assert "mine.png already exists" in last_line(result.stderr)
    assert target.read_bytes() == b"mine"
    assert convert(style, in_dir / "picture_3.png", target, "--overwrite").exit_code == 0
    assert target.read_bytes() != b"mine"
    before = target.read_bytes()
    for other in (target, tmp_path / "in" / ".." / "mine.png"):
        result = convert(style, target, other, "--overwrite")
        assert "is the source picture itself" in last_line(result.stderr)
    assert target.read_bytes() == before


def test_several_pictures_end_in_a_folder_and_resume(
    style: Style, in_dir: Path, tmp_path: Path, expected: NDArray[np.uint8]
) -> None:
    (in_dir / "picture_0.png").rename(tmp_path / "no suffix")
    (tmp_path / "link").symlink_to(in_dir / "picture_1.png")
    given = (tmp_path / "no suffix", tmp_path / "link", in_dir / "more" / "picture_8.png")
    out = tmp_path / "out"
    result = convert(style, *given, out, "--no-baseline")
    assert result.exit_code == 0, result.output
    assert names(out) == [
        ".pmsgan", "link.png", "no suffix.png", "picture_8.png", "report.html", "report.json",
    ]  # fmt: skip
    for name, index in (("no suffix.png", 0), ("link.png", 1), ("picture_8.png", 8)):
        assert (cv2.imread(str(out / name)) == expected[index]).all()
    result = convert(style, *given, out, "--no-baseline")
    assert "0 done, 0 failed, 3 done before" in result.stdout


def test_a_pattern_is_expanded(style: Style, in_dir: Path, tmp_path: Path) -> None:
    result = convert(style, f"{in_dir}/**/picture_[78].png", tmp_path / "out", "--no-baseline")
    assert result.exit_code == 0, result.output
    assert len(list((tmp_path / "out").glob("*.png"))) == 2
    result = convert(style, f"{in_dir}/*.nope", tmp_path / "out")
    assert (result.exit_code, last_line(result.stderr)) == (
        2, f"error: nothing matches {in_dir}/*.nope",
    )  # fmt: skip
    (in_dir / "[x].png").write_bytes((in_dir / "picture_0.png").read_bytes())
    assert convert(style, in_dir / "[x].png", tmp_path / "x.png").exit_code == 0


def test_a_dry_run_prints_the_plan_of_a_pattern(style: Style, in_dir: Path, tmp_path: Path) -> None:
    for pictures in (
        [f"{in_dir}/picture_[34].png"],
        [in_dir / "picture_3.png", in_dir / "picture_4.png"],
    ):
        result = convert(style, *pictures, tmp_path / "out", "--dry-run", "--format", "webp")
        assert result.exit_code == 0, result.output
        *plan, total = result.stdout.splitlines()
        assert plan == ["picture_3.png -> picture_3.webp", "picture_4.png -> picture_4.webp"]
        assert total.startswith("2 pictures, ")
    assert names(tmp_path) == ["in"]


def test_stdin_becomes_stdout(
    style: Style, in_dir: Path, tmp_path: Path, expected: NDArray[np.uint8]
) -> None:
    command = [sys.executable, "-m", "pmsgan", "convert", "--style", str(style.folder)]
    data = (in_dir / "picture_3.png").read_bytes()
    ended = subprocess.run(
        [*command, "-", "-"], input=data, capture_output=True, check=True, cwd=tmp_path
    )
    image = cv2.imdecode(np.frombuffer(ended.stdout, np.uint8), cv2.IMREAD_COLOR)
    assert (image == expected[3]).all()
    assert names(tmp_path) == ["in"]
    ended = subprocess.run(
        [*command, "-", "-", "--format", "jpg"], input=data, capture_output=True, check=True
    )
    assert ended.stdout.startswith(b"\xff\xd8\xff")
    for wrong, told in ((b"", b"stdin is empty"), (b"text", b"stdin is not in a supported format")):
        ended = subprocess.run([*command, "-", "-"], input=wrong, capture_output=True, check=False)
        assert (ended.returncode, ended.stdout) == (1, b"")
        assert told in ended.stderr


def test_a_report_is_written_where_one_is_asked_for(
    style: Style, in_dir: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.json"
    result = convert(
        style, in_dir / "picture_3.png", tmp_path / "a.png", "--report", report, "--no-baseline"
    )
    assert result.exit_code == 0, result.output
    content = json.loads(report.read_text())
    assert (content["pictures_done"], content["no_baseline"]) == (1, "switched off")
    assert "data:image/jpeg" in (tmp_path / "report.html").read_text()


def test_a_bad_picture_is_exit_1_and_leaves_nothing(style: Style, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("no picture")
    result = convert(style, tmp_path / "bad.png", tmp_path / "out.png")
    assert result.exit_code == 1
    assert "failed: bad.png is not in a supported format" in result.stderr
    assert names(tmp_path) == ["bad.png"]


def test_a_picture_that_is_not_read_is_exit_1_where_it_is_named_and_a_warning_in_a_folder(
    style: Style, in_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    layers = in_dir / "layers.psd"
    layers.write_bytes(b"8BPS\x00\x01" + bytes(100))
    (in_dir / "picture_0.png").rename(in_dir / "no suffix")
    for target in ("out.png", "out/"):
        result = convert(style, layers, f"{tmp_path}/{target}", "--no-baseline")
        assert result.exit_code == 1
        assert "failed: layers.psd is Photoshop, which is not supported" in result.stderr
    result = convert(style, in_dir, tmp_path / "results", "--no-baseline")
    assert (result.exit_code, "8 done, 0 failed" in result.stdout) == (0, True)
    (warning,) = (it.message for it in caplog.records if it.levelname == "WARNING")
    assert warning.startswith("pictures that are not converted: ")
    assert "1 in an unsupported format: .psd" in warning
    assert "1 PNG by content, but not by name: rename it to .png" in warning


def test_wrong_words_get_one_line(style: Style, in_dir: Path, tmp_path: Path) -> None:
    picture, out = in_dir / "picture_3.png", tmp_path / "out"
    (in_dir / "more" / "picture_3.png").touch()
    for arguments, told in (
        ((tmp_path / "nope.jpg", out), "does not exist: give a folder, pictures, or a URL"),
        (("clip.mp4", out), "is a video: extract its frames first"),
        (("https://example.org/a.jpg", out), "is on the web: download it first"),
        (("HTTPS://example.org/a b.jpg", out), "curl -O 'HTTPS://example.org/a b.jpg'"),
        (("my clip.mp4", out), "ffmpeg -i 'my clip.mp4' frames"),
        ((picture, "https://example.org/a.png"), "is on the web: give a folder"),
        ((in_dir, "https://example.org/out"), "is on the web: give a folder"),
        (("-", picture, out), "- reads one picture from stdin: give no other pictures with it"),
        (
            (picture, in_dir / "picture_4.png", tmp_path / "out.png"),
            "is the name of a single picture",
        ),
        ((f"{in_dir}/*.png", tmp_path / "out.jpg"), "is the name of a single picture"),
        ((in_dir, tmp_path / "out.WEBP"), "is the name of a single picture"),
        ((picture, f"{in_dir}/picture_4.png/"), "picture_4.png is a file, not a folder"),
        ((picture, in_dir / "picture_4.png" / "a" / "b.png"), "picture_4.png is a file, not a"),
        ((picture, in_dir, out), "is a folder: give a single folder, or only pictures"),
        ((in_dir, out, "comic"), "did you mean --style comic?"),
        (
            ("my", "face.jpg", out),
            "my does not exist: give a folder, pictures, or a URL such as "
            "s3://..., and put names with spaces in quotes",
        ),
        ((picture, in_dir / "more" / "picture_3.png", out), "two pictures are called picture_3"),
        ((picture, in_dir / "picture_4.png", in_dir), "lies inside OUT"),
        (
            (picture, in_dir / "picture_4.png", "-"),
            "stdout can take only the result of a single picture",
        ),
        ((picture, "-", "--json"), "stdout can take only the result of a single picture"),
        ((picture, out, "--include", "*.jpg"), "need a folder as IN"),
        ((picture, out, "--dry-run"), "needs a folder or several pictures as IN"),
    ):
        result = convert(style, *arguments)
        assert result.exit_code == 2, arguments
        assert told in last_line(result.stderr), arguments
    assert names(tmp_path) == ["in"]


@pytest.mark.parametrize(
    ("target", "has_hint"), [("onedir", True), ("faces.2024", True), ("out.gif", False)]
)
def test_a_folder_that_lacks_its_slash_is_hinted_at(
    style: Style, in_dir: Path, tmp_path: Path, target: str, has_hint: bool
) -> None:
    result = convert(style, in_dir / "picture_3.png", tmp_path / target)
    assert result.exit_code == 2
    assert "the name of a result ends in .png" in last_line(result.stderr)
    hint = f"; for a folder, write {tmp_path / target}/"
    assert last_line(result.stderr).endswith(hint) == has_hint
    assert names(tmp_path) == ["in"]


@pytest.mark.parametrize("name", [".hidden.png", ".png"])
def test_a_picture_may_have_a_hidden_name(
    style: Style, in_dir: Path, tmp_path: Path, expected: NDArray[np.uint8], name: str
) -> None:
    (in_dir / "picture_3.png").rename(in_dir / name)
    result = convert(style, in_dir / name, tmp_path / "out.png")
    assert result.exit_code == 0, result.output
    assert (cv2.imread(str(tmp_path / "out.png")) == expected[3]).all()


def test_a_folder_may_be_called_as_a_picture_is(style: Style, in_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "old.png").mkdir()
    given = (in_dir / "picture_3.png", in_dir / "picture_4.png")
    for target in ("old.png", "new.png/"):
        result = convert(style, *given, f"{tmp_path}/{target}", "--no-baseline")
        assert result.exit_code == 0, result.output
        assert (tmp_path / target / "picture_3.png").is_file()


def test_a_pipe_with_a_name_is_refused_before_any_work(
    style: Style, in_dir: Path, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "zero.png").symlink_to("/dev/zero")
    for name in ("pipe.png", "zero.png"):
        for others in ((), (in_dir / "picture_3.png",)):
            result = convert(style, tmp_path / name, *others, tmp_path / "out")
            assert result.exit_code == 2
            assert last_line(result.stderr).endswith(
                f"{name} is a pipe or a device, not a file: give - to read from stdin"
            )
    assert names(tmp_path) == ["in", "pipe.png", "zero.png"]


@pytest.mark.parametrize(("closed", "name"), [("<&-", "input"), (">&-", "output")])
def test_a_standard_stream_that_is_closed_is_told(style: Style, closed: str, name: str) -> None:
    command = f"{sys.executable} -m pmsgan convert - - --style {style.folder} {closed}"
    ended = subprocess.run(
        ["sh", "-c", command], input=b"", capture_output=True, check=False, text=False
    )
    assert ended.returncode == 2
    assert ended.stderr.decode() == (
        f"error: the standard {name} is closed: give the name of a file\n"
    )


def test_ctrl_c_after_the_last_picture_asks_for_no_other_run(
    style: Style, in_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = FolderProgress.done

    def interrupt(progress: FolderProgress, job: Job) -> None:
        real(progress, job)
        assert progress._bar is not None
        if progress._bar.n == progress._bar.total:
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(FolderProgress, "done", interrupt)
    result = convert(style, in_dir, tmp_path / "out", "--no-baseline")
    assert result.exit_code == 130
    assert last_line(result.stderr) == "stopped: interrupted; no picture was left"
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "Stopped: interrupted. No picture was left to convert.</p>" in page
