"""The commands as a user meets them: exit code, stdout and stderr."""

import importlib
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

import pmsgan
from pmsgan.batch.comparison import baseline
from pmsgan.batch.files.local_output import LocalOutput
from pmsgan.batch.pictures.kinds import NOT_A_PICTURE
from pmsgan.benchmark import run
from pmsgan.cli import boundary, required_packages
from pmsgan.cli.app import app
from pmsgan.data import presets, splits
from pmsgan.data.config import PRESETS
from pmsgan.engine import cache
from pmsgan.engine import open as open_module
from pmsgan.errors import DiskFullError
from pmsgan.install import install_command
from pmsgan.styles.registry import Style, find_style, user_styles_folder

train_module = importlib.import_module("pmsgan.cli.train")


def pmsgan_command(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


def test_help_teaches_the_tool() -> None:
    result = pmsgan_command("--help")
    assert result.exit_code == 0
    for word in ("convert", "train", "export", "build-engine", "styles"):
        assert word in result.stdout
    for command in ("convert", "train", "export", "export-triton", "build-engine", "doctor"):
        shown = pmsgan_command(command, "--help")
        assert shown.exit_code == 0
        assert "--help" in shown.stdout


def test_version() -> None:
    assert pmsgan_command("--version").stdout == f"pmsgan {pmsgan.__version__}\n"


@pytest.mark.usefixtures("patient_baseline")
def test_convert_leaves_pictures_and_a_report(
    style: Style, in_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    out = tmp_path / "out"
    result = pmsgan_command("convert", in_dir, out, "--style", style.folder)
    assert result.exit_code == 0, result.output
    assert "9 done, 0 failed" in result.stdout
    assert "times as fast" in result.stdout
    assert (
        "backend openvino (no NVIDIA GPU with a driver was found; the first that can run here)"
        in caplog.text
    )
    assert "converting: 9 of 9 pictures in " in result.stderr
    assert len(list(out.rglob("*.png"))) == 9
    assert json.loads((out / "report.json").read_text())["pictures_done"] == 9
    assert f"report: {out / 'report.html'}" in result.stderr
    assert "9 done, 0 failed" in (out / "report.html").read_text()


def test_reports_are_json_where_that_is_wanted(style: Style, in_dir: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def told(*arguments: object) -> Any:
        result = pmsgan_command(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    plan = told("convert", in_dir, out, "--dry-run")
    assert plan["jobs"][0] == {"name": "picture_0.png", "output": "picture_0.png"}
    report = told("convert", in_dir, out, "--style", style.folder, "--no-baseline")
    assert report == json.loads((out / "report.json").read_text())
    compared = told("compare", out / "report.json", out / "report.json")
    assert {figure["verdict"] for figure in compared["figures"]} == {"same"}
    assert told("doctor")["kind"] == "diagnosis"
    assert "anime" in [it["name"] for it in told("styles", "list")]
    assert told("styles", "show", style.folder)["height"] == 64
    exported = told("export", style.folder, "-o", tmp_path / "g.onnx")
    assert exported["accuracy"]["max_difference"] <= 1
    built = told("build-engine", "--style", style.folder)
    assert built["engine"]["backend"] == "openvino"


def test_a_page_is_no_place_for_the_json(in_dir: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    result = pmsgan_command("convert", in_dir, tmp_path / "out", "--report", report)
    assert result.exit_code == 2
    assert "the HTML page is written beside it" in result.stderr
    assert not (tmp_path / "out").exists()


def test_bench_prints_a_table_and_leaves_reports(
    style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baseline, "RUN_S", 0.0)
    monkeypatch.setattr(run, "examine_work", lambda config, sizes, threads: [None] * len(sizes))
    monkeypatch.setattr(run, "SINGLE_S", 0.01)
    arguments = (
        "bench", "--style", style.folder, "--backends", "openvino,eager", "--rounds", "1",
        "--batches", "2",
    )  # fmt: skip
    result = pmsgan_command(*arguments, "-o", tmp_path / "a")
    assert result.exit_code == 0, result.output
    assert "64x64, batch 2" in result.stdout
    result = pmsgan_command(*arguments, "-o", tmp_path / "b", "--json")
    assert json.loads(result.stdout) == json.loads((tmp_path / "b" / "bench.json").read_text())
    result = pmsgan_command("compare", tmp_path / "a" / "bench.json", tmp_path / "b" / "bench.json")
    assert result.exit_code == 0
    assert "beyond noise" in result.stdout
    for wrong in (("--sizes", "large"), ("--backends", "cuda"), ("--batches", "0")):
        result = pmsgan_command("bench", *wrong)
        assert result.exit_code == 2, result.output
    assert pmsgan_command("compare", tmp_path, tmp_path).exit_code == 2


def test_convert_names_bad_files_and_exits_1(style: Style, in_dir: Path, tmp_path: Path) -> None:
    (in_dir / "text.jpg").write_text("this is no picture")
    report = tmp_path / "there.json"
    result = pmsgan_command(
        "convert", in_dir, tmp_path / "out", "--style", style.folder, "--no-baseline",
        "--report", report,
    )  # fmt: skip
    assert result.exit_code == 1
    assert f"failed: text.jpg {NOT_A_PICTURE}" in result.stderr
    assert "9 done, 1 failed" in result.stdout
    assert report.exists()


def test_a_dry_run_prints_the_plan_and_writes_nothing(in_dir: Path, tmp_path: Path) -> None:
    (in_dir / "notes.txt").touch()
    (in_dir / "bell\x07\n.png").write_bytes(b"1234")
    result = pmsgan_command(
        "convert", in_dir, tmp_path / "out", "--dry-run", "--exclude", "more", "--format", "webp"
    )
    assert result.exit_code == 0
    assert "picture_0.png -> picture_0.webp\n" in result.stdout
    assert "bell\\x07\\n.png -> bell\\x07\\n.webp\n" in result.stdout
    assert "notes.txt: skipped, not named like a picture\n" in result.stdout
    assert "more: skipped, excluded\n" in result.stdout
    assert last_line(result.stdout).startswith("7 pictures, ")
    assert not (tmp_path / "out").exists()


def test_another_style_needs_overwrite(style: Style, in_dir: Path, tmp_path: Path) -> None:
    command = ("convert", in_dir, tmp_path / "out", "--style", style.folder, "--no-baseline")
    assert pmsgan_command(*command).exit_code == 0
    kept = pmsgan_command(*command)
    assert (kept.exit_code, "0 done, 0 failed, 9 done before" in kept.stdout) == (0, True)
    refused = pmsgan_command(*command, "--quality", "50")
    assert refused.exit_code == 2
    assert "made with quality 95, not 50: give another OUT, or --overwrite" in refused.stderr
    assert "9 done," in pmsgan_command(*command, "--quality", "50", "--overwrite").stdout


def test_results_are_marked_unless_the_user_says_no(
    style: Style, in_dir: Path, tmp_path: Path
) -> None:
    result = tmp_path / "out" / "picture_0.png"
    command = ("convert", in_dir, tmp_path / "out", "--style", style.folder, "--no-baseline")
    assert pmsgan_command(*command).exit_code == 0
    assert b"digitalsourcetype/trainedAlgorithmicMedia" in result.read_bytes()
    bare = (*command, "--metadata", "strip", "--no-mark")
    assert "made with" in pmsgan_command(*bare).stderr
    assert pmsgan_command(*bare, "--overwrite").exit_code == 0
    assert b"trainedAlgorithmicMedia" not in result.read_bytes()


@pytest.mark.parametrize("report_fails", [False, True])
def test_a_full_disk_is_exit_1_and_says_what_to_do(
    style: Style, in_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, report_fails: bool
) -> None:
    def fill_up(*arguments: object, **options: object) -> None:
        raise DiskFullError("OUT is full")

    monkeypatch.setattr(LocalOutput, "write", fill_up)
    report = tmp_path / "report.json"
    if report_fails:
        report.mkdir()
    result = pmsgan_command(
        "convert", in_dir, tmp_path / "out", "--style", style.folder, "--report", report
    )
    assert result.exit_code == 1
    assert "stopped: OUT is full; free: " in result.stderr
    assert "; run it again to resume" in result.stderr
    assert ("error: cannot write the report" in result.stderr) == report_fails


def test_out_that_is_gone_is_not_made_again_for_the_report(
    style: Style, in_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, real = tmp_path / "out", LocalOutput.write

    def write(self: LocalOutput, *arguments: object, **options: Any) -> None:
        shutil.rmtree(out, ignore_errors=True)
        real(self, *arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(LocalOutput, "write", write)
    monkeypatch.chdir(tmp_path)
    result = pmsgan_command("convert", in_dir, out, "--style", style.folder, "--overwrite")
    assert result.exit_code == 1
    assert "stopped: OUT was removed" in result.stderr
    assert "run again without --overwrite to resume" in result.stderr
    assert not out.exists()
    assert json.loads((tmp_path / "pmsgan-report.json").read_text())["pictures_left"] > 0


def test_wrong_folders_and_styles_are_one_line(style: Style, in_dir: Path, tmp_path: Path) -> None:
    empty, out = tmp_path / "empty", tmp_path / "out"
    empty.mkdir()
    for arguments, code, message in (
        ((empty, out), 2, "holds no pictures"),
        ((tmp_path / "missing", out), 2, "does not exist: give a folder"),
        ((in_dir, in_dir), 2, "OUT is the same folder as IN"),
        ((in_dir, out, "--style", "nonesuch"), 3, "there is no style 'nonesuch'"),
        ((in_dir, out, "--style", "Comic"), 3, "there is no style 'Comic': did you mean comic?"),
    ):
        options = () if "--style" in arguments else ("--style", style.folder)
        result = pmsgan_command("convert", *arguments, *options)
        assert result.exit_code == code
        assert result.stderr.count("\n") == 1
        assert result.stderr.startswith("error: ")
        assert message in result.stderr
        assert result.stdout == ""
    assert not out.exists()


def test_wrong_usage_is_exit_2() -> None:
    assert pmsgan_command("convert").exit_code == 2
    assert pmsgan_command("convert", "a", "b", "--format", "gif").exit_code == 2
    assert pmsgan_command("paint").exit_code == 2


def test_traceback_shows_where_an_error_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boundary, "show_tracebacks", False)
    result = pmsgan_command("--traceback", "convert", tmp_path / "missing", tmp_path / "out")
    assert "Traceback" in result.stderr
    assert last_line(result.stderr).startswith("error: ")


def test_ctrl_c_during_convert_is_130(style: Style, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    picture = np.random.default_rng(0).integers(0, 256, (1024, 1024, 3), dtype=np.uint8)
    encoded = cv2.imencode(".png", picture)[1].tobytes()
    for index in range(400):
        (tmp_path / "in" / f"{index}.png").write_bytes(encoded)
    process = subprocess.Popen(
        [sys.executable, "-m", "pmsgan", "convert", tmp_path / "in", tmp_path / "out",
         "--style", style.folder, "--no-baseline"],
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while process.poll() is None and not list(tmp_path.glob("out/*.png")):
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert last_line(stderr) == "stopped: interrupted; run it again to resume"
    written = list((tmp_path / "out").glob("*.png"))
    assert 0 < len(written) < 400
    assert all(cv2.imread(str(path)).shape == (1024, 1024, 3) for path in written)


def test_styles_are_listed_and_shown(style: Style) -> None:
    listed = pmsgan_command("styles", "list")
    assert listed.exit_code == 0
    shown = pmsgan_command("styles", "show", style.folder)
    assert shown.exit_code == 0
    assert 'input = "sketch"' in shown.stdout
    assert pmsgan_command("styles", "show", "nonesuch").exit_code == 3


def test_the_list_of_styles_has_the_size_that_a_run_uses_and_fits_80_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    lines = pmsgan_command("styles", "list").stdout.splitlines()
    rows = [re.split("  +", line) for line in lines]
    assert [row[:2] for row in rows] == [
        ["anime", "256x256"], ["comic", "up to 768"], ["ink", "up to 768"],
    ]  # fmt: skip
    assert len({line.index(row[2]) for line, row in zip(lines, rows, strict=True)}) == 1
    assert max(map(len, lines)) <= 80


def test_styles_are_added_and_removed(style: Style) -> None:
    added = pmsgan_command("styles", "add", style.folder, "--name", "added")
    assert added.exit_code == 0, added.output
    assert "added added in" in added.stdout
    assert "added" in pmsgan_command("styles", "list").stdout
    assert pmsgan_command("styles", "remove", "added").exit_code == 0
    assert pmsgan_command("styles", "remove", "added").exit_code == 3
    pmsgan_command("styles", "add", style.folder, "--name", "ink")
    removed = pmsgan_command("styles", "remove", "ink")
    assert removed.stdout.endswith("\nink is the style that ships again\n")


@pytest.mark.parametrize("flag", ["--fp16", None])
def test_export_writes_a_checked_file(style: Style, tmp_path: Path, flag: str | None) -> None:
    path = tmp_path / "g.onnx"
    options = [flag] if flag else []
    result = pmsgan_command("export", style.folder, *options, "-o", path)
    assert result.exit_code == 0, result.output
    assert "largest difference" in result.stdout
    assert "PSNR" in result.stdout
    assert path.exists()


@pytest.mark.parametrize("flag", ["--fp16", "--fp32"])
def test_build_engine_prepares_the_cpu(style: Style, flag: str) -> None:
    result = pmsgan_command("build-engine", "--style", style.folder, flag)
    assert result.exit_code == 0, result.output
    assert "for openvino" in result.stdout
    assert ("fp32" in result.stdout) or flag == "--fp16"


def test_a_style_is_calibrated_for_int8_and_the_report_says_so(
    style: Style, in_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache.platformdirs, "user_cache_dir", lambda *args, **kwargs: tmp_path)
    copied = tmp_path / "style"
    shutil.copytree(style.folder, copied)
    command = ("build-engine", "--style", copied, "--int8")
    result = pmsgan_command(*command)
    assert result.exit_code == 3
    assert "is not calibrated for INT8" in last_line(result.stderr)
    result = pmsgan_command(*command, "--calibrate", in_dir, "--into-style")
    assert result.exit_code == 0, result.output
    assert " int8 (" in result.stdout
    assert find_style(copied).folder.joinpath("int8.json").exists()
    shutil.rmtree(tmp_path / "int8")  # the user's own
    options = ("--style", copied, "--precision", "int8", "--no-baseline")
    result = pmsgan_command("convert", in_dir, tmp_path / "out", *options)
    assert result.exit_code == 0, result.output
    assert "dB to fp32), 64x64" in result.stdout
    assert json.loads((tmp_path / "out" / "report.json").read_text())["engine"]["psnr_db"] > 40


@pytest.mark.parametrize(
    ("options", "missing"), [(["--calibrate", "."], "--int8"), (["--into-style"], "--calibrate")]
)
def test_options_of_int8_belong_together(options: list[str], missing: str) -> None:
    result = pmsgan_command("build-engine", *options)
    assert result.exit_code == 2
    assert f"give {missing} with it" in result.stderr


@pytest.mark.usefixtures("needs_torch")
def test_train_makes_a_style_that_converts(
    tmp_path: Path, in_dir: Path, user_folders: Path
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    rng = np.random.default_rng(0)
    for index in range(3):
        coarse = rng.integers(0, 256, (6, 12, 3), dtype=np.uint8)
        cv2.imwrite(str(data / f"{index}.png"), cv2.resize(coarse, (384, 192)))
    (tmp_path / "train.txt").write_text("0\n1\n")
    arguments = [
        "train", data, "--perceptual", "l1", "--size", 96, "--base-channels", 4,
        "--learning-rate", 0.002, "--ablation", "single", "--out", tmp_path / "run", "--readers", 0,
        "--train-list", tmp_path / "train.txt",
    ]  # fmt: skip
    first = pmsgan_command(*arguments, "--steps", 2)
    assert first.exit_code == 0, first.output
    assert "--resume --style NAME" in first.stdout
    again = pmsgan_command(*arguments, "--steps", 4)
    assert again.exit_code == 3
    assert "continue with --resume" in again.stderr
    second = pmsgan_command(*arguments, "--steps", 20, "--resume", "--style", "trained")
    assert second.exit_code == 0, second.output
    assert "pmsgan convert IN OUT --style trained" in second.stdout
    assert (user_styles_folder() / "trained" / "style.toml").exists()
    assert "trained" in pmsgan_command("styles", "list").stdout
    assert set(find_style("trained").expects) == {"colour", "ground"}
    measured = [it for it in second.stdout.splitlines() if "pictures of 192 pixels" in it]
    assert re.fullmatch(r"pictures .*: (plain|guided|tiles).*, median PSNR .* dB \(.*\)", *measured)
    assert "asked for" not in second.stderr
    scaling = find_style("trained").scaling
    assert {"num_pairs", "side", "plain_psnr_db", "guided_psnr_db"} <= scaling.figures.keys()
    converted = pmsgan_command(
        "convert", in_dir, tmp_path / "out", "--style", "trained", "--no-baseline"
    )
    assert converted.exit_code == 0, converted.output


@pytest.mark.usefixtures("needs_torch")
def test_train_refuses_a_folder_without_pairs(tmp_path: Path) -> None:
    result = pmsgan_command("train", tmp_path, "--perceptual", "l1")
    assert result.exit_code == 2
    assert "holds no side-by-side pictures" in result.stderr


@pytest.mark.usefixtures("needs_torch")
def test_train_without_vgg_weights_names_the_ways_out(in_dir: Path, tmp_path: Path) -> None:
    missing = tmp_path / "vgg.pth"
    result = pmsgan_command("train", in_dir, "--vgg-weights", missing, "--out", tmp_path / "run")
    assert result.exit_code == 3
    assert "--perceptual l1" in last_line(result.stderr)
    assert not (tmp_path / "run").exists()


def test_commands_that_need_torch_say_how_to_have_it(
    style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(required_packages.importlib.util, "find_spec", lambda name: None)
    result = pmsgan_command("export", style.folder)
    assert result.exit_code == 3
    assert install_command("train") in result.stderr


def test_prepare_lines_makes_a_set_to_train_on(in_dir: Path, tmp_path: Path) -> None:
    (in_dir / "bad.png").write_text("no picture")
    result = pmsgan_command("prepare", "lines", in_dir, tmp_path / "set")
    assert result.exit_code == 1
    assert result.stdout == "9 done, 1 failed\n"
    (line,) = (it for it in result.stderr.splitlines() if it.startswith("failed: "))
    assert line == f"failed: {in_dir / 'bad.png'} {NOT_A_PICTURE}; replace it or remove it"
    joined = pmsgan_command(
        "prepare", "pairs", tmp_path / "set", tmp_path / "joined", "--direction", "picture:lines"
    )
    assert joined.exit_code == 0, joined.output
    assert len(list((tmp_path / "joined").rglob("*.png"))) == 9


def test_prepare_flats_makes_a_set_to_train_on(in_dir: Path, tmp_path: Path) -> None:
    result = pmsgan_command(
        "prepare", "flats", in_dir, tmp_path / "set", "--size", 64, "--processes", 1
    )
    assert result.exit_code == 0, result.output
    assert result.stdout == "9 done, 0 failed\n"
    for folder in ("lines", "flats"):
        assert cv2.imread(str(tmp_path / "set" / folder / "picture_0.png")).shape == (64, 64, 3)


def test_prepare_align_crops_faces(in_dir: Path, tmp_path: Path) -> None:
    eyes = tmp_path / "eyes.csv"
    rows = [f"picture_{index}.png,20,30,40,30" for index in range(9)]
    eyes.write_text("\n".join(["name,left_x,left_y,right_x,right_y", *rows]))
    result = pmsgan_command(
        "prepare",
        "align",
        in_dir,
        tmp_path / "out",
        "--eyes",
        eyes,
        "--width",
        512,
        "--height",
        512,
    )
    assert result.exit_code == 0, result.output
    assert cv2.imread(str(tmp_path / "out" / "picture_0.png")).shape == (512, 512, 3)
    assert pmsgan_command("prepare", "align", in_dir, tmp_path / "out").exit_code == 2


def test_prepare_pairs_takes_a_table(in_dir: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.txt"
    table.write_text("\n".join(f"picture_{index}.png" for index in (2, 0, 1)))
    for index in range(3):
        shutil.copy(in_dir / f"picture_{index}.png", in_dir / "more" / f"{9 + index}.png")
    for name in in_dir.glob("more/picture_*"):
        name.unlink()
    (in_dir / "photo").mkdir()
    for index in range(3):
        (in_dir / f"picture_{index}.png").rename(in_dir / "photo" / f"picture_{index}.png")
    command = ("prepare", "pairs", in_dir, tmp_path / "out", "--direction", "photo:more")
    result = pmsgan_command(*command, "--pairs", table)
    assert (result.exit_code, result.stdout) == (0, "3 done, 0 failed\n")
    same = (in_dir / "photo" / "picture_2.png").read_bytes()
    assert (tmp_path / "out" / "photo" / "9.png").read_bytes() == same


@pytest.mark.usefixtures("needs_torch")
@pytest.mark.parametrize("preset", ["cufs", "cufsf", "apdrawing", "sketch2anime"])
def test_train_dry_run_shows_the_settings_of_a_preset(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    preset: str,
) -> None:
    known = PRESETS[preset]  # type: ignore[index]
    three = replace(known, num_train=2, num_test=1)
    for module in (train_module, presets, splits):
        monkeypatch.setattr(module, "PRESETS", {preset: three})
    width, height = known.prepared
    for folder in known.direction.split(":"):
        (tmp_path / folder).mkdir()
        for name in "abc":
            picture = np.zeros((height, width, 3), np.uint8)
            cv2.imwrite(str(tmp_path / folder / f"{name}.png"), picture)
    run = tmp_path / "run"
    plan = ("train", tmp_path, "--preset", preset, "--dry-run")
    refused = pmsgan_command(*plan)
    assert refused.exit_code == (0 if preset == "sketch2anime" else 2)
    plan = (*plan, "--split", "random:0")
    result = pmsgan_command(*plan, "--out", run)
    assert result.exit_code == 0, result.output
    assert f"training on 2 of 3 pairs, {known.direction}; held out: 1, chosen" in caplog.text
    settings = json.loads(result.stdout)
    assert settings["training"]["size"] == known.size
    whole = pmsgan_command(*plan, "--crop", known.size)
    assert whole.exit_code == 0, whole.output
    assert settings["training"]["direction"] == known.direction
    assert settings["training"]["learning_rate"] == 2e-4
    assert settings["generator"]["base_channels"] == 32
    assert not run.exists()
    (tmp_path / known.direction.split(":")[0] / "c.png").unlink()
    assert "same name (c)" in pmsgan_command(*plan).stderr


@pytest.mark.usefixtures("needs_torch")
def test_train_takes_the_settings_of_pix2pix_from_its_paper(in_dir: Path) -> None:
    command = ("train", in_dir, "--network", "pix2pix", "--dry-run")
    settings = json.loads(pmsgan_command(*command, "--lambda-perceptual", 10).stdout)
    assert settings["generator"] == {"network": "pix2pix", "base_channels": 64}
    training = settings["training"]
    assert (training["perceptual"], training["lambda_perceptual"]) == ("pixel", 10.0)
    assert (training["adversarial"], training["betas"]) == ("pix2pix", [0.5, 0.999])
    for option, value in (("--fold", 2), ("--ablation", "eff")):
        result = pmsgan_command(*command, option, value)
        assert result.exit_code == 2
        assert f"{option} is an option of the network pmsgan" in result.stderr
    result = pmsgan_command("train", in_dir, "--from", "anime", "--network", "pix2pix")
    assert result.exit_code == 2
    assert "anime has the network pmsgan: leave out --network or --from" in result.stderr


@pytest.mark.usefixtures("needs_torch")
def test_doctor_says_what_can_run_and_what_the_others_lack(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(open_module, "count_gpus", lambda: 0)
    told = pmsgan_command("doctor")
    assert told.exit_code == 0
    assert f"openvino {importlib.metadata.version('openvino')}" in told.stdout
    lines = [line.split() for line in told.stdout.splitlines() if line.startswith("  ")]
    assert [line[0] for line in lines] == [
        "tensorrt", "tensorrt-rtx", "openvino", "eager", "onnxruntime",
    ]  # fmt: skip
    assert [" ".join(line[1:3]) for line in lines][2:] == ["can run"] * 3
    assert "no NVIDIA GPU" in told.stdout
    real = open_module.importlib.util.find_spec
    absent = ("tensorrt", "pycuda")
    monkeypatch.setattr(
        open_module.importlib.util, "find_spec", lambda name: None if name in absent else real(name)
    )
    told = pmsgan_command("doctor")
    command = install_command("tensorrt")
    assert f"tensorrt and pycuda are not installed: {command}" in told.stdout


def test_a_required_gpu_that_is_not_there_is_an_error(
    style: Style, in_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(open_module, "count_gpus", lambda: 0)
    arguments = ("convert", in_dir, tmp_path / "out", "--style", style.folder, "--require-gpu")
    result = pmsgan_command(*arguments)
    assert result.exit_code == 3
    assert "no backend on a GPU can run here (no NVIDIA GPU" in last_line(result.stderr)
    result = pmsgan_command(*arguments, "--backend", "openvino")
    assert result.exit_code == 3
    assert "backend openvino runs on the CPU" in result.stderr
    result = pmsgan_command("build-engine", "--fp16", "--backend", "tensorrt")
    assert result.exit_code == 3
    assert result.stderr.startswith("error: backend tensorrt cannot run here: no NVIDIA GPU")


def test_too_little_memory_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise MemoryError

    monkeypatch.setattr("pmsgan.engine.doctor.diagnose", fail)
    result = pmsgan_command("doctor")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.startswith("error: not enough memory: ")
    assert len(result.stderr.splitlines()) == 1
