"""Count NVIDIA GPUs by asking the driver alone, before anything heavy is imported."""

import ctypes
import sys


def count_gpus() -> int:
    """Return the number of NVIDIA GPUs that this process can use; 0 without a driver."""
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value
