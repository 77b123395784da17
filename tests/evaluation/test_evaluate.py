"""Folders, styles and training runs, as the command evaluates them."""

import functools
import importlib.metadata
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from pmsgan.batch.report.report import Remark, Report
from pmsgan.cli.app import app
from pmsgan.data.pairs import find_pairs
from pmsgan.errors import CheckpointError, ConfigError
from pmsgan.evaluation import styles as styles_module
from pmsgan.evaluation.ablation import evaluate_ablation
from pmsgan.evaluation.config import RuntimeChoice
from pmsgan.evaluation.metrics import read_rgb, to_tensor
from pmsgan.model.config import GeneratorConfig, UNetConfig
from pmsgan.model.unet import UNet
from pmsgan.styles.registry import Style
from pmsgan.training.checkpoint import load_checkpoint
from pmsgan.training.config import TrainingConfig
from pmsgan.training.loop import train
from pmsgan.training.run_folder import CHECKPOINT_NAME
from pmsgan.training.trained import load_trained

pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own


PIQ = importlib.metadata.version("piq")


def evaluate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


@pytest.fixture(scope="module")
def pairs_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    for number in range(3):
        coarse = rng.integers(0, 256, (4, 8, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), cv2.resize(coarse, (192, 96)))
    return folder


def test_two_folders_give_a_table(predicted: Path, truth: Path) -> None:
    result = evaluate(predicted, truth, "--metrics", "fsim")
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "| method    | FSIM, higher | pictures |"
    assert lines[1] == "| --------- | -----------: | -------: |"
    assert [cell.strip() for cell in lines[2].split("|")][1::2] == ["predicted", "4"]
    assert lines[4:] == [
        "4 pictures of 64x64 (the true pictures' own size), 8 bits, sRGB",
        f"FSIM: piq {PIQ}, grey levels",
    ]


def test_json_has_every_picture(predicted: Path, truth: Path) -> None:
    result = evaluate(predicted, truth, "--metrics", "fsim", "--json")
    (evaluation,) = json.loads(result.stdout)["evaluations"]
    assert evaluation["num_pairs"] == 4
    fsim = evaluation["scores"]["fsim"]
    assert fsim["better"] == "higher"
    assert fsim["value"] == pytest.approx(np.mean(list(fsim["by_picture"].values())))


def test_what_does_not_match_is_named_and_counted(predicted: Path, truth: Path) -> None:
    (predicted / "1.png").unlink()
    shutil.copy(truth / "2.png", truth / "more.png")
    cv2.imwrite(str(predicted / "3.png"), np.zeros((32, 48, 3), np.uint8))
    (predicted / "2.png").write_bytes(b"no picture")
    result = evaluate(predicted, truth, "--metrics", "fsim")
    assert result.exit_code == 1
    assert "2 true pictures have no result: 1, more" in result.stdout
    assert (
        "3 not compared: is 48x32, but the true picture is 64x64: say with --fit pad"
        in result.stdout
    )
    assert "2 not compared: " in result.stdout
    assert result.stdout.splitlines()[2].endswith(" 1 |")


def test_a_metric_that_cannot_be_had_is_named_and_the_others_go_on(
    predicted: Path, truth: Path, empty_hub: None
) -> None:
    result = evaluate(predicted, truth, "--metrics", "fsim,lpips-alex")
    assert result.exit_code == 1
    assert "LPIPS (alex) not measured: the weights cannot be downloaded" in result.stdout
    assert result.stdout.splitlines()[2].endswith(" -- |        4 |")


@pytest.mark.usefixtures("hub")
def test_a_copy_of_the_weights_is_taken(predicted: Path, truth: Path, weights_dir: Path) -> None:
    torch.hub.set_dir("/nowhere")  # type: ignore[no-untyped-call]
    arguments = (predicted, truth, "--metrics", "lpips-squeeze", "--weights-dir", weights_dir)
    result = evaluate(*arguments)
    assert result.exit_code == 0, result.output


