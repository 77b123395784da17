"""Choose the processors of a run, through Lightning Fabric."""

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins import MixedPrecision
from lightning_fabric.plugins import Precision as FabricPrecision

from pmsgan.counts import count
from pmsgan.engine.machine import count_cores
from pmsgan.errors import ConfigError
from pmsgan.training.config import Precision, TrainingConfig

_log = logging.getLogger(__name__)

WATCHED_S = 0.2
"""How long the cores are watched to learn which are idle [seconds]."""
SCALE_GROWTH_INTERVAL = 200
"""Updates without an overflow after which the loss scale of fp16 doubles.

An untrained generator makes almost flat pictures, whose instance norm has gradients so large that
the scale falls below 1; torch's interval of 2000 would keep it there for most of a run.
"""


def make_fabric(config: TrainingConfig) -> Fabric:
    """Return the Fabric that starts the processes of a run and lets them train together.

    GPUs where there are any, else the CPU. Under torchrun or Slurm the processes are there
    already; otherwise `launch` starts this program again for each further device.

    Raises:
        ConfigError: this machine has too few GPUs, or none for fp16; or torchrun or Slurm started
            another number of processes than the config has devices.
    """
    started = int(os.environ.get("WORLD_SIZE") or os.environ.get("SLURM_NTASKS") or 0)
    if started not in (0, config.devices * config.num_nodes):
        raise ConfigError(
            f"{count(started, 'process was', 'processes were')} started for "
            f"{count(config.devices, 'device')} on {count(config.num_nodes, 'node')}: give "
            "--devices and --num-nodes the same numbers as torchrun or Slurm"
        )
    num_gpus = torch.cuda.device_count()
    if not num_gpus and config.precision == "fp16":
        raise ConfigError("precision is fp16, which needs a GPU: use bf16 or fp32")
    if 0 < num_gpus < config.devices:
        raise ConfigError(f"devices is {config.devices}: this machine has {count(num_gpus, 'GPU')}")
    accelerator = "cuda" if num_gpus else "cpu"
    return Fabric(
        accelerator=accelerator,
        devices=config.devices,
        num_nodes=config.num_nodes,
        plugins=[make_precision(config.precision, accelerator)],
    )


def set_threads(config: TrainingConfig, fabric: Fabric) -> None:
    """Set how many threads this process computes with on a CPU.

    Without a number in the config, OMP_NUM_THREADS counts, and without that the cores that are
    idle now, divided among the processes on this machine.
    """
    if config.num_threads:
        torch.set_num_threads(config.num_threads)
    elif fabric.device.type == "cpu" and "OMP_NUM_THREADS" not in os.environ:
        num_cores = count_cores()
        num_threads = _idle_cores(num_cores, _busy_cores(), config.devices)
        torch.set_num_threads(num_threads)
        if fabric.is_global_zero and num_threads * config.devices < num_cores:
            _log.info(
                "computing with %s, since the rest of %d cores are busy; --threads sets another "
                "number",
                count(num_threads * config.devices, "thread"), num_cores,
            )  # fmt: skip


def _idle_cores(num_cores: int, num_busy: float, num_processes: int) -> int:
    """Return the idle cores for each process, at least 1."""
    return max(1, (num_cores - round(num_busy)) // num_processes)


def _busy_cores() -> float:
    """Return how many cores are busy now or, where the system does not say, in the last minute."""
    try:
        before = _clock_ticks()
        time.sleep(WATCHED_S)
        idle, total = (after - old for after, old in zip(_clock_ticks(), before, strict=True))
        return (os.cpu_count() or 1) * (1.0 - idle / total)
    except (OSError, ValueError, ZeroDivisionError):  # not Linux
        return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0  # Windows has none


def _clock_ticks() -> tuple[int, int]:
    """Return for how long all cores together have been idle, and the time of all cores [ticks]."""
    with Path("/proc/stat").open(encoding="ascii") as file:
        ticks = [int(word) for word in file.readline().split()[1:]]
    return ticks[3] + ticks[4], sum(ticks[:8])


@contextmanager
def others_ended_on_error(fabric: Fabric) -> Iterator[None]:
    """End the processes that this one has launched when it fails.

    They would wait for it in the next exchange of gradients; Fabric only watches the other
    direction.
    """
    try:
        yield
    except BaseException:
        for process in getattr(fabric.strategy.launcher, "procs", ()):
            process.terminate()
        raise


def make_precision(precision: Precision, device_type: str) -> FabricPrecision:
    """Return the plugin that casts to `precision` and, for fp16, scales the losses."""
    if precision == "fp32":
        return FabricPrecision()
    if precision == "bf16":
        return MixedPrecision("bf16-mixed", device_type)
    scaler = torch.amp.GradScaler(device_type, growth_interval=SCALE_GROWTH_INTERVAL)
    return MixedPrecision("16-mixed", device_type, scaler)
