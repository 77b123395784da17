"""The folder that results go to: one run at a time, whole files only, and a memory of its own.

Beside the results, OUT/.pmsgan holds a lock, the journal, and files that are being written.
"""

import errno
import itertools
import os
import shutil
import threading
from dataclasses import asdict
from pathlib import Path
from typing import Any

import filelock

from pmsgan.batch.decode import FileStamp
from pmsgan.batch.journal import Journal, has_results, read_owner
from pmsgan.batch.plan import Job
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import ConfigError, ImageError, PmsganError
from pmsgan.styles.registry import GRAPH_NAME, Style

OWN_NAME = ".pmsgan"
JOURNAL_NAME = "journal.jsonl"
REPORT_NAME = "report.json"


class OutError(PmsganError):
    """The output folder cannot be written to any more; no picture is to blame."""

    is_disk_full = False


class OutFolder:
    """An output folder that belongs to this run until its `with` block ends."""

    def __init__(
        self, folder: Path, style: Style, settings: ConvertSettings, *, overwrite: bool = False
    ) -> None:
        """Lock the folder; `begin` has to be called before it is written to.

        Args:
            folder: made if it does not exist.
            style: what the results are made with.
            settings: how they are made.
            overwrite: do everything again, whatever is there.

        Raises:
            ConfigError: it cannot be written to, another run has it, or what is there was made
                with another style or settings, or by somebody else.
        """
        self.folder = folder
        self._own = folder / OWN_NAME
        self._partial = self._own / "partial"
        self._numbers = itertools.count()
        self._counting = threading.Lock()
        self.num_written = 0
        self.bytes_written = 0
        self._belongs_to = _owner(style, settings)
        self._overwrite = overwrite
        self._journal: Journal | None = None
        self._real_folders = {folder}
        path = self._own / JOURNAL_NAME
        try:
            if not overwrite:
                _check_content(folder, self._belongs_to, path)
            self._partial.mkdir(parents=True, exist_ok=True)
            self._lock = filelock.FileLock(self._own / "lock")
            self._lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise ConfigError(
                f"another run is converting to {folder}: wait for it, or give another OUT"
            ) from error
        except (OSError, NotImplementedError) as error:
            raise ConfigError(f"cannot write to {folder}: {_reason(error)}") from error
        try:
            if not overwrite:  # another run may have come in between
                _check_content(folder, self._belongs_to, path)
            shutil.rmtree(self._partial)  # what a killed run left
            self._partial.mkdir()
        except OSError as error:
            self._lock.release()
            raise ConfigError(f"cannot write to {folder}: {_reason(error)}") from error
        except ConfigError:
            self._lock.release()
            raise

    def begin(self) -> "OutFolder":
        """Take up the journal, or begin a new one; nothing that was done is forgotten before.

        Raises:
            ConfigError: it cannot be written.
        """
        path = self._own / JOURNAL_NAME
        try:
            if self._overwrite or read_owner(path) != self._belongs_to:
                path.unlink(missing_ok=True)
            self._journal = Journal(path, self._belongs_to)
        except OSError as error:
            raise ConfigError(f"cannot write to {self.folder}: {_reason(error)}") from error
        return self

    @property
    def journal(self) -> Journal:
        """The journal of a folder that has begun."""
        assert self._journal is not None
        return self._journal

    def has(self, job: Job) -> bool:
        """Say whether an earlier run has done this very picture, and its result is there."""
        try:
            source = job.source.stat()
            output = (self.folder / job.output).lstat()
        except OSError:
            return False
        stamp = FileStamp(source.st_size, source.st_mtime_ns)
        return self.journal.is_done(job.name, stamp, job.output, output.st_size)

    def write(self, job: Job, data: bytes, stamp: FileStamp) -> None:
        """Write a result, and note it in the journal.

        Nothing but the whole result ever has its final name.

        Raises:
            ImageError: this result cannot have its name.
            OutError: nothing can be written any more.
        """
        target = self.folder / job.output
        self._refuse_links(target.parent)
        temporary = self._partial / str(next(self._numbers))
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        try:
            with open(os.open(temporary, flags, 0o666), "wb") as file:  # noqa: PTH123
                file.write(data)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            raise self._error(error) from error
        try:
            _replace(temporary, target)
        except OSError as error:
            temporary.unlink(missing_ok=True)
            if error.errno in _DISK_ERRORS or not self._partial.exists():
                raise self._error(error) from error
            raise ImageError(f"its translation cannot be written: {_reason(error)}") from error
        try:
            self.journal.add_done(job.name, stamp, job.output, len(data))
        except OSError as error:
            raise self._error(error) from error
        with self._counting:
            self.num_written += 1
            self.bytes_written += len(data)

    def note_failure(self, job: Job, reason: str) -> None:
        """Note a picture that failed in the journal.

        Raises:
            OutError: nothing can be written any more.
        """
        try:
            self.journal.add_failed(job.name, reason)
        except OSError as error:
            raise self._error(error) from error

    def needed_bytes(self, num_left: int) -> int | None:
        """Guess what the pictures that are left will take; None before the first is written."""
        if not self.num_written:
            return None
        return self.bytes_written * num_left // self.num_written

    def free_bytes(self) -> int:
        """Return what the disk has free.

        Raises:
            OSError: the folder is gone.
        """
        return shutil.disk_usage(self.folder).free

    def close(self) -> None:
        """Let go of the folder; a second call does nothing."""
        if self._lock.is_locked:
            if self._journal is not None:
                self._journal.close()
            shutil.rmtree(self._partial, ignore_errors=True)
            self._lock.release()

    def __enter__(self) -> "OutFolder":
        """Return the folder."""
        return self

    def __exit__(self, *error: object) -> None:
        """Let go of the folder."""
        self.close()

    def _refuse_links(self, parent: Path) -> None:
        """Raise ImageError if a folder below OUT is a link: it might lead back to originals."""
        if parent in self._real_folders:
            return
        if parent.resolve() != self.folder.resolve() / parent.relative_to(self.folder):
            raise ImageError("its translation cannot be written: a folder in OUT is a link")
        self._real_folders.add(parent)

    def _error(self, error: OSError) -> OutError:
        # Ends up in the report, which holds no paths of this machine.
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            full = OutError("OUT is full")
            full.is_disk_full = True
            return full
        if not self._partial.exists():
            return OutError(f"OUT was removed, or its folder {OWN_NAME} was")
        return OutError(f"cannot write to OUT: {_reason(error)}")