@pytest.mark.usefixtures("hub")
def test_pictures_of_several_sizes_have_a_fid(
    predicted: Path, truth: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch_fidelity

    quick = functools.partial(torch_fidelity.calculate_metrics, feature_layer_fid="64")
    monkeypatch.setattr(torch_fidelity, "calculate_metrics", quick)
    for folder in (predicted, truth):
        cv2.imwrite(str(folder / "1.png"), cv2.resize(cv2.imread(str(folder / "1.png")), (96, 80)))
    result = evaluate(predicted, truth, "--metrics", "fid")
    assert result.exit_code == 0, result.output
    assert "FID over 4 pictures means little" in result.stdout


def test_suffixes_may_differ(predicted: Path, truth: Path) -> None:
    for path in list(predicted.rglob("*.png")):
        cv2.imwrite(str(path.with_suffix(".jpg")), cv2.imread(str(path)))
        path.unlink()
    assert evaluate(predicted, truth, "--metrics", "fsim").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["one"], "give METHOD=FOLDER... and --truth, or two folders, PREDICTED and TRUTH"),
        (["a=one", "b=two", "c=three"], "give METHOD=FOLDER... and --truth"),
        (["one", "--truth", "x"], "'one': write METHOD=FOLDER"),
        (["a=one", "a=two", "--truth", "x"], "method 'a' is given twice"),
        (["x", "--style", "anime", "--truth", "y"], "--truth has no effect with --style"),
        (["x", "y", "--include-trained"], "--include-trained has no effect without --style"),
        (["x", "y", "--unseen-by", "anime"], "anime: no record says which pairs to leave out"),
        (["missing", "gone"], "missing is not a folder"),
        (["x", "y", "--metrics", "ssim"], "--metrics is 'ssim': use some of fid, fsim, lpips-alex"),
        (["x", "--style", "anime", "--ablation"], "--ablation has no effect with --style"),
        (["x", "y", "--train-list", "z"], "--train-list has no effect without --style"),
        (["x", "--ablation", "--data", "y", "--backend", "eager"], "--backend has no effect with"),
        (["x", "--ablation"], "--ablation needs --data"),
        (["x", "y", "--style", "anime"], "--style takes one folder, DATA"),
        (["x", "y", "--against", "eager"], "--against has no effect without --style"),
        (["x", "y", "--backend", "auto"], "--backend has no effect without --style"),
    ],
)
def test_wrong_usage_is_one_line(arguments: list[str], message: str) -> None:
    result = evaluate(*arguments)
    assert result.exit_code == 2
    assert result.stderr.splitlines()[-1].startswith(f"error: {message}")


