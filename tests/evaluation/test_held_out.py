"""Pairs that a network was trained on are not scored."""

import hashlib
import importlib.util
import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import tomli_w
from typer.testing import CliRunner, Result

from pmsgan.cli.app import app
from pmsgan.data.pairs import find_pairs
from pmsgan.data.trained_pairs import TrainedPairs
from pmsgan.errors import ConfigError, DataError, StyleError
from pmsgan.evaluation import styles as styles_module
from pmsgan.evaluation.config import HeldOutChoice
from pmsgan.evaluation.held_out import HeldOutPairs, held_out_pairs
from pmsgan.evaluation.trained import record_of, record_of_style
from pmsgan.model.config import GeneratorConfig
from pmsgan.styles.registry import (
    DESCRIPTION_NAME,
    TRAINED_PAIRS_NAME,
    Style,
    find_style,
    read_description,
    read_style,
)
from pmsgan.styles.user_styles import add_style, remove_style
from pmsgan.training.config import TrainingConfig
from pmsgan.training.loop import train

pytestmark = pytest.mark.filterwarnings("ignore")  # the libraries' own


def evaluate(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["evaluate", *map(str, arguments)])


@pytest.fixture(autouse=True)
def without_child(monkeypatch: pytest.MonkeyPatch) -> None:
    """Convert in this process: starting another one takes seconds, and nothing here uses CUDA."""

    def call(function: Callable[..., object], *arguments: object, **options: object) -> object:
        return function(*arguments)

    monkeypatch.setattr(styles_module, "call_in_child", call)


