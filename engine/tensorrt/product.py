"""The two products that share this code: TensorRT and TensorRT for RTX."""

import importlib
from dataclasses import dataclass
from typing import Any, Literal

from pmsgan.errors import EngineError
from pmsgan.install import install_command

ProductName = Literal["tensorrt", "tensorrt-rtx"]

PORTABLE = "portable"
"""Stands for a compute capability: TensorRT for RTX's default, which is 8.0 and newer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Product:
    """TensorRT, or TensorRT for RTX."""

    name: ProductName
    title: str
    """Name as NVIDIA writes it."""
    module: str
    """Name of the Python module."""
    builds_ahead: bool
    """Whether it builds for GPUs that are not here, and compiles kernels when it loads a plan.

    Its plans depend on a compute capability, but not on a single GPU or a driver.
    """


PRODUCTS: dict[ProductName, Product] = {
    "tensorrt": Product(name="tensorrt", title="TensorRT", module="tensorrt", builds_ahead=False),
    "tensorrt-rtx": Product(
        name="tensorrt-rtx", title="TensorRT for RTX", module="tensorrt_rtx", builds_ahead=True
    ),
}


class Library:
    """An imported product, and its log."""

    def __init__(self, product: Product) -> None:
        """Import the product.

        Raises:
            EngineError: the product is not installed, or its libraries cannot be loaded.
        """
        self.product = product
        try:
            self.api: Any = importlib.import_module(product.module)
        except (ImportError, OSError) as error:
            raise EngineError(
                f"{product.title} cannot be loaded ({error}): {install_command(product.name)}"
            ) from error
        self.version = str(self.api.__version__)
        self.log = _make_log(self.api)

    def need(self, result: Any, task: str) -> Any:
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
            self.lines: list[str] = []

        def log(self, severity: Any, message: str) -> None:
            if severity <= api.ILogger.Severity.WARNING:
                self.lines.append(f"{severity.name}: {message}")

        def summary(self) -> str:
            """Return the last errors, or the last warnings, in one line."""
            errors = [line for line in self.lines if not line.startswith("WARNING")]
            return " | ".join((errors or self.lines)[-3:]) or "it gives no reason"

    return Log()


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
