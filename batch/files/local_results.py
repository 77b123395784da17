"""Write results to a disk: whole files only, each recorded in a journal once it has its name.

Others may also write to OUT, and put links there. Every file is opened relative to an open folder,
so a link that replaces a folder leads nowhere.
"""

import errno
import itertools
import stat
import threading
from collections.abc import Callable

from pmsgan.batch.files.journal import Journal, digest_of, digest_of_file
from pmsgan.batch.files.stamp import FileStamp
from pmsgan.batch.job import Job
from pmsgan.directory import Directory
from pmsgan.errors import DiskFullError, FolderError, ImageError, os_reason

OWN_NAME = ".pmsgan"
"""Our folder in OUT."""

LARGEST_RESULT = 4 << 30
"""Largest file that is read as a result [bytes]; a larger one is not ours."""

Stamp = Callable[[str], FileStamp]
"""Returns the stamp of a picture, see `Folder.stamp`."""


class LocalResults:
    """Writes this process's results to a folder; other processes may write other results there."""

    def __init__(
        self,
        root: Directory,
        partial: Directory,
        stamp: Stamp,
        journal: Journal | None = None,
        *,
        overwrite: bool = False,
        verify: bool = False,
    ) -> None:
        """Take a folder.

        Args:
            root: where results go.
            partial: where results are while they are written, on the same disk; a folder that no
                other process uses.
            stamp: returns the stamp of a picture.
            journal: where results are recorded; it can come later, before the first result.
            overwrite: overwrite even results that somebody has changed.
            verify: read results and check that they are as they were written.
        """
        self._root = root
        self._partial = partial
        self._stamp = stamp
        self._journal = journal
        self._overwrite = overwrite
        self._verify = verify
        self._numbers = itertools.count()
        self._counting = threading.Lock()
        self.num_written = 0
        self.bytes_written = 0

    @property
    def journal(self) -> Journal:
        """The record of finished pictures."""
        assert self._journal is not None, "call begin first"
        return self._journal

    def was_done_before(self, job: Job) -> bool:
        """Say whether an earlier run converted this exact picture, and its result exists."""
        if not self.journal.known([job.name]):
            return False
        parent, _, name = job.output.rpartition("/")
        try:
            stamp = self._stamp(job.source)
            with self._root.folder(parent) as folder:
                output = folder.lstat(name)
                if output is None or not stat.S_ISREG(output.st_mode):
                    return False
                if not self.journal.is_done(job.name, stamp, job.output, output.st_size):
                    return False
                return not self._verify or _digest(folder, name) == self.journal.digest(job.name)
        except (OSError, ValueError):
            return False

    def write(self, job: Job, data: bytes, stamp: FileStamp, *, keep_date: bool = False) -> None:
        """Write a result, and record it in the journal, see `Results.write`.

        Only a complete result gets its final name. A result that somebody has changed is kept under
        another name.

        Raises:
            ImageError: this result cannot have its name.
            FolderError: nothing can be written any more.
        """
        temporary = str(next(self._numbers))
        try:
            self._partial.write_new(temporary, data, stamp.mtime_ns if keep_date else 0)
        except OSError as error:
            self._discard(temporary)
            if error.errno == errno.EFBIG:  # a limit of one file, which others may keep
                raise ImageError(
                    f"its translation cannot be written: {os_reason(error)}"
                ) from error
            raise self._error(error) from error
        parent, _, name = job.output.rpartition("/")
        try:
            with self._root.folder(parent, make=True) as folder:
                if not self._overwrite:
                    self._keep_changed(folder, name, job, data)
                self._partial.move(temporary, folder, name)
        except OSError as error:
            self._discard(temporary)
            if error.errno in _DISK_ERRORS or self._is_gone():
                raise self._error(error) from error
            is_link = error.errno == errno.ELOOP
            reason = "a folder in OUT is a link" if is_link else os_reason(error)
            raise ImageError(f"its translation cannot be written: {reason}") from error
        except ValueError as error:  # a bucket's names may hold what those of a disk cannot
            self._discard(temporary)
            raise ImageError(f"its translation cannot be written: {error}") from error
        try:
            self.journal.add_done(job.name, stamp, job.output, data)
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

    def _keep_changed(self, folder: Directory, name: str, job: Job, data: bytes) -> None:
        """Set aside a file that has the name of a result but was not written by a run."""
        found = folder.lstat(name)
        if found is None or stat.S_ISDIR(found.st_mode):
            return
        known = self.journal.digest(job.name), digest_of(data)
        can_be_ours = stat.S_ISREG(found.st_mode) and found.st_size <= LARGEST_RESULT
        if not can_be_ours or _digest(folder, name) not in known:
            parent = job.output.removesuffix(name)
            job.note = changed_note(parent + folder.set_aside(name))

    def _discard(self, temporary: str) -> None:
        try:
            self._partial.remove(temporary)
        except OSError:
            return  # the next run removes it

    def _is_gone(self) -> bool:
        return not self._partial.is_there()

    def _error(self, error: OSError) -> FolderError:
        # Ends up in the report, which holds no paths of this machine.
        if error.errno == errno.EDQUOT:
            return DiskFullError("the quota of OUT is used up")
        if error.errno == errno.ENOSPC:
            if self._root.num_files_left() == 0:
                return DiskFullError("no more files fit into OUT (its disk is out of inodes)")
            return DiskFullError("OUT is full")
        if self._is_gone():
            return FolderError(f"OUT was removed, or its folder {OWN_NAME} was")
        return FolderError(f"cannot write to OUT: {os_reason(error)}")


_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


def changed_note(kept: str) -> str:
    """Return the note that a changed result was kept under another name."""
    return f"its previous result had been edited, and is kept as {kept}"


def _digest(folder: Directory, name: str) -> int:
    with folder.read(name) as file:
        return digest_of_file(file)
