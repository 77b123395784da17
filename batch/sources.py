"""How the pictures of IN are read, wherever it is."""

from collections.abc import Callable

from pmsgan.batch.decode import FileStamp, read_file
from pmsgan.batch.plan import Job
from pmsgan.batch.remote import Place, RemoteFolder

Reader = Callable[[Job], tuple[bytes, FileStamp]]
"""Gives a picture's bytes, and what tells that it has not changed; raises ImageError."""
Stamper = Callable[[Job], FileStamp]
"""Gives only the latter; raises OSError."""


def reader(in_dir: Place) -> Reader:
    """Return what reads the pictures of a folder."""
    if isinstance(in_dir, RemoteFolder):
        return lambda job: in_dir.read(job.name)
    return read_here


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
