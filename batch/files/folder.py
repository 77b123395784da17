"""How the pictures of IN are read, wherever it is."""

from collections.abc import Callable

from pmsgan.batch.files.bucket import Place, RemoteFolder, Streak
from pmsgan.batch.pictures.decode import FileStamp, read_file
from pmsgan.batch.plan import Job
from pmsgan.errors import ImageError

Reader = Callable[[Job], tuple[bytes, FileStamp]]
"""Gives a picture's bytes, and what tells that it has not changed.

Raises ImageError, or FolderError where nothing can be read any more.
"""
Stamper = Callable[[Job], FileStamp]
"""Gives only the latter; raises OSError."""


def reader(in_dir: Place) -> Reader:
    """Return what reads the pictures of a folder."""
    if not isinstance(in_dir, RemoteFolder):
        return read_here
    streak = Streak()

    def read(job: Job) -> tuple[bytes, FileStamp]:
        try:
            found = in_dir.read(job.name)
        except ImageError as error:
            if isinstance(error.__cause__, OSError) and not isinstance(
                error.__cause__, FileNotFoundError
            ):
                streak.count(f"cannot read IN any more: {error.__cause__}")
            raise
        streak.end()
        return found

    return read


def stamper(in_dir: Place) -> Stamper:
    """Return what looks at the pictures of a folder without reading them."""
    if isinstance(in_dir, RemoteFolder):
        return lambda job: in_dir.stamp(job.name)
    return stamp_here


def read_here(job: Job) -> tuple[bytes, FileStamp]:
    """Read a picture from a disk."""
    return read_file(job.source)


def stamp_here(job: Job) -> FileStamp:
    """Look at a picture on a disk."""
    found = job.source.stat()
    return FileStamp(found.st_size, found.st_mtime_ns)