_DISK_ERRORS = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)


def _replace(temporary: Path, target: Path) -> None:
    try:
        temporary.replace(target)
    except FileNotFoundError:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.replace(target)


def _owner(style: Style, settings: ConvertSettings) -> dict[str, Any]:
    return {"style": style.name, "graph_sha256": style.sha256[GRAPH_NAME], **asdict(settings)}


def _check_content(folder: Path, wanted: dict[str, Any], journal: Path) -> None:
    """Raise ConfigError if what is in a folder would be mixed with other things."""
    found = read_owner(journal)
    if found is None:
        names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        if any(name != REPORT_NAME and not name.startswith(".") for name in names):
            raise ConfigError(
                f"{folder} is not empty, and no earlier run has left its journal there: give an "
                "empty folder, or --overwrite"
            )
        return
    differing = [name for name in wanted if wanted[name] != found.get(name)]
    if differing and has_results(journal):
        name = differing[0]
        if name == "graph_sha256":
            difference = f"another version of the style {wanted['style']}"
        else:
            difference = f"{name.replace('_', ' ')} {found.get(name)}, not {wanted[name]}"
        raise ConfigError(
            f"{folder} holds results made with {difference}: give another OUT, or --overwrite to "
            "do all of them again"
        )


def _reason(error: BaseException) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
