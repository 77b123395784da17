"""Messages speak of options, whatever the settings behind them are called."""

from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from pmsgan.cli.app import app
from pmsgan.cli.boundary import one_line_errors
from pmsgan.cli.typed import option_names, typed_options, with_options
from pmsgan.errors import ConfigError


def refused(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == 2, result.output
    return result.stderr.strip().splitlines()[-1]


@pytest.mark.usefixtures("needs_torch")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--steps 0", "--steps is 0: it must be at least 1"),
        ("--size 98", "--size is 98, which is not a multiple of 4: try 96"),
        ("--size 104 --crop 98", "--crop is 98, which is not a multiple of 4: try 96"),
        ("--size 100 --fold 2", "--size is 100, which is not a multiple of 8: try 96"),
        ("--crop 300", "--crop is 300: it must not exceed 256, unless --load-size is larger"),
        ("--load-size 96", "--size is 256: without a crop it must not exceed --load-size, 96"),
        ("--hard-pixels 0.1", "--hard-pixels is 0.1: it needs --perceptual l1"),
        ("--readers -1", "--readers is -1: it must not be negative"),
        ("--threads -1", "--threads is -1: it must not be negative"),
        ("--direction up", "--direction is 'up': write FROM:TO"),
        ("--split half", "--split is 'half': write random:SEED"),
        ("--precision fp16", "--precision is fp16, which needs a GPU"),
        ("--base-channels 3", "--base-channels is 3: it must be an even number"),
        ("--lambda-rgb1 1 --ablation eff --perceptual l1", "--lambda-rgb1 is 1.0: without MSSA"),
    ],
)
def test_train_speaks_of_options(options: str, said: str, in_dir: Path, tmp_path: Path) -> None:
    line = refused("train", in_dir, "--out", tmp_path / "run", *options.split())
    assert line.startswith(f"error: {said}")


@pytest.mark.usefixtures("needs_torch")
@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("convert IN OUT --output-size 0", "--output-size is 0"),
        ("convert IN OUT --png-level 10", "--png-level is 10"),
        ("convert IN OUT --readers 0", "--readers is 0"),
        ("convert IN OUT --cluster auto --workers 0", "--workers is 0"),
        (
            "convert IN OUT --style anime --working-size 9",
            "leave out --working-size, which only works with",
        ),
        ("prepare lines IN OUT --sigma 0", "--sigma is 0.0"),
        ("prepare flats IN OUT --processes -1", "--processes is -1"),
        ("prepare flats IN OUT --per-picture 0", "--per-picture is 0"),
        ("prepare align IN OUT --eyes E --width 0", "--width is 0"),
        ("prepare align IN OUT --eyes E --eye-points 1", "--eye-points is '1'"),
        ("prepare pairs IN OUT --direction up", "--direction is 'up'"),
        ("evaluate IN --style anime --direction up", "--direction is 'up'"),
        ("evaluate IN --style anime --split half", "--split is 'half'"),
        ("evaluate IN --style anime --metrics ssim", "--metrics is 'ssim'"),
        ("styles measure anime IN --direction up", "--direction is 'up'"),
    ],
)
def test_the_other_commands_do(command: str, said: str, in_dir: Path, tmp_path: Path) -> None:
    places = {"IN": in_dir, "OUT": tmp_path / "out"}
    assert said in refused(*(places.get(word, word) for word in command.split()))


def run(message: str, *arguments: str) -> str:
    """Let a command fail with a message; return the line that a user reads."""

    @one_line_errors
    def draw(
        size: Annotated[int, typer.Option()] = 1,
        pen_width: Annotated[int, typer.Option("-w", "--width")] = 1,
    ) -> None:
        raise ConfigError(f"{message} {sorted(typed_options().items())}")

    one = typer.Typer()
    one.command()(draw)
    return CliRunner().invoke(one, arguments).stderr.strip()


def test_paths_values_and_english_stay_as_they_are() -> None:
    message = "cannot read /tmp/pen_width/pen_width.txt: the size is 'pen_width'"
    assert run(message) == f"error: {message} []"
    assert run("size is 3, and pen_width not") == "error: --size is 3, and --width not []"


def test_what_was_typed_is_told_from_defaults() -> None:
    assert run("typed:", "-w", "1") == "error: typed: [('pen_width', '--width')]"
    assert run("typed:", "--size", "1") == "error: typed: [('size', '--size')]"
    assert run("typed:") == "error: typed: []"


def test_outside_of_a_command_there_are_no_options() -> None:
    assert option_names() == {}
    assert with_options("size is 3") == "size is 3"
