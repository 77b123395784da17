"""Built engines on disk: a header that says what a plan is for, then the plan.

A plan is native code. So nothing of a file reaches TensorRT before its digest and its key have been
checked. The first line holds a magic word and the SHA-256 of everything behind that line, the
second what it was built for and how, as JSON, the rest is the plan itself.
"""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from pmsgan.atomic import replacing
from pmsgan.engine.cache import cache_folder
from pmsgan.engine.tensorrt.build import BuildConfig
from pmsgan.engine.tensorrt.product import ProductName
from pmsgan.errors import EngineError

MAGIC = b"pmsgan-plan-1 "


@dataclass(frozen=True, kw_only=True, slots=True)
class EnginePlanKey:
    """What a plan is for; one that differs in anything is built again."""

    graph_sha256: str
    product: ProductName
    version: str
    """Of the product."""
    capability: str
    """Compute capability, such as 8.9, or portable."""
    gpu: str
    """Name of the GPU; empty where a plan runs on all of its capability."""
    driver: int
    """Version of CUDA that the driver offers, such as 13000; 0 where plans do not depend on it."""
    precision: str
    """fp16 or fp32."""
    height: int
    """Pixels."""
    width: int
    """Pixels."""
    max_batch: int

    def path(self) -> Path:
        """Return where such a plan is kept, in the user's own cache.

        Raises:
            EngineError: the cache cannot be made, or others may write into it.
        """
        name = (
            f"{self.graph_sha256[:16]}-{self.precision}-batch{self.max_batch}"
            f"-sm{self.capability}.plan"
        )
        return cache_folder(self.product) / name


@dataclass(frozen=True, slots=True)
class EnginePlan:
    """A built engine."""

    data: bytes
    """For TensorRT."""
    config: BuildConfig
    """How it was built."""
    checked: bool
    """Its pictures have been compared with FP32 on a GPU."""


class StaleEnginePlanError(EngineError):
    """A plan on disk is damaged, or is not for this machine."""


def write_plan(plan: EnginePlan, key: EnginePlanKey) -> Path:
    """Keep a plan; an interrupted write leaves the old file.

    Raises:
        EngineError: it cannot be written.
    """
    path = key.path()
    header = {"key": asdict(key), "config": asdict(plan.config), "checked": plan.checked}
    body = json.dumps(header, sort_keys=True).encode() + b"\n" + plan.data
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(MAGIC + hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    except OSError as error:
        raise EngineError(f"cannot keep the engine {path}: {error.strerror}") from error
    return path


def read_plan(key: EnginePlanKey) -> EnginePlan | None:
    """Return the plan that was kept for a key, None if there is none.

    Raises:
        StaleEnginePlanError: it is damaged or for something else, which the message names.
        EngineError: it cannot be read.
    """
    path = key.path()
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EngineError(f"cannot read the engine {path}: {error.strerror}") from error
    first, _, body = data.partition(b"\n")
    if first != MAGIC + hashlib.sha256(body).hexdigest().encode():
        raise StaleEnginePlanError(f"{path} is damaged")
    text, _, plan = body.partition(b"\n")
    try:
        header = json.loads(text)
        found, checked, config = header["key"], header["checked"], BuildConfig(**header["config"])
    except (ValueError, KeyError, TypeError) as error:
        raise StaleEnginePlanError(f"{path} was built by another version of pmsgan") from error
    differences = [
        f"{field.name} {found.get(field.name)!r}, not {getattr(key, field.name)!r}"
        for field in fields(EnginePlanKey)
        if found.get(field.name) != getattr(key, field.name)
    ]
    if differences:
        raise StaleEnginePlanError(f"{path} was built for {'; '.join(differences)}")
    return EnginePlan(plan, config, checked)
