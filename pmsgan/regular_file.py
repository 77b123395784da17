"""Read files that may come from a stranger: regular ones, of a bounded size."""

import errno
import os
import stat
from pathlib import Path


def read_regular(path: Path, max_bytes: int) -> bytes:
    """Read a file, also where links lead to it.

    Args:
        path: the file.
        max_bytes: the largest size that is read [bytes].

    Raises:
        OSError: it cannot be read, is a pipe or a device, or is larger.
    """
    # A pipe without a writer must not block the open.
    file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(file, "rb") as opened:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file", os.fspath(path))
        if found.st_size > max_bytes:
            raise OSError(errno.EFBIG, f"it has more than {max_bytes} bytes", os.fspath(path))
        data = opened.read(max_bytes + 1)
    if len(data) > max_bytes:  # it has grown meanwhile
        raise OSError(errno.EFBIG, f"it has more than {max_bytes} bytes", os.fspath(path))
    return data
