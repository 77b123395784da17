"""`pmsgan train`: options that were typed, and what a user is told before and after a run."""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from pmsgan.cli.app import app
from pmsgan.styles.registry import Style, read_style, user_styles_folder

pytestmark = pytest.mark.usefixtures("needs_torch")

TINY = ("--perceptual", "l1", "--size", "96", "--readers", "0")


def train(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["train", *map(str, arguments), *TINY])


def refused(*arguments: object) -> str:
    result = train(*arguments, "--dry-run")
    assert result.exit_code == 2, result.output
    return result.stderr.strip().splitlines()[-1].removeprefix("error: ")


def network(result: Result) -> dict[str, object]:
    assert result.exit_code == 0, result.output
    return dict(json.loads(result.stdout)["generator"])


def test_ctrl_c_while_the_style_is_written_names_the_way_on(
    in_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*arguments: object, **options: object) -> None:
        (tmp_path / "checkpoint.pt").touch()
        raise KeyboardInterrupt

    monkeypatch.setattr("pmsgan.training.style.train_style", interrupt)
    result = train(in_dir, "--out", tmp_path, "--style", "mine")
    assert result.exit_code == 130
    first, second = result.stderr.splitlines()
    assert first.endswith(f"in {tmp_path}: the same command with --resume continues")
    assert second == "interrupted"


@pytest.fixture
def folded(style: Style, tmp_path: Path) -> Path:
    """A style that says that its network works on 2x2 pixels."""
    folder = Path(shutil.copytree(style.folder, tmp_path / "folded"))
    description = folder / "style.toml"
    description.write_text(description.read_text().replace("fold = 1", "fold = 2"))
    assert read_style(folder).generator.side_multiple == 8
    return folder


def test_a_network_option_that_was_typed_is_compared_with_the_style(
    folded: Path, in_dir: Path
) -> None:
    given = ("--from", folded, "--fold", 1)
    assert refused(in_dir, *given).endswith("another network: --fold 2, not 1; leave out what "
                                            "differs, or --from")  # fmt: skip
    said = refused(in_dir, "--from", folded, "--base-channels", 32, "--ablation", "full")
    assert "another network: --base-channels 4, not 32; leave" in said
    assert "--ablation full, not eff;" in refused(in_dir, "--from", folded, "--ablation", "eff")


def test_a_network_option_that_was_not_typed_is_that_of_the_style(
    style: Style, in_dir: Path
) -> None:
    for typed in ((), ("--base-channels", 4, "--fold", 1)):
        taken = network(train(in_dir, "--from", style.folder, *typed, "--dry-run"))
        assert taken["base_channels"] == 4
        assert taken["num_residual_blocks"] == style.to_json()["generator"]["num_residual_blocks"]


def test_the_network_itself_is_that_of_the_style(
    style: Style, in_dir: Path, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(style.folder, tmp_path / "peer"))
    description = folder / "style.toml"
    head, _, rest = description.read_text().partition("[generator]\n")
    rest = rest.partition("\n[")[2]
    description.write_text(f'{head}[generator]\nnetwork = "pix2pix"\nbase_channels = 4\n\n[{rest}')
    said = refused(in_dir, "--from", folder, "--network", "pmsgan")
    assert said == f"the style {folder} has the network pix2pix: leave out --network or --from"
    for order in (("--from", folder), ("--base-channels", 64, "--from", folder)):
        said = refused(in_dir, *order, "--fold", 2)
        assert said.startswith("--fold is an option of the network pmsgan: leave out this option")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--lambda-teacher 2", "--lambda-teacher needs a style to learn from: --teacher STYLE"),
        ("--from anime --init paper", "--from and --init both set the initial weights: give one"),
        (
            "--epochs 2 --steps 9",
            "--epochs and --steps both set the length of the training: give one",
        ),
        (
            "--network pix2pix --fold 1",
            "--fold is an option of the network pmsgan: leave out this option or",
        ),
    ],
)
def test_options_that_exclude_each_other_are_refused(options: str, said: str, in_dir: Path) -> None:
    assert refused(in_dir, *options.split()).startswith(said)


def test_a_style_that_hides_one_that_ships_is_told_before_the_training(
    in_dir: Path, style: Style, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    said = "your style anime hides the shipped style of the same name: choose another name"
    for name in ("mine", tmp_path / "anime"):
        assert train(in_dir, "--style", name, "--dry-run").exit_code == 0
    assert said not in caplog.text
    assert train(in_dir, "--style", "anime", "--dry-run").exit_code == 0
    assert said in caplog.text
    caplog.clear()
    added = CliRunner().invoke(app, ["styles", "add", str(style.folder), "--name", "anime"])
    shutil.rmtree(user_styles_folder() / "anime")
    assert added.exit_code == 0
    assert said in caplog.text


def test_a_resumed_run_without_steps_left_says_so_and_makes_its_style(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "set").mkdir()
    picture = np.random.default_rng(0).integers(0, 256, (96, 192, 3), dtype=np.uint8)
    cv2.imwrite(str(tmp_path / "set" / "a.png"), picture)
    run, style = tmp_path / "run", tmp_path / "made"
    given = (tmp_path / "set", "--out", run, "--base-channels", 4, "--lambda-adversarial", 0)
    first = train(*given, "--steps", 2)
    assert "make a style of it with the same command and --resume --style NAME" in first.stdout
    settings = (run / "config.json").read_text()
    again = train(*given, "--steps", 1, "--resume", "--style", style)
    assert again.exit_code == 0, again.output
    said = "nothing is left to train: the checkpoint is at step 2, and the run ends at step 1; "
    assert caplog.text.count(said) == 1
    assert read_style(style).origin["steps"] == 2
    assert (run / "config.json").read_text() == settings
    other = train(*given, "--resume", "--fold", 2)
    assert other.exit_code == 3
    assert "another network: --fold 1, not 2; use its settings" in other.stderr
