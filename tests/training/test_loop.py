import gc
import json
import multiprocessing
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from pmsgan.data.pairs import Pair, find_pairs
from pmsgan.data.picture_file import PictureFile
from pmsgan.data.stream import PairStream
from pmsgan.errors import CheckpointError, ConfigError, DataError, TrainingError
from pmsgan.model.config import GeneratorConfig
from pmsgan.model.network import Network
from pmsgan.training import loop
from pmsgan.training.checkpoint import load_checkpoint
from pmsgan.training.checks import check_files
from pmsgan.training.config import TrainingConfig
from pmsgan.training.loop import train
from pmsgan.training.perceptual import vgg19_features
from pmsgan.training.run_folder import CHECKPOINT_NAME
from pmsgan.training.trained import load_best
from pmsgan.training.trainer import Trainer
from pmsgan.training.validation import Validation

NETWORK = GeneratorConfig(base_channels=4, num_residual_blocks=1)
SETTINGS = TrainingConfig(
    steps=4, perceptual="l1", size=96, save_every=2, ema_decay=0.5, num_readers=0
)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[Pair]:
    folder = tmp_path_factory.mktemp("pairs")
    rng = np.random.default_rng(0)
    for index in range(3):
        coarse = rng.integers(0, 256, (4, 8, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{index}.png"), cv2.resize(coarse, (192, 96)))
    return find_pairs(folder, "left:right")


def test_a_run_leaves_config_checkpoint_and_samples(pairs: list[Pair], tmp_path: Path) -> None:
    generator, num_steps = train(pairs, SETTINGS, NETWORK, tmp_path)
    assert num_steps == 4
    assert generator.config == NETWORK
    config = json.loads((tmp_path / "config.json").read_text())
    assert config["training"]["steps"] == 4
    assert config["generator"]["base_channels"] == 4
    assert load_checkpoint(tmp_path / CHECKPOINT_NAME)["num_steps_done"] == 4
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [2, 4]
    samples = sorted(path.name for path in (tmp_path / "samples").iterdir())
    assert samples == ["step_0000002.png", "step_0000004.png"]
    assert cv2.imread(str(tmp_path / "samples" / samples[0])).shape == (3 * 96, 5 * 96, 3)


def test_samples_are_of_held_out_pairs_where_there_are_any(
    pairs: list[Pair], tmp_path: Path
) -> None:
    config = replace(SETTINGS, steps=1)
    train(pairs[1:], config, NETWORK, tmp_path, held_out=pairs[:1])
    grid = cv2.imread(str(tmp_path / "samples" / "step_0000001.png"))
    assert (grid[:, :96] == pairs[0].input.read()).all()
    assert (grid[:, -96:] == pairs[0].target.read()).all()


def test_the_checkpoint_that_is_nearest_to_the_held_out_pairs_is_kept(
    pairs: list[Pair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distances = iter([Validation(9.0, 50.0), Validation(7.0, 50.0), Validation(8.0, 50.0)])
    kept = []

    def measure(network: Network, seen: Sequence[Pair], size: int) -> Validation:
        assert (list(seen), size) == (pairs[:1], 96)
        kept.append({name: it.clone() for name, it in network.state_dict().items()})
        return next(distances)

    monkeypatch.setattr(loop, "validate", measure)
    config = replace(SETTINGS, steps=2, save_every=1)
    train(pairs[1:], config, NETWORK, tmp_path, held_out=pairs[:1])
    train(pairs[1:], replace(config, steps=3), NETWORK, tmp_path, held_out=pairs[:1], resume=True)
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["held_out_l1"] for line in lines] == [9.0, 7.0, 8.0]
    best = load_best(tmp_path).generator.state_dict()
    assert all(torch.equal(best[name], tensor) for name, tensor in kept[1].items())


def test_without_held_out_pairs_there_is_no_best(pairs: list[Pair], tmp_path: Path) -> None:
    train(pairs, replace(SETTINGS, steps=1), NETWORK, tmp_path)
    with pytest.raises(CheckpointError, match=r"has no best\.pt: it is only written if pairs are"):
        load_best(tmp_path)


def test_an_under_trained_network_is_named(
    pairs: list[Pair], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = replace(SETTINGS, steps=1, lambda_adversarial=0.0)
    train(pairs, config, NETWORK, tmp_path)
    assert "the network is under-trained: its results differ" in caplog.text


def test_four_steps_equal_two_and_two_resumed_bit_for_bit(
    pairs: list[Pair], tmp_path: Path
) -> None:
    config = replace(SETTINGS, num_readers=2)
    whole, _ = train(pairs, config, NETWORK, tmp_path / "whole")
    train(pairs, replace(config, steps=2), NETWORK, tmp_path / "parts")
    resumed, _ = train(pairs, config, NETWORK, tmp_path / "parts", resume=True)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name
    one, other = (
        load_checkpoint(tmp_path / run / CHECKPOINT_NAME)["discriminators"]
        for run in ("whole", "parts")
    )
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_ctrl_c_ends_after_the_step_and_saves(
    pairs: list[Pair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_step = Trainer.step

    def step(self: Trainer, source: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        if self.num_steps_done == 0:
            os.kill(os.getpid(), signal.SIGINT)
        return real_step(self, source, target)

    monkeypatch.setattr(Trainer, "step", step)
    handler = signal.getsignal(signal.SIGINT)
    _, num_steps = train(pairs, SETTINGS, NETWORK, tmp_path)
    assert num_steps == 1
    assert load_checkpoint(tmp_path / CHECKPOINT_NAME)["num_steps_done"] == 1
    assert signal.getsignal(signal.SIGINT) is handler


def test_readers_outlive_signals_to_the_whole_process_group(
    pairs: list[Pair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_step = Trainer.step

    def step(self: Trainer, source: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        if self.num_steps_done == 0:
            for child in multiprocessing.active_children():
                assert child.pid is not None
                os.kill(child.pid, signal.SIGTERM)
                os.kill(child.pid, signal.SIGINT)
        if self.num_steps_done == 5:  # beyond what the readers had prepared
            os.kill(os.getpid(), signal.SIGTERM)
        return real_step(self, source, target)

    monkeypatch.setattr(Trainer, "step", step)
    config = replace(SETTINGS, steps=8, lambda_adversarial=0.0, num_readers=1, load_size=100)
    _, num_steps = train(pairs, config, NETWORK, tmp_path)
    assert num_steps == 6
    assert load_checkpoint(tmp_path / CHECKPOINT_NAME)["num_steps_done"] == 6


def test_a_folded_network_names_a_crop_that_it_cannot_take(
    pairs: list[Pair], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="crop is 100, which is not a multiple of 8: try 96"):
        train(pairs, replace(SETTINGS, crop=100, size=104), replace(NETWORK, fold=2), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_loss_on_rgb_1_needs_mssa(pairs: list[Pair], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"lambda_rgb1 is 1\.0: without MSSA"):
        train(
            pairs, replace(SETTINGS, lambda_rgb1=1.0), replace(NETWORK, ablation="csasp"), tmp_path
        )


def test_a_run_is_not_overwritten_by_accident(pairs: list[Pair], tmp_path: Path) -> None:
    config = replace(SETTINGS, steps=1)
    with pytest.raises(CheckpointError, match="nothing to resume"):
        train(pairs, config, NETWORK, tmp_path, resume=True)
    train(pairs, config, NETWORK, tmp_path)
    with pytest.raises(CheckpointError, match="--resume"):
        train(pairs, config, NETWORK, tmp_path)
    with pytest.raises(CheckpointError, match="another network"):
        train(pairs, config, replace(NETWORK, base_channels=6), tmp_path, resume=True)
    with pytest.raises(CheckpointError, match=r"trained with --ema-decay 0\.5, not 0\.0: use its"):
        train(pairs, replace(config, ema_decay=0.0), NETWORK, tmp_path, resume=True)
    with pytest.raises(DataError, match="no pairs"):
        train([], config, NETWORK, tmp_path / "other")


def test_a_run_in_another_thread_leaves_signals_alone(pairs: list[Pair], tmp_path: Path) -> None:
    handler = signal.getsignal(signal.SIGINT)
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(train, pairs, replace(SETTINGS, steps=1), NETWORK, tmp_path)
        assert run.result()[1] == 1
    assert signal.getsignal(signal.SIGINT) is handler


def test_vgg_is_the_perceptual_loss_unless_l1_is_asked_for(
    pairs: list[Pair], tmp_path: Path
) -> None:
    with pytest.raises(CheckpointError, match="VGG-19"):
        train(
            pairs,
            TrainingConfig(size=96, num_readers=0),
            NETWORK,
            tmp_path,
            vgg_weights=tmp_path / "missing",
        )
    features = vgg19_features()
    state = {f"features.{name}": tensor for name, tensor in features.state_dict().items()}
    torch.save(state, tmp_path / "vgg.pth")
    config = replace(SETTINGS, steps=1, perceptual="vgg19", num_readers=0)
    _, done = train(pairs, config, NETWORK, tmp_path / "run", vgg_weights=tmp_path / "vgg.pth")
    assert done == 1


def test_a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_checkpoint(
    pairs: list[Pair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_step = Trainer.step

    def step(self: Trainer, source: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        losses = real_step(self, source, target)
        return losses | ({"perceptual": torch.tensor(torch.nan)} if self.num_steps_done > 3 else {})

    monkeypatch.setattr(Trainer, "step", step)
    with pytest.raises(
        TrainingError, match=r"perceptual loss is nan at step 4: .*--resume"
    ) as error:
        train(pairs, replace(SETTINGS, num_readers=1), NETWORK, tmp_path)
    assert error.tb  # it holds the frames of the run, but no reader that Python would wait for
    assert not multiprocessing.active_children()
    assert load_checkpoint(tmp_path / CHECKPOINT_NAME)["num_steps_done"] == 2


def test_single_broken_pictures_are_named_and_many_end_the_run(
    pairs: list[Pair], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = [
        Pair(
            str(index),
            PictureFile(tmp_path / f"{index}.png"),
            PictureFile(tmp_path / f"{index}.png"),
        )
        for index in range(2)
    ]
    train([*pairs, broken[0]], replace(SETTINGS, steps=8), NETWORK, tmp_path / "few")
    assert capsys.readouterr().err.count("0.png cannot be read") == 1
    with pytest.raises(DataError, match="2 pictures cannot be read, more than 1%"):
        train([*pairs, *broken], replace(SETTINGS, steps=10), NETWORK, tmp_path / "many")


def test_a_resumed_run_learns_at_its_own_rate_and_names_what_changed(
    pairs: list[Pair], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    train(pairs, replace(SETTINGS, steps=1), NETWORK, tmp_path)
    slower = replace(SETTINGS, steps=2, learning_rate=1e-5, flip=False)
    train(pairs, slower, NETWORK, tmp_path, resume=True)
    state = load_checkpoint(tmp_path / CHECKPOINT_NAME)
    for name in ("generator_optimizer", "discriminator_optimizer"):
        assert state[name]["param_groups"][0]["lr"] == 1e-5
    changed = (
        "different settings so far: --flip, not --no-flip and --learning-rate 0.0002, not 1e-05"
    )
    assert changed in caplog.text


def test_a_run_is_not_resumed_in_another_direction(pairs: list[Pair], tmp_path: Path) -> None:
    train(pairs, replace(SETTINGS, steps=1), NETWORK, tmp_path)
    turned = replace(SETTINGS, steps=2, direction="right:left")
    with pytest.raises(CheckpointError, match=r"trained with --direction .*, not right:left: use"):
        train(pairs, turned, NETWORK, tmp_path, resume=True)
    with pytest.raises(CheckpointError, match=r"not right:left: use its direction"):  # --dry-run
        check_files(turned, NETWORK, tmp_path, resume=True, initial_style=None, vgg_weights=None)


def test_a_checkpoint_of_another_program_is_refused(pairs: list[Pair], tmp_path: Path) -> None:
    torch.save({"epoch": 3}, tmp_path / CHECKPOINT_NAME)
    with pytest.raises(CheckpointError, match="not a checkpoint of pmsgan: it lacks"):
        train(pairs, SETTINGS, NETWORK, tmp_path, resume=True)


def test_a_run_folder_that_cannot_be_made_is_named(pairs: list[Pair], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CheckpointError, match=r"cannot write to .*file: give another --out"):
        train(pairs, SETTINGS, NETWORK, tmp_path / "file")


def test_samples_that_cannot_be_written_do_not_end_the_run(
    pairs: list[Pair], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "samples").touch()
    _, done = train(pairs, replace(SETTINGS, steps=1), NETWORK, tmp_path)
    assert done == 1
    assert "cannot write the samples" in caplog.text


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("without_collector")
def test_any_error_in_a_worker_ends_it(
    pairs: list[Pair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PairStream, "__getitem__", None)
    with pytest.raises(TypeError, match="Caught TypeError in DataLoader worker"):
        train(pairs, replace(SETTINGS, num_readers=1), NETWORK, tmp_path / "run")
    assert not multiprocessing.active_children()


@pytest.mark.usefixtures("without_collector")
def test_an_error_in_a_worker_is_one_line_and_ends_it(tmp_path: Path) -> None:
    missing = PictureFile(tmp_path / "missing.png")
    with pytest.raises(DataError) as caught:
        train(
            [Pair("a", missing, missing)],
            replace(SETTINGS, num_readers=1),
            NETWORK,
            tmp_path / "run",
        )
    assert str(caught.value).startswith("no pair can be read; the first reason: ")
    assert "\n" not in str(caught.value)
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"),
    ],
)
def test_out_of_memory_names_what_to_lower(
    pairs: list[Pair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: RuntimeError
) -> None:
    def step(self: Trainer, source: torch.Tensor, target: torch.Tensor) -> None:
        raise error

    monkeypatch.setattr(Trainer, "step", step)
    with pytest.raises(TrainingError, match="--batch-size 1 at 96x96 pixels: lower"):
        train(pairs, SETTINGS, NETWORK, tmp_path)


def test_the_death_of_another_process_is_told_from_a_fault_of_ones_own(
    pairs: list[Pair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(self: Trainer, source: torch.Tensor, target: torch.Tensor) -> None:
        raise RuntimeError("[gloo/transport/tcp/pair.cc:553] Connection closed by peer [::1]:1")

    monkeypatch.setattr(Trainer, "step", step)
    with pytest.raises(TrainingError, match="another process of this run has ended"):
        train(pairs, SETTINGS, NETWORK, tmp_path)


def test_other_errors_stay_what_they_are(
    pairs: list[Pair], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(self: Trainer, source: torch.Tensor, target: torch.Tensor) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Trainer, "step", step)
    with pytest.raises(RuntimeError, match="a bug"):
        train(pairs, SETTINGS, NETWORK, tmp_path)
