"""OUT on a disk: one run at a time, and a record of what is done.

Beside the results, OUT/.pmsgan holds a lock, the journal, and files that are being written.
"""

import contextlib
import shutil
from pathlib import Path
from typing import Any

import filelock

from pmsgan.batch.files.journal import Journal, check_journal, not_ours, read_run_identity
from pmsgan.batch.files.local_results import OWN_NAME, LocalResults, Stamp, os_reason
from pmsgan.counts import count
from pmsgan.errors import ConfigError, os_reason

PARTIAL_NAME = "partial"
SHARDS_NAME = "shards"
JOURNAL_NAME = "journal.jsonl"
REPORT_NAME = "report.json"


class LocalOutput(LocalResults):
    """A folder on a disk that belongs to one run until its `with` block ends."""

    def __init__(
        self, folder: Path, run_identity: dict[str, Any], stamp: Stamp, *, overwrite: bool = False
    ) -> None:
        """Lock the folder; `begin` has to be called before it is written to.

        Args:
            folder: made if it does not exist.
            run_identity: style and settings, which all results of one folder have in common.
            stamp: looks at a picture.
            overwrite: do everything again, whatever is there.

        Raises:
            ConfigError: it cannot be written to, another run has it, or what is there was made
                with another style or settings, or by somebody else.
        """
        self._own = folder / OWN_NAME
        super().__init__(folder, self._own / PARTIAL_NAME, stamp)
        self.run_identity = run_identity
        self._overwrite = overwrite
        try:
            if not overwrite:
                _check_content(folder, run_identity)
            self._partial.mkdir(parents=True, exist_ok=True)
            self._lock = filelock.FileLock(self._own / "lock")
            self._lock.acquire(timeout=0)
        except filelock.Timeout as error:
            raise ConfigError(
                f"another run is converting to {folder}: wait for it, or give another OUT"
            ) from error
        except (OSError, NotImplementedError) as error:
            raise ConfigError(f"cannot write to {folder}: {os_reason(error)}") from error
        try:
            if not overwrite:  # another run may have come in between
                _check_content(folder, run_identity)
            shutil.rmtree(self._partial)  # what a killed run left
            self._partial.mkdir()
        except OSError as error:
            self._lock.release()
            raise ConfigError(f"cannot write to {folder}: {os_reason(error)}") from error
        except ConfigError:
            self._lock.release()
            raise

    def begin(self) -> None:
        """Continue the journal of earlier runs, or begin a new one.

        Raises:
            ConfigError: it cannot be written.
        """
        path = self._own / JOURNAL_NAME
        try:
            if self._overwrite or read_run_identity(path) != self.run_identity:
                path.unlink(missing_ok=True)
                shutil.rmtree(self._own / SHARDS_NAME, ignore_errors=True)
            self._journal = Journal(path, self.run_identity)
        except OSError as error:
            raise ConfigError(f"cannot write to {self.folder}: {os_reason(error)}") from error
        self._collect("*")  # what a cluster run left that was ended

    def save(self) -> None:
        """Put the journal on the disk.

        Raises:
            FolderError: it cannot be written.
        """
        try:
            self.journal.sync()
        except OSError as error:
            raise self._error(error) from error

    def collect(self, shard: str) -> None:
        """Move what the workers of a shard have recorded into the journal.

        Raises:
            ConfigError: it cannot be read, or not be written.
        """
        self._collect(f"{shard}.*")

    def _collect(self, pattern: str) -> None:
        try:
            for path in sorted((self._own / SHARDS_NAME).glob(pattern)):
                if path.suffix == ".jsonl" and read_run_identity(path) == self.run_identity:
                    self.journal.take(path)
                path.unlink()
        except OSError as error:
            raise ConfigError(f"cannot write to {self.folder}: {os_reason(error)}") from error

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
        if self._lock.is_locked:
            if self._journal is not None:
                self._journal.close()
            shutil.rmtree(self._partial, ignore_errors=True)
            with contextlib.suppress(OSError):
                (self._own / SHARDS_NAME).rmdir()
            self._lock.release()

    def __enter__(self) -> "LocalOutput":
        """Return the output."""
        return self

    def __exit__(self, *error: object) -> None:
        """Release the folder."""
        self.close()


def _check_content(folder: Path, run_identity: dict[str, Any]) -> None:
    """Raise ConfigError if what is in a folder would be mixed with other things."""
    own = folder / OWN_NAME
    paths = [own / JOURNAL_NAME, *(own / SHARDS_NAME).glob("*.jsonl")]
    journals = [path for path in paths if read_run_identity(path) is not None]
    for journal in journals:
        check_journal(str(folder), run_identity, journal)
    if journals:
        return
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    if any(name != REPORT_NAME and not name.startswith(".") for name in names):
        raise not_ours(str(folder))
