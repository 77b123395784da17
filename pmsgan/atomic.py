"""Write a file so that nobody ever sees half of it."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from pmsgan.directory import Directory


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a hidden path beside `path` to write to; rename it to `path` when the block ends well.

    The hidden file exists and is empty. After an error it is removed, and an earlier file at `path`
    stays.
    """
    temporary = path.with_name(f".pmsgan-{secrets.token_hex(4)}.part")
    os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def replacing_open(path: Path) -> Iterator[IO[bytes]]:
    """Do the same in a folder where others may also write: yield the hidden file, open to write."""
    temporary = f".pmsgan-{secrets.token_hex(4)}.part"
    with Directory(path.parent) as folder:
        number = folder.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            with os.fdopen(number, "wb") as file:
                yield file
            folder.move(temporary, folder, path.name)
        finally:
            folder.remove(temporary)


def write_whole(path: Path, data: bytes, mtime_ns: int = 0) -> None:
    """Write a file, or replace it, in a folder where others may also write.

    Args:
        path: the file.
        data: its content.
        mtime_ns: its date [ns since 1970]; 0 is now.

    Raises:
        OSError: it cannot be written.
    """
    with Directory(path.parent) as folder:
        folder.write(path.name, data, mtime_ns)
