"""From a folder of pairs to a style, as a Python program does it."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from pmsgan.data.trained_pairs import TrainedPairs
from pmsgan.errors import CheckpointError, ConfigError, DataError, StyleError
from pmsgan.evaluation.trained import record_of_style
from pmsgan.export.description import write_scaling
from pmsgan.model.config import GeneratorConfig
from pmsgan.styles.registry import TRAINED_PAIRS_NAME, read_style
from pmsgan.styles.scaling import Scaling
from pmsgan.training import train_style
from pmsgan.training.config import TrainingConfig
from pmsgan.training.grey_start import warn_of_grey_start
from pmsgan.training.style import check_training, plan_training
from pmsgan.training.style_network import load_style_network
from pmsgan.training.trainer import Trainer

NETWORK = GeneratorConfig(base_channels=4, num_residual_blocks=1, attention_reduction=1)
SETTINGS = TrainingConfig(
    steps=8, perceptual="l1", size=96, learning_rate=0.002, direction="sketch:face", num_readers=0
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(0)
    for side in ("sketch", "face"):
        (tmp_path / "data" / side).mkdir(parents=True)
        for name in "abc":
            coarse = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
            path = tmp_path / "data" / side / f"{name}.png"
            cv2.imwrite(str(path), cv2.resize(coarse, (96, 96)))
    return tmp_path / "data"


def test_a_style_says_what_it_was_trained_on(data: Path, tmp_path: Path) -> None:
    (data / "train.txt").write_text("a\nb\n")
    result = train_style(
        data,
        SETTINGS,
        NETWORK,
        run_folder=tmp_path / "run",
        style=str(tmp_path / "mine"),
        train_list=data / "train.txt",
    )
    assert (result.num_steps, result.is_complete, result.leads) == (8, True, True)
    assert result.style is not None
    assert result.style.path.parent == tmp_path / "mine"
    style = read_style(tmp_path / "mine")
    assert (style.input, style.output, style.height, style.width) == ("sketch", "face", 96, 96)
    assert style.origin["num_pairs"] == 2
    trained = TrainedPairs.from_bytes((style.folder / TRAINED_PAIRS_NAME).read_bytes())
    known = [trained.has_file(data / "sketch" / f"{name}.png") for name in "abc"]
    assert known == [True, True, False]
    style.verify()
    assert set(style.expects) == {"colour", "ground"}
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert config["generator"]["base_channels"] == 4


def test_no_pairs_are_no_grey_pairs(caplog: pytest.LogCaptureFixture) -> None:
    warn_of_grey_start(load_style_network("ink", task="train it further"), [])
    assert not caplog.text


@pytest.mark.parametrize(
    ("initial", "has_colour", "is_warned"),
    [("ink", True, True), ("ink", False, False), ("comic", True, False)],
)
def test_a_grey_start_for_coloured_targets_is_warned_of(
    data: Path, caplog: pytest.LogCaptureFixture, initial: str, has_colour: bool, is_warned: bool
) -> None:
    if not has_colour:
        for path in (data / "face").iterdir():
            cv2.imwrite(str(path), cv2.imread(str(path), cv2.IMREAD_GRAYSCALE))
    plan_training(data, SETTINGS, initial_style=initial)
    assert (f"the style {initial} draws in grey" in caplog.text) == is_warned


def test_a_style_learns_from_another_and_counts_its_pairs_as_seen(
    data: Path, tmp_path: Path
) -> None:
    train_style(data, SETTINGS, NETWORK, run_folder=tmp_path / "a", style=str(tmp_path / "large"))
    others = Path(shutil.copytree(data, tmp_path / "others"))
    for path in others.glob("*/*.png"):
        cv2.imwrite(str(path), 255 - cv2.imread(str(path)))
    small = replace(NETWORK, fold=2)
    taught = train_style(
        others, replace(SETTINGS, steps=1), small, run_folder=tmp_path / "b",
        style=str(tmp_path / "small"), teacher=str(tmp_path / "large"),
    )  # fmt: skip
    assert taught.generator.config == small
    large, style = read_style(tmp_path / "large"), read_style(tmp_path / "small")
    assert style.origin["teacher"] == "large"
    seen, seen_in_all = record_of_style(large), record_of_style(style)
    assert seen is not None
    assert seen_in_all is not None
    assert set(seen.files) < set(seen_in_all.files)


def test_a_training_from_a_style_begins_with_its_weights(data: Path, tmp_path: Path) -> None:
    first = train_style(
        data, SETTINGS, NETWORK, run_folder=tmp_path / "first", style=str(tmp_path / "old")
    )
    others = Path(shutil.copytree(data, tmp_path / "others"))
    for path in others.glob("*/*.png"):
        cv2.imwrite(str(path), 255 - cv2.imread(str(path)))
    frozen = replace(SETTINGS, steps=1, learning_rate=0.0, seed=1)
    second = train_style(
        others,
        frozen,
        run_folder=tmp_path / "second",
        style=str(tmp_path / "new"),
        initial_style=str(tmp_path / "old"),
    )
    assert second.generator.config == NETWORK
    before, after = first.generator.state_dict(), second.generator.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    old, new = read_style(tmp_path / "old"), read_style(tmp_path / "new")
    assert new.origin["initial_style"] == "old"
    seen, seen_in_all = record_of_style(old), record_of_style(new)
    assert seen is not None
    assert seen_in_all is not None
    assert set(seen.files) < set(seen_in_all.files)
    assert len(seen_in_all.files) == 2 * len(seen.files)
    with pytest.raises(ConfigError, match="network: --base-channels 4, not 8; leave out"):
        train_style(
            data,
            SETTINGS,
            replace(NETWORK, base_channels=8),
            run_folder=tmp_path / "third",
            initial_style=str(tmp_path / "old"),
        )


def test_a_run_is_not_resumed_from_another_style_than_it_began_from(
    data: Path, tmp_path: Path
) -> None:
    once, run = replace(SETTINGS, steps=1), tmp_path / "run"
    for name in ("first", "second"):
        train_style(
            data, once, NETWORK, run_folder=tmp_path / name, style=str(tmp_path / f"{name}_style")
        )
    first, second = (str(tmp_path / f"{name}_style") for name in ("first", "second"))
    train_style(data, once, run_folder=run, initial_style=first)
    twice = replace(SETTINGS, steps=2)
    said = "began from first_style, not from second_style: resume it with --from first_style, or "
    with pytest.raises(CheckpointError, match=said):
        train_style(data, twice, run_folder=run, resume=True, initial_style=second)
    with pytest.raises(CheckpointError, match=said):
        check_training(plan_training(data, twice, initial_style=second), run, resume=True)
    with pytest.raises(CheckpointError, match="began from random weights, not from second_style"):
        train_style(data, twice, run_folder=tmp_path / "first", resume=True, initial_style=second)
    train_style(data, twice, NETWORK, run_folder=run, resume=True, style=str(tmp_path / "resumed"))
    assert read_style(tmp_path / "resumed").origin["initial_style"] == "first_style"


@pytest.mark.parametrize(("load_size", "mode"), [(96, "plain"), (128, "tiles")])
def test_a_training_from_a_style_with_tiles_on_crops_keeps_them(
    data: Path, tmp_path: Path, load_size: int, mode: str
) -> None:
    once = replace(SETTINGS, steps=1)
    train_style(data, once, NETWORK, run_folder=tmp_path / "first", style=str(tmp_path / "old"))
    tiles = Scaling(mode="tiles", working_size=384, min_size=64, figures={"num_pairs": 20})
    write_scaling(tmp_path / "old", tiles)
    train_style(
        data,
        replace(once, load_size=load_size, crop=96),
        run_folder=tmp_path / "second",
        style=str(tmp_path / "new"),
        initial_style=str(tmp_path / "old"),
    )
    new = read_style(tmp_path / "new").scaling
    assert new.mode == mode
    if mode == "tiles":
        assert new == Scaling(mode="tiles", working_size=384, min_size=96)


def test_an_interrupted_training_makes_no_style(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pmsgan.training.loop._all_stop", lambda *arguments: True)
    result = train_style(
        data, SETTINGS, NETWORK, run_folder=tmp_path / "run", style=str(tmp_path / "mine")
    )
    assert (result.num_steps, result.is_complete, result.style) == (1, False, None)
    assert not (tmp_path / "mine").exists()


def test_a_plan_finds_what_is_wrong_before_anything_is_written(data: Path, tmp_path: Path) -> None:
    plan = plan_training(data, SETTINGS)
    assert (len(plan.split.train), plan.folder, plan.leads) == (3, None, True)
    with pytest.raises(StyleError, match="is not a style"):
        plan_training(data, SETTINGS, style=str(data))
    with pytest.raises(DataError, match=r"cufs has 606 pairs.*has 3: complete the data set"):
        train_style(data, SETTINGS, run_folder=tmp_path / "run", preset="cufs")
    with pytest.raises(DataError, match="holds no side-by-side pictures"):
        plan_training(data, replace(SETTINGS, direction="left:right"))
    assert not (tmp_path / "run").exists()


def test_pictures_that_cannot_be_read_cost_no_style(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = Trainer.step

    def step_and_break(self: Trainer, *images: object) -> object:
        (data / "sketch" / "a.png").write_bytes(b"no picture")
        return step(self, *images)  # type: ignore[arg-type]

    monkeypatch.setattr(Trainer, "step", step_and_break)
    result = train_style(
        data, SETTINGS, NETWORK, run_folder=tmp_path / "run", style=str(tmp_path / "mine")
    )
    assert result.style is not None


def test_a_check_finds_all_that_would_stop_the_run(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    plan = plan_training(data, SETTINGS, NETWORK)
    run = tmp_path / "run"
    check_training(plan, run)
    with pytest.raises(CheckpointError, match="nothing to resume"):
        check_training(plan, run, resume=True)
    with pytest.raises(ConfigError, match="--best needs held-out pairs"):
        check_training(plan, run, best=True)
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match="cannot write to"):
        check_training(plan, tmp_path / "file" / "run")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    for perceptual in ("auto", "vgg19"):
        config = replace(SETTINGS, perceptual=perceptual)
        plan = plan_training(data, config, NETWORK)
        if perceptual == "auto":
            check_training(plan, run)
            assert "the weights of VGG-19 would be downloaded" in caplog.text
        else:
            with pytest.raises(CheckpointError, match="--vgg-weights"):
                check_training(plan, run)
    with pytest.raises(CheckpointError, match="--vgg-weights"):
        check_training(plan, run, vgg_weights=tmp_path / "missing")
    assert not run.exists()
    train_style(data, replace(SETTINGS, steps=1), NETWORK, run_folder=run)
    check_training(plan_training(data, SETTINGS, NETWORK), run, resume=True)
    with pytest.raises(CheckpointError, match="continue with --resume"):
        check_training(plan_training(data, SETTINGS, NETWORK), run)
    wider = replace(NETWORK, base_channels=6)
    with pytest.raises(CheckpointError, match="another network"):
        check_training(plan_training(data, SETTINGS, wider), run, resume=True)
