"""Describes the two products that share this code: TensorRT and TensorRT for RTX."""

import importlib
import re
from collections import deque
from dataclasses import dataclass
from typing import Any, Literal

from pmsgan.errors import EngineError
from pmsgan.install import install_command

ProductName = Literal["tensorrt", "tensorrt-rtx"]

PORTABLE = "portable"
"""Name of the default compute capability of TensorRT for RTX: 8.0 and newer."""

_NEWEST = (99, 0)
_NUM_LOG_LINES = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """TensorRT, or TensorRT for RTX."""

    name: ProductName
    title: str
    """Name as NVIDIA writes it."""
    module: str
    """Name of the Python module."""
    builds_ahead: bool
    """Whether it builds for other GPUs, and compiles kernels when it loads a plan.

    Its plans depend on a compute capability, but not on a single GPU or a driver.
    """
    least_version: tuple[int, int]
    """Oldest version that this code runs with."""
    capabilities: tuple[tuple[tuple[int, int], tuple[int, int]], ...]
    """Compute capabilities that its runtime takes: each from the first to below the second."""

    def runs_on(self, capability: tuple[int, int]) -> bool:
        """Return whether its runtime takes a GPU of this compute capability."""
        return any(first <= capability < end for first, end in self.capabilities)


PRODUCTS: dict[ProductName, Product] = {
    "tensorrt": Product(
        name="tensorrt",
        title="TensorRT",
        module="tensorrt",
        builds_ahead=False,
        least_version=(10, 13),
        capabilities=(((7, 5), _NEWEST),),
    ),
    "tensorrt-rtx": Product(
        name="tensorrt-rtx",
        title="TensorRT for RTX",
        module="tensorrt_rtx",
        builds_ahead=True,
        least_version=(1, 4),
        # An H200 showed that it refuses the data-centre GPUs between Ada and Blackwell.
        capabilities=(((7, 5), (9, 0)), ((12, 0), _NEWEST)),
    ),
}


class Library:
    """An imported product, and its log."""

    def __init__(self, product: Product) -> None:
        """Import the product.

        Raises:
            EngineError: the product is not installed or too old, or its libraries cannot be
                loaded.
        """
        self.product = product
        try:
            self.api: Any = importlib.import_module(product.module)
        except (ImportError, OSError) as error:
            raise EngineError(
                f"{product.title} cannot be loaded ({error}): {install_command(product.name)}"
            ) from error
        self.version = str(self.api.__version__)
        if (fault := version_fault(product, self.version)) is not None:
            raise EngineError(fault)
        self.log = _make_log(self.api)

    def make(self, name: str, *arguments: Any) -> Any:
        """Make an object of one of the product's classes, such as Builder.

        Raises:
            EngineError: the product cannot make one; the message has the errors of the log.
        """
        try:
            return getattr(self.api, name)(*arguments)
        except TypeError as error:  # so the bindings report a null pointer
            raise EngineError(
                f"{self.product.title} cannot make a {name}: {self.log.summary()}"
            ) from error

    def require(self, result: Any, task: str) -> Any:
        """Return a result of the product, which reports a failure as None or False.

        Raises:
            EngineError: the result is None or False; the message has the errors of the log.
        """
        if result is None or result is False:
            raise EngineError(f"{self.product.title} cannot {task}: {self.log.summary()}")
        return result


def _make_log(api: Any) -> Any:
    class Log(api.ILogger):  # type: ignore[misc]
        """Keeps warnings and errors, which the calls themselves do not report."""

        def __init__(self) -> None:
            api.ILogger.__init__(self)
            self.lines: deque[str] = deque(maxlen=_NUM_LOG_LINES)

        def log(self, severity: Any, message: str) -> None:
            if severity <= api.ILogger.Severity.WARNING:
                self.lines.append(f"{severity.name}: {message}")

        def summary(self) -> str:
            """Return the last errors, or the last warnings, in one line, and forget them."""
            errors = [line for line in self.lines if not line.startswith("WARNING")]
            last = (errors or list(self.lines))[-3:]
            self.lines.clear()
            return " | ".join(last) or "it gives no reason"

    return Log()


def version_fault(product: Product, version: str) -> str | None:
    """Return the fault of a version such as 10.13.0.35; None if the code runs with it."""
    found = tuple(map(int, re.findall(r"\d+", version)[:2]))
    if found >= product.least_version:
        return None
    least = ".".join(map(str, product.least_version))
    return (
        f"{product.title} {version} is too old, it must be at least {least}: "
        f"{install_command(product.name)}"
    )


def known_capabilities(library: Library) -> list[str]:
    """Return the compute capabilities that TensorRT for RTX builds for by name, such as 8.9."""
    names = (name[2:] for name in library.api.ComputeCapability.__members__ if name[:2] == "SM")
    return [f"{number // 10}.{number % 10}" for number in sorted(map(int, names))]


def capability_name(library: Library, capability: str) -> str | None:
    """Return TensorRT for RTX's name of a compute capability; None for a portable plan.

    Args:
        library: TensorRT for RTX.
        capability: a compute capability such as 8.9, or portable.

    Raises:
        EngineError: the product builds no plans for this one.
    """
    if capability == PORTABLE:
        return None
    known = known_capabilities(library)
    if capability not in known:
        raise EngineError(
            f"{library.product.title} {library.version} builds for compute capability "
            f"{', '.join(known)} or {PORTABLE}, not for {capability}"
        )
    return "SM" + capability.replace(".", "")
