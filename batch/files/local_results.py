"""Write results to a disk: whole files only, each recorded in a journal once it has its name."""

import errno
import itertools
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pmsgan.batch.files.journal import Journal
from pmsgan.batch.files.stamp import FileStamp
from pmsgan.batch.job import Job
from pmsgan.errors import DiskFullError, FolderError, ImageError, os_reason

OWN_NAME = ".pmsgan"
"""Our folder in OUT."""

Stamp = Callable[[str], FileStamp]
"""Looks at a picture, see `Folder.stamp`."""


class LocalResults:
    """A folder that this process writes results to; others may write other results there."""

    def __init__(
        self, folder: Path, partial: Path, stamp: Stamp, journal: Journal | None = None
    ) -> None:
        """Take a folder.

        Args:
            folder: where results go.
            partial: where results are while they are written, on the same disk; a folder that no
                other process uses.
            stamp: looks at a picture.
            journal: where results are recorded; it can come later, before the first result.
        """
        self.folder = folder
        self._partial = partial
        # Strings: paths as objects are slow where each picture has four of them.
        self._prefix, self._partial_prefix = f"{folder}/", f"{partial}/"
        self._stamp = stamp
        self._journal = journal
        self._numbers = itertools.count()
        self._counting = threading.Lock()
        self.num_written = 0
        self.bytes_written = 0
        self._real_folders = {""}

    @property
    def journal(self) -> Journal:
        """The record of what is done."""
        assert self._journal is not None, "begin has to be called first"
        return self._journal

    def was_done_before(self, job: Job) -> bool:
        """Say whether an earlier run has done this very picture, and its result is there."""
        if not self.journal.known([job.name]):
            return False
        try:
            stamp = self._stamp(job.source)
            output = os.lstat(self._prefix + job.output)
        except OSError:
            return False
        return self.journal.is_done(job.name, stamp, job.output, output.st_size)

    def write(self, job: Job, data: bytes, stamp: FileStamp, *, keep_date: bool = False) -> None:
        """Write a result, and record it in the journal, see `Results.write`.

        Nothing but the whole result ever has its final name.

        Raises:
            ImageError: this result cannot have its name.
            FolderError: nothing can be written any more.
        """
        self._refuse_links(job.output.rpartition("/")[0])
        target = self._prefix + job.output
        temporary = f"{self._partial_prefix}{next(self._numbers)}"
        try:
            _write_new(temporary, data)
        except OSError as error:
            Path(temporary).unlink(missing_ok=True)
            raise self._error(error) from error
        if keep_date:
            _set_date(temporary, stamp)
        try:
            _replace(temporary, target)
        except OSError as error:
            Path(temporary).unlink(missing_ok=True)
            if error.errno in _DISK_ERRORS or not self._partial.exists():
                raise self._error(error) from error
            raise ImageError(f"its translation cannot be written: {os_reason(error)}") from error
        try:
            self.journal.add_done(job.name, stamp, job.output, len(data))
        except OSError as error:
            raise self._error(error) from error
        with self._counting:
            self.num_written += 1
            self.bytes_written += len(data)

    def note_failure(self, job: Job, reason: str) -> None:
        """Record a picture that failed in the journal.

        Raises:
            FolderError: nothing can be written any more.
        """
        try:
            self.journal.add_failed(job.name, reason)
        except OSError as error:
            raise self._error(error) from error

    def _refuse_links(self, name: str) -> None:
        """Raise ImageError if a folder below OUT is a link: it might lead back to originals."""
        if name in self._real_folders:
            return
        if (self.folder / name).resolve() != self.folder.resolve() / name:
            raise ImageError("its translation cannot be written: a folder in OUT is a link")
        self._real_folders.add(name)

    def _error(self, error: OSError) -> FolderError:
        # Ends up in the report, which holds no paths of this machine.
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            return DiskFullError("OUT is full")
        if not self._partial.exists():
            return FolderError(f"OUT was removed, or its folder {OWN_NAME} was")
        return FolderError(f"cannot write to OUT: {os_reason(error)}")


_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
_NEW |= getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


def _write_new(path: str, data: bytes) -> None:
    """Write a file that is not there yet."""
    file = os.open(path, _NEW, 0o666)
    try:
        written = os.write(file, data)
        while written < len(data):  # a disk takes all but very large files at once
            written += os.write(file, memoryview(data)[written:])
    finally:
        os.close(file)


def _set_date(path: str, stamp: FileStamp) -> None:
    """Give a file the date of a picture; a store that knows no date says 0."""
    if stamp.mtime_ns:
        with suppress(OSError, OverflowError):  # not every disk knows every date
            os.utime(path, ns=(stamp.mtime_ns, stamp.mtime_ns))


_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


def _replace(temporary: str, target: str) -> None:
    try:
        os.replace(temporary, target)  # noqa: PTH105
    except FileNotFoundError:
        Path(target).parent.mkdir(parents=True, exist_ok=True)
        Path(temporary).replace(target)
