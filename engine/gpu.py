"""Ask the driver alone about NVIDIA GPUs, before anything heavy is imported."""

import ctypes
import sys

MAJOR, MINOR = 75, 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR in cuda.h."""


def count_gpus() -> int:
    """Return the number of NVIDIA GPUs that this process can use; 0 without a driver."""
    driver, count = _open_driver(), ctypes.c_int(0)
    if driver is None or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def gpu_capability() -> tuple[int, int] | None:
    """Return the compute capability of the first GPU, such as (8, 9); None without a GPU."""
    driver, device = _open_driver(), ctypes.c_int(0)
    if driver is None or driver.cuDeviceGet(ctypes.byref(device), 0) != 0:
        return None
    major, minor = ctypes.c_int(0), ctypes.c_int(0)
    for number, attribute in ((major, MAJOR), (minor, MINOR)):
        if driver.cuDeviceGetAttribute(ctypes.byref(number), attribute, device) != 0:
            return None
    return major.value, minor.value


def _open_driver() -> ctypes.CDLL | None:
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return None
    return driver if driver.cuInit(0) == 0 else None