def test_a_style_is_not_converted_for_metrics_that_are_not_there(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "piq" else real(name)
    )
    result = evaluate("--style", "anime", data, "--metrics", "fsim")
    assert result.exit_code == 3
    assert "error: pmsgan evaluate needs piq, which is not installed: " in result.stderr
    assert "converting" not in result.stderr


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Four pairs of two folders, 80x64."""
    rng = np.random.default_rng(0)
    for side in ("photo", "sketch"):
        (tmp_path / "data" / side).mkdir(parents=True)
        for number in range(4):
            coarse = rng.integers(0, 256, (4, 5, 3), dtype=np.uint8)
            path = tmp_path / "data" / side / f"{number}.png"
            cv2.imwrite(str(path), cv2.resize(coarse, (80, 64)))
    return tmp_path / "data"


def with_record(style: Style, folder: Path, record: TrainedPairs) -> Path:
    """Copy a style, as if it had been trained on these pairs."""
    shutil.copytree(style.folder, folder)
    (folder / TRAINED_PAIRS_NAME).write_bytes(record.to_bytes())
    description = read_description(folder)
    description["origin"] = {"direction": "photo:sketch"}
    description["sha256"][TRAINED_PAIRS_NAME] = hashlib.sha256(record.to_bytes()).hexdigest()
    (folder / DESCRIPTION_NAME).write_text(tomli_w.dumps(description))
    return folder


@pytest.fixture
def trained_style(style: Style, data: Path, tmp_path: Path) -> Path:
    """A style that was trained on the first two pairs."""
    record = TrainedPairs.of(find_pairs(data, "photo:sketch")[:2])
    return with_record(style, tmp_path / "mine", record)


def names(held: HeldOutPairs) -> list[str]:
    return [pair.name for pair in held.pairs]


def test_a_style_is_scored_on_what_it_has_not_seen(trained_style: Path, data: Path) -> None:
    result = evaluate(data, "--style", trained_style, "--metrics", "fsim")
    assert result.exit_code == 0, result.output
    assert "2 pictures of 80x64 (the true pictures' own size)" in result.stdout
    assert "2 pairs were used for training and are left out: 0, 1" in result.stdout


def test_the_truth_can_be_brought_to_the_network_s_size(trained_style: Path, data: Path) -> None:
    result = evaluate(data, "--style", trained_style, "--metrics", "fsim", "--resize-truth")
    assert result.exit_code == 0, result.output
    assert "2 pictures of 64x64 (the results' own size)" in result.stdout


def test_trained_pairs_are_scored_only_where_that_is_wanted(
    trained_style: Path, data: Path, tmp_path: Path
) -> None:
    for number in "23":
        (data / "photo" / f"{number}.png").unlink()
        (data / "sketch" / f"{number}.png").unlink()
    result = evaluate(data, "--style", trained_style, "--metrics", "fsim")
    assert result.exit_code == 2
    assert f"error: all pairs of {data} (2) were trained on" in result.stderr
    arguments = (data, "--style", trained_style, "--metrics", "fsim", "--include-trained")
    result = evaluate(*arguments, "--json")
    assert result.exit_code == 0, result.output
    content = json.loads(result.stdout)
    assert content["trained"] == {"names": ["0", "1"], "are_scored": True, "same_name": []}
    assert content["evaluations"][0]["num_pairs"] == 2
    assert content["remarks"][0].startswith("2 of these pairs were used for training")


def test_folders_are_scored_on_what_a_style_has_not_seen(trained_style: Path, data: Path) -> None:
    arguments = ("--unseen-by", trained_style, "--metrics", "fsim")
    truth = data / "sketch"
    result = evaluate(f"same={truth}", f"photos={data / 'photo'}", "--truth", truth, *arguments)
    assert result.exit_code == 0, result.output
    assert "| same   |     **1.00** |        2 |" in result.stdout
    assert "2 pairs were used for training and are left out: 0, 1" in result.stdout
    assert "Difference to same" in result.stdout


def test_a_list_leaves_out_more_and_the_record_the_rest(data: Path, tmp_path: Path) -> None:
    (tmp_path / "list").write_text("2\n")
    choice = HeldOutChoice(train_list=tmp_path / "list", direction="photo:sketch")
    record = TrainedPairs.of(find_pairs(data, "photo:sketch")[:2])
    held = held_out_pairs(data, choice, (), {"mine": record})
    assert names(held) == ["3"]
    assert held.trained is not None
    assert held.trained.names == ("0", "1")


def test_the_pairs_of_several_networks_are_joined(
    data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pairs = find_pairs(data, "photo:sketch")
    records = {"a": TrainedPairs.of(pairs[:1]), "b": TrainedPairs.of(pairs[3:]), "c": None}
    held = held_out_pairs(data, HeldOutChoice(), {"photo:sketch"}, records)
    assert names(held) == ["1", "2"]
    assert "c does not say which pairs it was trained on" in caplog.text
    assert "evaluating on all" not in caplog.text


def test_other_files_of_a_trained_name_are_told(data: Path) -> None:
    record = TrainedPairs.of(find_pairs(data, "photo:sketch")[:2])
    for side in ("photo", "sketch"):
        cv2.imwrite(str(data / side / "1.png"), np.zeros((64, 80, 3), np.uint8))
    held = held_out_pairs(data, HeldOutChoice(), {"photo:sketch"}, {"mine": record})
    assert names(held) == ["1", "2", "3"]
    assert held.trained is not None
    assert (held.trained.names, held.trained.same_name) == (("0",), ("1",))


def test_without_a_record_the_choice_says_what_is_held_out(
    data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    (tmp_path / "list").write_text("0\n2\n")
    choice = HeldOutChoice(train_list=tmp_path / "list")
    held = held_out_pairs(data, choice, {"photo:sketch"}, {"old": None})
    assert (names(held), held.trained) == (["1", "3"], None)
    assert "old does not say which pairs it was trained on" in caplog.text
    assert "evaluating on all" not in caplog.text
    turned = held_out_pairs(data, HeldOutChoice(), {"sketch:photo"}, {"old": None})
    assert names(turned) == ["0", "1", "2", "3"]
    assert {pair.input.path.parent.name for pair in turned.pairs} == {"sketch"}
    assert "evaluating on all pairs (4, sketch:photo)" in caplog.text


def test_trainings_of_two_directions_need_one(data: Path) -> None:
    several = {"photo:sketch", "sketch:photo"}
    with pytest.raises(ConfigError, match="and sketch:photo: give --direction"):
        held_out_pairs(data, HeldOutChoice(), several, {})
    chosen = held_out_pairs(data, HeldOutChoice(direction="sketch:photo"), several, {})
    assert chosen.pairs[0].input.path.parent.name == "sketch"


def test_a_run_says_what_it_was_trained_on_and_a_resumed_one_all_of_it(
    data: Path, tmp_path: Path
) -> None:
    config = TrainingConfig(
        steps=1, perceptual="l1", size=96, num_readers=0, lambda_adversarial=0.0
    )
    network = GeneratorConfig(base_channels=4, num_residual_blocks=1)
    pairs = find_pairs(data, "photo:sketch")
    train(pairs[:1], config, network, tmp_path / "run")
    train(pairs[1:3], replace(config, steps=2), network, tmp_path / "run", resume=True)
    record = record_of(str(tmp_path / "run"))
    assert record is not None
    assert [record.has_file(pair.input.path) for pair in pairs] == [True, True, True, False]
    assert [record.has_name(pair.name) for pair in pairs] == [True, True, True, False]


def test_a_record_belongs_to_its_style(trained_style: Path, style: Style) -> None:
    added = add_style(trained_style, "copied")
    try:
        assert (added.folder / TRAINED_PAIRS_NAME).is_file()
        assert record_of("copied") is not None
    finally:
        remove_style("copied")
    (trained_style / TRAINED_PAIRS_NAME).write_bytes(b"another file")
    with pytest.raises(StyleError, match=r"is not the file that style\.toml describes"):
        find_style(str(trained_style))
    with pytest.raises(StyleError, match="cannot be read"):
        record_of_style(read_style(trained_style))
    assert record_of_style(style) is None


def test_folders_that_are_no_network_are_named(data: Path, tmp_path: Path) -> None:
    truth = data / "sketch"
    result = evaluate(truth, truth, "--unseen-by", tmp_path / "nothing")
    assert result.exit_code == 3
    assert "there is no style" in result.stderr
    result = evaluate(truth, truth, "--unseen-by", data)
    assert result.exit_code == 3
    assert "has no checkpoint.pt" in result.stderr


def test_a_style_is_measured_on_what_it_has_not_seen(
    trained_style: Path, data: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    arguments = ["styles", "measure", str(trained_style), str(data), "--json"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["all"]["num_pairs"] == 2
    assert "2 pairs were used for training and are left out: 0, 1" in caplog.text


def test_no_pair_left_is_an_error(data: Path) -> None:
    record = TrainedPairs.of(find_pairs(data, "photo:sketch"))
    with pytest.raises(DataError, match=r"all pairs of .* \(4\) were trained on"):
        held_out_pairs(data, HeldOutChoice(), {"photo:sketch"}, {"mine": record})
