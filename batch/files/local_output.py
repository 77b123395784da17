"""The folder that results go to: one run at a time, whole files only, and a memory of its own.

Beside the results, OUT/.pmsgan holds a lock, the journal, and files that are being written.
"""

import contextlib
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import filelock

from pmsgan.batch.files.journal import Journal, has_results, read_owner
from pmsgan.batch.files.local_results import OWN_NAME, ResultFolder, os_reason
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import ConfigError
from pmsgan.styles.registry import GRAPH_NAME, Style

PARTIAL_NAME = "partial"
SHARDS_NAME = "shards"
JOURNAL_NAME = "journal.jsonl"
REPORT_NAME = "report.json"


class OutFolder(ResultFolder):
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
        self._own = folder / OWN_NAME
        super().__init__(folder, self._own / PARTIAL_NAME)
        self.belongs_to = owner(style, settings)
        self._overwrite = overwrite
        try:
            if not overwrite:
                _check_content(folder, self.belongs_to)
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
                _check_content(folder, self.belongs_to)
            shutil.rmtree(self._partial)  # what a killed run left
            self._partial.mkdir()
        except OSError as error:
            self._lock.release()
            raise ConfigError(f"cannot write to {folder}: {os_reason(error)}") from error
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
            if self._overwrite or read_owner(path) != self.belongs_to:
                path.unlink(missing_ok=True)
                shutil.rmtree(self._own / SHARDS_NAME, ignore_errors=True)
            self._journal = Journal(path, self.belongs_to)
        except OSError as error:
            raise ConfigError(f"cannot write to {self.folder}: {os_reason(error)}") from error
        self.take_shards()  # of a cluster run that was ended
        return self

    def take_shards(self, pattern: str = "*") -> None:
        """Move what workers of a cluster have noted into the journal.

        Raises:
            ConfigError: it cannot be read, or not be written.
        """
        try:
            for path in sorted((self._own / SHARDS_NAME).glob(pattern)):
                if path.suffix == ".jsonl" and read_owner(path) == self.belongs_to:
                    self.journal.take(path)
                path.unlink()
        except OSError as error:
            raise ConfigError(f"cannot write to {self.folder}: {os_reason(error)}") from error

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
            with contextlib.suppress(OSError):
                (self._own / SHARDS_NAME).rmdir()
            self._lock.release()

    def __enter__(self) -> "OutFolder":
        """Return the folder."""
        return self

    def __exit__(self, *error: object) -> None:
        """Let go of the folder."""
        self.close()


def owner(style: Style, settings: ConvertSettings) -> dict[str, Any]:
    """Return what decides how results look; those of one folder have it in common."""
    return {"style": style.name, "graph_sha256": style.sha256[GRAPH_NAME], **asdict(settings)}


def not_ours(folder: str) -> ConfigError:
    """Return what to raise where a folder holds what is not known."""
    return ConfigError(
        f"{folder} is not empty, and no earlier run has left its journal there: give an empty "
        "folder, or --overwrite"
    )


def check_journal(folder: str, wanted: dict[str, Any], journal: Path) -> None:
    """Raise ConfigError if a journal notes results that were made otherwise than is wanted."""
    found = read_owner(journal) or {}
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


def _check_content(folder: Path, wanted: dict[str, Any]) -> None:
    """Raise ConfigError if what is in a folder would be mixed with other things."""
    own = folder / OWN_NAME
    paths = [own / JOURNAL_NAME, *(own / SHARDS_NAME).glob("*.jsonl")]
    journals = [path for path in paths if read_owner(path) is not None]
    for journal in journals:
        check_journal(str(folder), wanted, journal)
    if journals:
        return
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    if any(name != REPORT_NAME and not name.startswith(".") for name in names):
        raise not_ours(str(folder))
