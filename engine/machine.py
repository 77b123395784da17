"""Describe this machine in reports, since measurements mean nothing without it."""

import functools
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pmsgan.engine.gpu import driver_cuda, gpu_names

PACKAGES = (
    "numpy", "onnx", "onnxruntime", "openvino", "pillow", "pycuda", "torch",
    *(f"opencv{contrib}-python{headless}" for contrib in ("", "-contrib")
      for headless in ("", "-headless")),
    *(f"tensorrt{rtx}{cuda}" for rtx in ("", "-rtx") for cuda in ("", "-cu12", "-cu13")),
)  # fmt: skip
"""Packages whose versions affect speed or pixels. Asking for each by its name takes a hundredth of
the time that it takes to read which modules all installed packages have."""
_FLAGS = ("avx2", "avx512", "avx_", "amx", "sve", "asimd", "bf16", "i8mm")
"""Prefixes of CPU flags that make matrix products fast, on x86 and on Arm."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """Processors, memory, and installed versions."""

    cpu: str
    cpu_flags: tuple[str, ...]
    """Flags such as AVX and AMX; empty if the system does not report them."""
    cores: int
    """Number of cores that this process may use."""
    memory_bytes: int | None
    gpus: tuple[str, ...]
    """Name and driver of each NVIDIA GPU."""
    system: str
    python: str
    packages: dict[str, str]
    """Versions of the installed packages among `PACKAGES`."""

    def to_json(self) -> dict[str, Any]:
        """Return the content for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        """Return one line for people."""
        kinds = [name for name in ("AMX", "AVX-512 BF16", "AVX-512", "AVX2") if self._has(name)]
        cores = f"{self.cores} core{'s' * (self.cores != 1)}"
        memory = "" if self.memory_bytes is None else f", {self.memory_bytes / 2**30:.0f} GiB"
        gpus = "".join(f", {gpu}" for gpu in self.gpus)
        return f"{self.cpu}, {cores}{f' ({kinds[0]})' if kinds else ''}{memory}{gpus}"

    def _has(self, kind: str) -> bool:
        start = {"AMX": "amx_tile", "AVX-512 BF16": "avx512_bf16", "AVX-512": "avx512f"}
        return start.get(kind, kind.lower()) in self.cpu_flags


@functools.cache
def examine_machine() -> Machine:
    """Examine this machine once in a process."""
    return Machine(
        cpu=_cpu_facts().get("model name") or _cpu_name(),
        cpu_flags=cpu_flags(),
        cores=count_cores(),
        memory_bytes=memory_bytes(),
        gpus=_gpus(),
        system=platform.platform(),
        python=platform.python_version(),
        packages=_versions(),
    )


def cpu_flags() -> tuple[str, ...]:
    """Return the flags that make matrix products fast; empty if the system does not report them."""
    facts = _cpu_facts()
    flags = (facts.get("flags") or facts.get("Features") or "").split()
    return tuple(sorted(flag for flag in flags if flag.startswith(_FLAGS)))


def computes_bf16() -> bool:
    """Say whether the CPU multiplies matrices in BF16; False if the system does not say."""
    return any("bf16" in flag for flag in cpu_flags())


def count_cores() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def peak_memory_bytes() -> int | None:
    """Return the peak memory of this process [bytes]; None if the system does not report it."""
    if sys.platform == "win32":
        return None
    for line in _lines("/proc/self/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    if sys.platform == "win32":
        return None
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _cpu_facts() -> dict[str, str]:
    """Return Linux's facts about the first processor; empty on other systems."""
    facts: dict[str, str] = {}
    for line in _lines("/proc/cpuinfo"):
        name, _, value = line.partition(":")
        facts.setdefault(name.strip(), value.strip())
    return facts


def _cpu_name() -> str:
    if sys.platform == "darwin":
        return _output("sysctl", "-n", "machdep.cpu.brand_string") or platform.machine()
    return platform.processor() or platform.machine()


def memory_bytes() -> int | None:
    """Return the memory of this machine [bytes]; None if the system does not report it."""
    if sys.platform == "win32":
        return None
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (OSError, ValueError):
        return None


def _gpus() -> tuple[str, ...]:
    if not (names := gpu_names()):
        return ()
    version = next(iter(_lines("/sys/module/nvidia/version")), None)
    if version is None and (cuda := driver_cuda()) is not None:
        version = f"for CUDA {cuda[0]}.{cuda[1]}"
    return tuple(f"{name}, driver {version}" for name in names)


def _versions() -> dict[str, str]:
    versions = {}
    for package in PACKAGES:
        with suppress(importlib.metadata.PackageNotFoundError):
            versions[package] = importlib.metadata.version(package)
    return versions


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


def _output(*command: str) -> str:
    """Return the output of a program; empty if it is not installed or fails."""
    if (program := shutil.which(command[0])) is None:
        return ""
    try:
        ended = subprocess.run(
            [program, *command[1:]], capture_output=True, text=True, timeout=20, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return ended.stdout.strip()
