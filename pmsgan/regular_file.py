"""Read files that may come from a stranger: regular ones, of a bounded size."""

import contextlib
import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import IO

MAX_TEXT_BYTES = 64 * 2**20
"""The largest list, table or report that is read [bytes]."""

_CHUNK_BYTES = 2**20


def read_regular(path: Path, max_bytes: int) -> bytes:
    """Read a file, also where links lead to it.

    Args:
        path: the file.
        max_bytes: the largest size that is read [bytes].

    Raises:
        OSError: it cannot be read, is a pipe or a device, or is larger.
    """
    with open_regular(path, max_bytes) as file:
        size = os.fstat(file.fileno()).st_size
        data = file.read(size + 1)  # the buffer is as large as what is asked for
    if len(data) > size:
        raise OSError(errno.EAGAIN, "it grew while being read", os.fspath(path))
    return data


def hash_regular(path: Path, max_bytes: int) -> str:
    """Return the SHA-256 of a file, which is read in small parts.

    Args:
        path: the file.
        max_bytes: the largest size that is read [bytes].

    Raises:
        OSError: it cannot be read, is a pipe or a device, or is larger.
    """
    digest, count = hashlib.sha256(), 0
    with open_regular(path, max_bytes) as file:
        while part := file.read(_CHUNK_BYTES):
            digest.update(part)
            count += len(part)
            if count > max_bytes:
                raise _too_large(path, max_bytes)
    return digest.hexdigest()


@contextlib.contextmanager
def open_regular(path: Path, max_bytes: float) -> Iterator[IO[bytes]]:
    """Open a file to read, also where links lead to it.

    Args:
        path: the file.
        max_bytes: the largest size that is opened [bytes].

    Raises:
        OSError: it cannot be read, is a pipe or a device, or is larger.
    """
    # A pipe without a writer must not block the open.
    file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(file, "rb") as opened:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file", os.fspath(path))
        if found.st_size > max_bytes:
            raise _too_large(path, max_bytes)
        yield opened


def _too_large(path: Path, max_bytes: float) -> OSError:
    return OSError(errno.EFBIG, f"it has more than {max_bytes} bytes", os.fspath(path))
