"""Find out, before a GPU is used, why a product cannot run on this machine."""

import importlib
from importlib import metadata

from pmsgan.engine.gpu import driver_cuda, gpu_capability
from pmsgan.engine.tensorrt.product import PRODUCTS, Library, Product, ProductName, version_fault
from pmsgan.errors import EngineError

_CUDA_MAJORS = range(12, 20)
"""Major versions of CUDA that a wheel may be built for."""


def gpu_fault(name: ProductName) -> str | None:
    """Return why the first GPU cannot run a product; None if it can, or there is none."""
    capability = gpu_capability()
    if capability is None or PRODUCTS[name].runs_on(capability):
        return None
    return f"it does not run on GPUs of compute capability {'.'.join(map(str, capability))}"


def installation_fault(name: ProductName) -> str | None:
    """Return why an installed product cannot be used, and what to do; None if it can.

    The driver comes first: with one that is too old, the libraries crash instead of reporting it.
    """
    product = PRODUCTS[name]
    if (wheel := installed_wheel(product)) is not None:
        major, version = wheel
        fault = _driver_fault(product, major) or version_fault(product, version)
        if fault is not None:
            return fault
    try:
        Library(product)
        require_pycuda()
    except EngineError as error:
        return str(error)
    return None


def installed_wheel(product: Product) -> tuple[int, str] | None:
    """Return the major version of CUDA and the version of the newest wheel of a product.

    None if the product was not installed from its wheels.
    """
    for major in reversed(_CUDA_MAJORS):
        try:
            return major, metadata.version(f"{product.module}_cu{major}_bindings")
        except metadata.PackageNotFoundError:
            continue
    return None


def require_pycuda() -> None:
    """Import pycuda, or raise a helpful error.

    Raises:
        EngineError: pycuda is not installed, or cannot be loaded.
    """
    try:
        importlib.import_module("pmsgan.engine.tensorrt.buffers")
    except (ImportError, OSError) as error:
        raise EngineError(
            f"pycuda cannot be loaded ({error}): build it against the CUDA that is here, "
            "pip install --force-reinstall --no-binary pycuda pycuda"
        ) from error


def _driver_fault(product: Product, wheel_major: int) -> str | None:
    if (found := driver_cuda()) is None or found[0] >= wheel_major:
        return None
    package = product.module.replace("_", "-")
    return (
        f"the driver supports CUDA {found[0]}.{found[1]} and is too old for "
        f"{package}-cu{wheel_major}: pip install {package}-cu{found[0]}, or update the driver"
    )