def test_names_that_have_nothing_in_common_are_an_error(predicted: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    cv2.imwrite(str(tmp_path / "other" / "x.png"), np.zeros((64, 64, 3), np.uint8))
    result = evaluate(predicted, tmp_path / "other")
    assert result.exit_code == 2
    assert "matched by their path" in result.stderr


def test_two_pictures_of_one_name_are_an_error(predicted: Path, truth: Path) -> None:
    shutil.copy(predicted / "1.png", predicted / "1.jpg")
    result = evaluate(predicted, truth)
    assert result.exit_code == 2
    assert "have the same name" in result.stderr


def test_a_style_is_evaluated_as_it_ships(style: Style, pairs_folder: Path) -> None:
    result = evaluate(
        pairs_folder, "--style", style.folder, "--against", "eager", "--metrics", "fsim", "--json"
    )
    assert result.exit_code == 0, result.output
    first, second = json.loads(result.stdout)["evaluations"]
    assert first["method"].startswith("openvino ")
    assert second["method"] == "eager fp32"
    assert first["num_pairs"] == second["num_pairs"] == 3
    values = [it["scores"]["fsim"]["value"] for it in (first, second)]
    assert values[0] == pytest.approx(values[1], abs=0.02)


def test_only_pairs_that_were_not_trained_on_are_evaluated(
    style: Style, pairs_folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "list").write_text("0\n2\n")
    result = evaluate(
        pairs_folder, "--style", style.folder, "--train-list", tmp_path / "list",
        "--metrics", "fsim", "--json",
    )  # fmt: skip
    (evaluation,) = json.loads(result.stdout)["evaluations"]
    assert list(evaluation["scores"]["fsim"]["by_picture"]) == ["1"]
    (tmp_path / "list").write_text("0\n1\n2\n")
    result = evaluate(pairs_folder, "--style", style.folder, "--train-list", tmp_path / "list")
    assert result.exit_code == 2
    assert "no pairs to evaluate on" in result.stderr


def test_a_conversion_that_fails_says_why(style: Style, pairs_folder: Path) -> None:
    result = evaluate(pairs_folder, "--style", style.folder, "--backend", "tensorrt")
    assert result.exit_code == 3
    assert "the conversion failed: backend tensorrt cannot run here" in result.stderr


def test_pictures_that_a_style_fails_on_are_failures(
    style: Style, pairs_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = styles_module._convert

    def fail(inputs: Path, predicted: Path, *others: Any) -> Report:
        report = real(inputs, predicted, *others)
        (predicted / "1.png").unlink()
        return replace(report, failures=(Remark(name="1.png", text="is of one colour"),))

    monkeypatch.setattr(styles_module, "_convert", fail)
    result = evaluate(pairs_folder, "--style", style.folder, "--metrics", "fsim")
    assert result.exit_code == 1
    assert "1 not compared: is of one colour" in result.stdout
    assert "no result" not in result.stdout


@pytest.fixture(scope="module")
def runs(pairs_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two training runs of three steps on two of the three pairs, the full network first."""
    folder = tmp_path_factory.mktemp("runs")
    config = TrainingConfig(
        steps=3, perceptual="l1", size=96, save_every=3, ema_decay=0.5, num_readers=0,
        lambda_adversarial=0.0,
    )  # fmt: skip
    network = GeneratorConfig(base_channels=4, num_residual_blocks=1)
    pairs = find_pairs(pairs_folder, "left:right")[:2]
    train(pairs, config, network, folder / "last")
    train(pairs, replace(config, ema_decay=0.0), replace(network, ablation="single"), folder / "a")
    return [folder / "last", folder / "a"]


def test_an_ablation_has_the_paper_s_rows(
    runs: list[Path], pairs_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    result = evaluate(*runs, "--ablation", "--data", pairs_folder, "--metrics", "fsim", "--latex")
    assert result.exit_code == 0, result.output
    head, first, last, *comments = result.stdout.splitlines()
    assert all(line.startswith("% ") for line in comments)
    assert head == r"Method & FSIM $\uparrow$ \\ \midrule"
    assert first.startswith("(a) one stage & ")
    assert last.startswith("(e) + MSSA & ")
    assert 1 <= result.stdout.count(r"\textbf{") <= 2
    assert "the runs differ in --ema-decay: 0.0, 0.5" in caplog.text
    assert "there is no run of (b) + EFF, (c) + DFF, (d) + CSASP" in caplog.text
    assert "2 pairs were used for training and are left out: 0, 1" in result.stderr
    assert comments[0] == "% 1 picture of 96x96 (the true pictures' own size), 8 bits, sRGB"


def test_trained_pairs_are_scored_where_that_is_wanted(
    runs: list[Path], pairs_folder: Path
) -> None:
    result = evaluate(
        *runs, "--ablation", "--data", pairs_folder, "--metrics", "fsim", "--include-trained"
    )
    assert result.exit_code == 0, result.output
    assert "3 pictures of 96x96" in result.stdout
    assert "2 of these pairs were used for training" in result.stdout
    assert "Difference to (a) one stage, with its 95 % interval" in result.stdout


def test_a_trained_generator_is_the_one_that_becomes_the_style(
    runs: list[Path], pairs_folder: Path, tmp_path: Path
) -> None:
    trained = load_trained(runs[0])
    pairs = find_pairs(pairs_folder, "left:right")[:2]
    expected, _ = train(pairs, trained.config, trained.generator.config, tmp_path / "again")
    raw = load_checkpoint(runs[0] / CHECKPOINT_NAME)["generator"]
    for name, got in trained.generator.named_parameters():
        torch.testing.assert_close(got, expected.get_parameter(name))
    assert any(not torch.equal(got, raw[name]) for name, got in expected.named_parameters())
    with pytest.raises(CheckpointError, match=r"has no checkpoint\.pt: give folders"):
        load_trained(tmp_path)


def test_runs_of_two_sizes_are_not_compared(runs: list[Path], pairs_folder: Path) -> None:
    trained = [load_trained(run) for run in runs]
    smaller = replace(trained[1], config=replace(trained[1].config, size=192))
    with pytest.raises(ConfigError, match=r"sizes \[96, 192\]"):
        evaluate_ablation([trained[0], smaller], find_pairs(pairs_folder, "left:right"), ["fsim"])
    peer = replace(trained[1], generator=UNet(UNetConfig(base_channels=2)))
    with pytest.raises(ConfigError, match="a is not a run of the network pmsgan, so it has no row"):
        evaluate_ablation([peer], find_pairs(pairs_folder, "left:right"), ["fsim"])


def test_the_direction_is_that_of_the_training(
    style: Style, pairs_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sketch").mkdir()
    (tmp_path / "face").mkdir()
    for path in pairs_folder.iterdir():
        for kind in ("sketch", "face"):
            cv2.imwrite(str(tmp_path / kind / path.name), cv2.imread(str(path))[:, :96])
    trained = replace(style, origin={"direction": "sketch:face"})
    monkeypatch.setattr("pmsgan.evaluation.held_out.find_style", lambda name: trained)
    result = evaluate(tmp_path, "--style", "mine", "--metrics", "fsim")
    assert result.exit_code == 0, result.output


def test_eager_is_compared_in_fp32() -> None:
    choice = RuntimeChoice(precision="bf16", against="eager")
    assert choice.runtimes() == [("auto", "bf16"), ("eager", "fp32")]
    assert RuntimeChoice(against="openvino").runtimes()[1] == ("openvino", "auto")


def test_a_library_that_fails_on_a_picture_costs_no_other_one(
    predicted: Path, truth: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import piq

    real = piq.fsim

    def fail(ours: Any, *arguments: object, **options: object) -> Any:
        if abs(float(ours.mean()) - means[0]) < 1e-6:
            raise ValueError("too small")
        return real(ours, *arguments, **options)

    means = [float(to_tensor(read_rgb(predicted / "1.png"), torch.device("cpu")).mean())]
    monkeypatch.setattr(piq, "fsim", fail)
    result = evaluate(predicted, truth, "--metrics", "fsim", "--json")
    assert result.exit_code == 1
    content = json.loads(result.stdout)
    assert content["remarks"] == ["FSIM without a number for 1: the library fails: too small"]
    assert content["evaluations"][0]["scores"]["fsim"]["by_picture"]["1"] is None
