"""Ask the driver alone about NVIDIA GPUs, before anything heavy is imported.

GPUs are numbered as CUDA numbers them: CUDA_VISIBLE_DEVICES and MIG count here, unlike in the list
of nvidia-smi.
"""

import ctypes
import sys

MAJOR, MINOR = 75, 76
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR in cuda.h."""
_NAME_BYTES = 256


def count_gpus() -> int:
    """Return the number of NVIDIA GPUs that this process can use; 0 without a driver."""
    driver, count = _open_driver(), ctypes.c_int(0)
    if driver is None or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def gpu_names() -> list[str]:
    """Return the driver's names of the GPUs that this process can use."""
    names = []
    driver, device = _open_driver(), ctypes.c_int(0)
    for number in range(count_gpus()):
        name = ctypes.create_string_buffer(_NAME_BYTES)
        known = (
            driver is not None
            and driver.cuDeviceGet(ctypes.byref(device), number) == 0
            and driver.cuDeviceGetName(name, _NAME_BYTES, device) == 0
        )
        names.append(name.value.decode(errors="replace") if known else "name unknown")
    return names


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


def driver_cuda() -> tuple[int, int] | None:
    """Return the newest CUDA that the driver supports, such as (13, 0); None without a driver."""
    driver, version = _open_driver(), ctypes.c_int(0)
    if driver is None or driver.cuDriverGetVersion(ctypes.byref(version)) != 0:
        return None
    return version.value // 1000, version.value % 1000 // 10


def _open_driver() -> ctypes.CDLL | None:
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return None
    return driver if driver.cuInit(0) == 0 else None
