"""Locks a folder for one process."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import filelock

from pmsgan.directory import HAS_HANDLES, Directory


class LockedError(Exception):
    """Another process holds the lock of the folder."""


@contextmanager
def lock(folder: Directory, name: str) -> Iterator[None]:
    """Hold a lock file in a folder until the block or the process ends.

    Raises:
        LockedError: another process holds it.
        OSError: the file cannot be written, or the file system has no locks.
    """
    if sys.platform == "win32" or not HAS_HANDLES:
        with _path_lock(folder, name):
            yield
        return
    import fcntl

    number = folder.open(name, os.O_RDWR | os.O_CREAT)
    try:
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise LockedError from error
        yield
    finally:
        os.close(number)


@contextmanager
def _path_lock(folder: Directory, name: str) -> Iterator[None]:
    held = filelock.FileLock(folder.path / name)
    try:
        held.acquire(timeout=0)
    except filelock.Timeout as error:
        raise LockedError from error
    except NotImplementedError as error:
        raise OSError(str(error)) from error
    try:
        yield
    finally:
        held.release()
