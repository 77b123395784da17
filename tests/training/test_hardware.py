"""Several processes that train together, on the CPU."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import torch

from pmsgan.errors import ConfigError
from pmsgan.training import hardware
from pmsgan.training.checkpoint import load_checkpoint
from pmsgan.training.config import TrainingConfig
from pmsgan.training.hardware import make_fabric, others_ended_on_error, set_threads

ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}

RUN = """
import sys
from pathlib import Path

from lightning_fabric import Fabric

from pmsgan.data.pairs import find_pairs
from pmsgan.model.config import GeneratorConfig
from pmsgan.training.config import TrainingConfig
from pmsgan.training.loop import train

data, out, devices, batch_size = Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:])
config = TrainingConfig(
    steps=3, save_every=1, perceptual="l1", size=96, num_readers=0, gradient_clip=1.0,
    devices=devices, batch_size=batch_size,
)
# In double precision, since Adam's first steps, of the size of the learning rate whatever the
# gradient, turn differences in rounding into differences of weights.
fabric = Fabric(accelerator="cpu", devices=devices, precision="64-true")
network = GeneratorConfig(base_channels=4, num_residual_blocks=1)
train(find_pairs(data, "left:right"), config, network, out, fabric=fabric)
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for index in range(6):
        coarse = rng.integers(0, 256, (4, 8, 3), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{index}.png"), cv2.resize(coarse, (192, 96)))
    return folder


def test_two_processes_with_batch_1_equal_one_with_batch_2(data: Path, tmp_path: Path) -> None:
    script = tmp_path / "run.py"
    script.write_text(RUN)
    for out, devices, batch_size in (("one", 1, 2), ("two", 2, 1)):
        command = [sys.executable, script, data, tmp_path / out, str(devices), str(batch_size)]
        subprocess.run(command, check=True, env=ENVIRONMENT, timeout=300)
    one, two = (
        [json.loads(line) for line in (tmp_path / out / "metrics.jsonl").read_text().splitlines()]
        for out in ("one", "two")
    )
    assert [line["step"] for line in two] == [1, 2, 3]
    for alone, together in zip(one, two, strict=True):
        for name in ("discriminator", "perceptual", "adversarial"):
            assert together[name] == pytest.approx(alone[name], abs=1e-5)
    states = [load_checkpoint(tmp_path / out / "checkpoint.pt") for out in ("one", "two")]
    for network in ("generator", "discriminators"):
        weights, others = (state[network] for state in states)
        for name, weight in weights.items():
            assert torch.allclose(weight, others[name], rtol=0, atol=1e-5), name


def test_ctrl_c_stops_all_processes_after_the_same_step(data: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    command = [
        sys.executable, "-m", "pmsgan", "train", data, "--out", out, "--devices", "2", "--steps",
        "100000", "--perceptual", "l1", "--size", "96", "--base-channels", "2", "--readers", "0",
        "--save-every", "1",
    ]  # fmt: skip
    run = subprocess.Popen(
        [str(part) for part in command],
        env=ENVIRONMENT,
        start_new_session=True,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        for _ in range(1200):
            if (out / "metrics.jsonl").exists():
                break
            time.sleep(0.1)
        os.killpg(run.pid, signal.SIGINT)
        _, told = run.communicate(timeout=120)
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
    assert run.returncode == 130, told
    done = load_checkpoint(out / "checkpoint.pt")["num_steps_done"]
    assert done > 0
    assert told.count(f"saved after step {done}") == 1


@pytest.mark.parametrize("variable", ["WORLD_SIZE", "SLURM_NTASKS"])
def test_another_number_of_processes_than_devices_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "4")
    with pytest.raises(ConfigError, match="4 processes were started for 1 device on 1 node:"):
        make_fabric(TrainingConfig())


def test_a_failing_process_ends_those_that_it_has_launched() -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    launcher = SimpleNamespace(procs=[child])
    fabric = SimpleNamespace(strategy=SimpleNamespace(launcher=launcher))
    with pytest.raises(OSError, match="disk full"), others_ended_on_error(fabric):  # type: ignore[arg-type]
        raise OSError("disk full")
    assert child.wait(timeout=60) == -signal.SIGTERM


def test_fp16_without_a_gpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ConfigError, match="fp16, which needs a GPU: use bf16"):
        make_fabric(TrainingConfig(precision="fp16"))


def test_more_gpus_than_there_are_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(ConfigError, match="devices is 4: this machine has 2 GPUs"):
        make_fabric(TrainingConfig(devices=4))


def test_busy_cores_are_those_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([(1000, 4000), (1030, 4040)])
    monkeypatch.setattr(hardware, "_clock_ticks", lambda: next(ticks))
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "getloadavg", lambda: (7.5, 0.0, 0.0))
    assert hardware._busy_cores() == pytest.approx(2.0)  # a quarter of eight
    monkeypatch.setattr(hardware, "_clock_ticks", lambda: int("no /proc/stat"))
    assert hardware._busy_cores() == 7.5


@pytest.mark.parametrize(
    ("num_cores", "load", "num_processes", "expected"),
    [(8, 0.2, 1, 8), (8, 2.6, 1, 5), (8, 0.0, 2, 4), (2, 9.5, 1, 1), (2, 0.0, 4, 1)],
)
def test_threads_are_the_cores_that_are_idle(
    num_cores: int,
    load: float,
    num_processes: int,
    expected: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    used: list[int] = []
    monkeypatch.setattr(torch, "set_num_threads", used.append)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(hardware, "count_cores", lambda: num_cores)
    monkeypatch.setattr(hardware, "_busy_cores", lambda: load)
    fabric = SimpleNamespace(device=torch.device("cpu"), is_global_zero=True)
    set_threads(TrainingConfig(devices=num_processes), fabric)  # type: ignore[arg-type]
    set_threads(TrainingConfig(num_threads=3), fabric)  # type: ignore[arg-type]
    monkeypatch.setenv("OMP_NUM_THREADS", "5")  # torch has read it
    set_threads(TrainingConfig(), fabric)  # type: ignore[arg-type]
    assert used == [expected, 3]
