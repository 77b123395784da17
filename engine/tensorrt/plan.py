"""Write plans to the cache and read them.

A plan is native code, so no part of a file reaches TensorRT before its digest and its key have been
checked; its header says what it was built for and how.
"""

import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from pmsgan.engine.cache import cache_folder, require_cache_folder
from pmsgan.engine.sealed import StaleFileError, read_sealed, write_sealed
from pmsgan.engine.tensorrt.build import BuildConfig
from pmsgan.engine.tensorrt.product import ProductName

MAGIC = b"pmsgan-plan-2 "


@dataclass(frozen=True, kw_only=True, slots=True)
class EnginePlanKey:
    """Everything that a plan depends on; a plan with any other value is built again."""

    graph_sha256: str
    """The graph, and its calibration if it has one."""
    product: ProductName
    version: str
    """Version of the product."""
    capability: str
    """Compute capability, such as 8.9, or portable."""
    gpu: str
    """Name of the GPU; empty if the plan runs on every GPU of its capability."""
    driver: int
    """CUDA version that the driver supports, such as 13000; 0 if the plan does not depend on it."""
    precision: str
    """Arithmetic: fp16, fp32 or int8."""
    height: int
    """Height in pixels."""
    width: int
    """Width in pixels."""
    max_batch: int

    @property
    def file_name(self) -> str:
        """Name of the plan in the cache folder of its product."""
        return f"{self._name}.plan"

    @property
    def kernels_name(self) -> str:
        """Name of the cache of kernels that the plan's runtime has compiled, beside the plan."""
        return f"{self._name}.kernels"

    @property
    def timings_name(self) -> str:
        """Name of the cache of kernel timings in the cache folder of its product."""
        return f"timings-{self._where}.bin"

    @property
    def _name(self) -> str:
        return (
            f"{self.graph_sha256[:16]}-{self.precision}-{self.width}x{self.height}"
            f"-batch{self.max_batch}-{self._where}"
        )

    @property
    def _where(self) -> str:
        """Return the GPU and the version, in characters that every file system takes."""
        gpu = re.sub(r"[^a-z0-9]+", "-", self.gpu.lower()).strip("-")
        return f"sm{self.capability}{gpu and '-'}{gpu}-{self.version}"


@dataclass(frozen=True, slots=True)
class EnginePlan:
    """A built engine, and how it was built."""

    data: bytes
    """The serialised plan, as TensorRT reads it."""
    config: BuildConfig
    """Settings of the builder."""
    checked: bool
    """Whether its pictures on a GPU have been compared with FP32 on the CPU."""
    build_s: float = 0.0
    """Time that the build took [seconds]."""


def write_plan(plan: EnginePlan, key: EnginePlanKey) -> Path:
    """Write a plan to the user's own cache; an interrupted write leaves the old file.

    Raises:
        EngineError: the plan cannot be written, or there is no cache.
    """
    path = require_cache_folder(key.product) / key.file_name
    header = {
        "key": asdict(key), "config": asdict(plan.config), "checked": plan.checked,
        "build_s": plan.build_s,
    }  # fmt: skip
    write_sealed(path, MAGIC, header, plan.data)
    return path


def read_plan(key: EnginePlanKey) -> EnginePlan | None:
    """Return the cached plan for a key; None if there is none, or no cache.

    Raises:
        StaleFileError: the plan is damaged, or was built for something else, which the
            message names.
        EngineError: the plan cannot be read.
    """
    if (folder := cache_folder(key.product)) is None:
        return None
    path = folder / key.file_name
    if (sealed := read_sealed(path, MAGIC)) is None:
        return None
    header, plan = sealed
    try:
        found, checked, config = header["key"], header["checked"], BuildConfig(**header["config"])
        build_s = header["build_s"]
    except (KeyError, TypeError) as error:
        raise StaleFileError(f"{path} was built by another version of pmsgan") from error
    differences = [
        f"{field.name} {found.get(field.name)!r}, not {getattr(key, field.name)!r}"
        for field in fields(EnginePlanKey)
        if found.get(field.name) != getattr(key, field.name)
    ]
    if differences:
        raise StaleFileError(f"{path} was built for {'; '.join(differences)}")
    return EnginePlan(plan, config, checked, build_s)
