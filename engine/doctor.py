"""What is installed, which backends can run here, and why the others cannot."""

import importlib.metadata
import importlib.util
import os
import platform
from collections.abc import Iterator

import pmsgan
from pmsgan.engine.gpu import count_gpus
from pmsgan.engine.select import NEEDS, what_is_missing


def examine() -> Iterator[str]:
    """Yield lines that tell a user, or whoever helps them, what this machine can do."""
    yield f"pmsgan {pmsgan.__version__}, Python {platform.python_version()}, {platform.platform()}"
    yield f"CPU cores: {os.cpu_count()}; NVIDIA GPUs: {count_gpus()}"
    yield "installed: " + ", ".join(_installed())
    yield "backends, in the order in which --backend auto tries them:"
    for backend in NEEDS:
        missing = what_is_missing(backend)
        yield f"  {backend:<13} {'can run' if missing is None else f'cannot run: {missing}'}"


def _installed() -> Iterator[str]:
    modules = (module for needs in NEEDS.values() for module in needs.modules)
    for name in dict.fromkeys(["onnx", *modules]):
        if importlib.util.find_spec(name) is not None:
            yield f"{name} {_version(name)}"


def _version(module: str) -> str:
    """Return the version of the package that a module belongs to."""
    for package in importlib.metadata.packages_distributions().get(module, [module]):
        try:
            return importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "(version unknown)"
