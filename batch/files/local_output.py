"""OUT on a disk: one run at a time, and a record of finished pictures.

Beside the results, OUT/.pmsgan holds a lock, the journal, and files that are being written. Only
files whose names a run gives are removed there.
"""

import errno
import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from pmsgan.batch.files.journal import Journal
from pmsgan.batch.files.journal_file import check_journal, foreign_files_error, read_run_identity
from pmsgan.batch.files.local_results import OWN_NAME, LocalResults, Stamp
from pmsgan.batch.files.lock import LockedError, lock
from pmsgan.counts import count
from pmsgan.directory import Directory
from pmsgan.errors import ConfigError, FolderError, os_reason

PARTIAL_NAME = "partial"
SHARDS_NAME = "shards"
JOURNAL_NAME = "journal.jsonl"
REPORT_NAME = "report.json"

_RESULT = re.compile(r"\d+")
"""Name of a file that is being written."""
_WORKER = re.compile(r".+-[0-9a-f]{8}")
"""Name of a folder in which a worker of a cluster writes such files."""
_SHARD = re.compile(r".+-\d{6}(\..+)?\.jsonl")
"""Name of the journal of a shard."""

_GONE = f"OUT, or its folder {OWN_NAME}, was removed or moved during the run"

_log = logging.getLogger(__name__)


class LocalOutput(LocalResults):
    """A folder on a disk that belongs to one run until its `with` block ends."""

    was_empty = False

    def __init__(
        self,
        folder: Path,
        run_identity: dict[str, Any],
        stamp: Stamp,
        *,
        overwrite: bool = False,
        verify: bool = False,
    ) -> None:
        """Lock the folder; `begin` has to be called before it is written to.

        Args:
            folder: made if it does not exist.
            run_identity: style and settings, which all results of one folder share.
            stamp: returns the stamp of a picture.
            overwrite: convert everything again.
            verify: convert again the results that are not as they were written.

        Raises:
            ConfigError: it cannot be written to, another run uses it, or it holds results of
                another style or settings, or other files.
        """
        self.folder = folder
        self.run_identity = run_identity
        with ExitStack() as held:
            try:
                if not overwrite and folder.is_dir():
                    with Directory(folder) as root:
                        _check_content(root, run_identity)
                folder.mkdir(parents=True, exist_ok=True)
                root = held.enter_context(Directory(folder))
                self._own = held.enter_context(root.folder(OWN_NAME, make=True))
                held.enter_context(lock(self._own, "lock"))
                if not overwrite:  # another run may have come in between
                    _check_content(root, run_identity)
                partial = held.enter_context(self._own.folder(PARTIAL_NAME, make=True))
                _empty(partial)  # of files that a killed run left
            except LockedError as error:
                raise ConfigError(
                    f"another run is converting to {folder}: wait for it, or give another OUT"
                ) from error
            except OSError as error:
                raise _unusable(folder, error) from error
            super().__init__(root, partial, stamp, overwrite=overwrite, verify=verify)
            self._held = held.pop_all()

    def begin(self) -> None:
        """Continue the journal of earlier runs, or begin a new one.

        Raises:
            ConfigError: it cannot be written.
        """
        try:
            found = read_run_identity(JOURNAL_NAME, self._own.open)
            if self._overwrite or found not in (None, self.run_identity):
                self._own.remove(JOURNAL_NAME)
                for shards, name in self._shards():
                    shards.remove(name)
            self._journal = Journal(JOURNAL_NAME, self.run_identity, opener=self._own.open)
        except OSError as error:
            raise _unusable(self.folder, error) from error
        self._collect("")  # journals that a killed cluster run left

    def save(self) -> None:
        """Flush the journal to the disk, and warn if somebody has removed it.

        Raises:
            FolderError: it cannot be written, or OUT is another folder now.
        """
        try:
            self.journal.sync()
            if not (self._root.is_there() and self._own.is_there()):
                raise FolderError(_GONE)
            if self.journal.restore(JOURNAL_NAME, self._own.open):
                _log.warning("the journal in OUT has been removed: writing it again")
        except OSError as error:
            raise self._error(error) from error

    def collect(self, shard: str) -> None:
        """Move the records of a shard's workers into the journal.

        Raises:
            ConfigError: they cannot be read or written.
        """
        self._collect(f"{shard}.")

    def _collect(self, start: str) -> None:
        try:
            if not self._own.is_there():
                raise ConfigError(_GONE)
            for shards, name in self._shards():
                if name.startswith(start):
                    self.journal.merge(name, shards.open)
                    shards.remove(name)
        except OSError as error:
            raise _unusable(self.folder, error) from error

    def _shards(self) -> Iterator[tuple[Directory, str]]:
        return _shards(self._own)

    def space(self, num_left: int) -> str:
        """Describe how much room the disk has, and how much that many results need."""
        try:
            free = shutil.disk_usage(self.folder).free
        except OSError:
            return ""
        text = f"; free: {free / 1e6:.1f} MB"
        if self.num_written:
            needed = self.bytes_written * num_left / self.num_written
            text += (
                f", needed for the {count(num_left, 'picture')} left: about {needed / 1e6:.1f} MB"
            )
        return text

    def close(self) -> None:
        """Release the folder; a second call does nothing."""
        with self._held:
            if self._journal is not None:
                self._journal.close()
                self._journal = None
            with suppress(OSError):
                _empty(self._partial)
                self._own.remove_folder(PARTIAL_NAME)
                self._own.remove_folder(SHARDS_NAME)

    def __enter__(self) -> "LocalOutput":
        """Return the output."""
        return self

    def __exit__(self, *error: object) -> None:
        """Release the folder."""
        self.close()


def _check_content(root: Directory, run_identity: dict[str, Any]) -> None:
    """Raise ConfigError if results would be mixed with other files in a folder."""
    is_ours = False
    with suppress(FileNotFoundError), root.folder(OWN_NAME) as own:
        if own.lstat(JOURNAL_NAME):
            is_ours = check_journal(str(root.path), run_identity, JOURNAL_NAME, own.open)
        for shards, name in _shards(own):
            is_ours |= check_journal(str(root.path), run_identity, name, shards.open)
    is_others = any(name != REPORT_NAME and not name.startswith(".") for name in root.names())
    if is_others and not is_ours:
        raise foreign_files_error(str(root.path))


def _shards(own: Directory) -> Iterator[tuple[Directory, str]]:
    """Yield the journals of shards, each with its folder."""
    with suppress(FileNotFoundError), own.folder(SHARDS_NAME) as shards:
        for name in sorted(shards.names()):
            if _SHARD.fullmatch(name):
                yield shards, name


def _empty(partial: Directory) -> None:
    """Remove files that were being written, also those of workers."""
    for name in partial.names():
        if _RESULT.fullmatch(name):
            partial.remove(name)
        elif _WORKER.fullmatch(name):
            empty(partial, name)


def empty(partial: Directory, worker: str) -> None:
    """Remove the folder in which a worker writes, with the files that it was writing."""
    with suppress(FileNotFoundError), partial.folder(worker) as folder:
        for name in folder.names():
            if _RESULT.fullmatch(name):
                folder.remove(name)
    partial.remove_folder(worker)


def _unusable(folder: Path, error: OSError) -> ConfigError:
    if error.errno == errno.ELOOP:
        return ConfigError(
            f"cannot write to {folder}: its {OWN_NAME}, or something in it, is a link, which "
            "pmsgan never creates: remove it, or give another OUT"
        )
    return ConfigError(f"cannot write to {folder}: {os_reason(error)}")
