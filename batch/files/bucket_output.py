"""OUT in a bucket.

It cannot be locked: two runs at once would do the work twice. Objects cannot be appended to, so the
journal is written in parts, each an object below OUT/.pmsgan/journal that begins like a journal.
"""

import logging
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any

from pmsgan.batch.files.journal import Journal, digest_of
from pmsgan.batch.files.journal_file import check_journal, foreign_files_error
from pmsgan.batch.files.local_results import OWN_NAME, Stamp, changed_note
from pmsgan.batch.files.stamp import MAX_FILE_BYTES, FileStamp, too_large
from pmsgan.batch.files.store import Store, StoreEntry, Streak
from pmsgan.batch.job import Job
from pmsgan.directory import backup_names
from pmsgan.errors import ConfigError, FolderError, ImageError

JOURNAL = f"{OWN_NAME}/journal/"
"""Parts of journals, below OUT."""
TRIES = f"{OWN_NAME}/tries/"
"""Below OUT: an empty object for each shard that a worker of a cluster has begun and not ended."""

SHORTEST_WAIT_S, WAIT_SHARE = 1.0, 0.02
"""A part is written when this many seconds and this share of the run's time have passed since the
last one. A killed run loses no more than that, and a ten-hour run has 400 parts."""

SAVE_TIMEOUT_S = 20.0
"""A store that takes longer to write the last part has failed."""

_log = logging.getLogger(__name__)

_FIRST = "0.jsonl"
"""The first part, which identifies the run before any picture is converted."""


class BucketResults:
    """Results that go to an object store, recorded in parts of a journal."""

    def __init__(
        self,
        store: Store,
        name: str,
        journal_file: Path,
        stamp: Stamp,
        started: float | None = None,
        *,
        overwrite: bool = False,
        verify: bool = False,
        was_empty: bool = False,
    ) -> None:
        """Take a folder of a store.

        Args:
            store: where results go.
            name: begins the names of our parts of the journal; nobody else uses it.
            journal_file: a file on this machine's disk that collects the records.
            stamp: returns the stamp of a picture.
            started: when the process began to work, on the monotonic clock; by default now.
            overwrite: overwrite even results that somebody has changed.
            verify: read results and check that they are as they were written.
            was_empty: it held nothing when the run began, so there is no file of somebody else.
        """
        self.was_empty = was_empty
        self._overwrite = overwrite
        self._verify = verify
        self.store = store
        self._name = name
        self._file = journal_file
        self._stamp = stamp
        self._journal: Journal | None = None
        self._run_identity: dict[str, Any] = {}
        self._streak = Streak()
        self._uploading = threading.Lock()
        self._num_parts = 0
        self._uploaded_bytes = 0
        """Bytes of the file that are in parts already."""
        self._uploaded = time.monotonic()
        self._started = self._uploaded if started is None else started

    @property
    def journal(self) -> Journal:
        """The record of finished pictures."""
        assert self._journal is not None, "call begin first"
        return self._journal

    def open_journal(self, run_identity: dict[str, Any], known: dict[int, int]) -> None:
        """Begin the record; pictures that are already known as done do not go into a part.

        Raises:
            OSError: there is no room for temporary files.
        """
        self._run_identity = run_identity
        self._journal = Journal(self._file, run_identity, known)
        self.skip_upload()

    def merge_part(self, name: str) -> None:
        """Add a part that another process has written to the record.

        Raises:
            ConfigError: it records results of another style or other settings.
            OSError: it cannot be read.
        """
        part = self._file.with_name("part.jsonl")
        part.write_bytes(self.store.read(JOURNAL + name))
        check_journal(self.store.url, self._run_identity, part)
        self.journal.merge(part)

    def skip_upload(self) -> None:
        """Treat everything that the file holds now as uploaded."""
        self._uploaded_bytes = self._file.stat().st_size

    def was_done_before(self, job: Job) -> bool:
        """Say whether an earlier run converted this exact picture, and its result exists."""
        if not self.journal.known([job.name]):
            return False
        try:
            output = self.store.stamp(job.output)
            stamp = self._stamp(job.source)
            if not self.journal.is_done(job.name, stamp, job.output, output.size):
                return False
            if not self._verify:
                return True
            can_be_read = output.size <= MAX_FILE_BYTES  # a stranger may have written the journal
            return can_be_read and self._digest(job.output) == self.journal.digest(job.name)
        except OSError:
            return False

    def write(self, job: Job, data: bytes, stamp: FileStamp, *, keep_date: bool = False) -> None:
        """Write a result, and record it; its date is the store's, whatever `keep_date` says.

        Raises:
            ImageError: this result cannot be written.
            FolderError: nothing more can be written.
        """
        if not _is_text(job.output):
            raise ImageError("its translation cannot be written: its name is not valid UTF-8")
        try:
            is_recorded = self.journal.digest(job.name) is not None
            if not self._overwrite and (is_recorded or not self.was_empty):
                self._keep_changed(job, data)
            self.store.write(job.output, data)
            self._streak.end()
        except PermissionError as error:
            self._streak.count(f"OUT can no longer be written: {error}")
            raise ImageError(f"its translation cannot be written: {error}") from error
        except OSError as error:
            raise FolderError(f"cannot write to OUT: {error}") from error
        try:
            self.journal.add_done(job.name, stamp, job.output, data)
        except OSError as error:
            raise _no_room(error) from error
        self._upload_if_due()

    def note_failure(self, job: Job, reason: str) -> None:
        """Record a picture that failed.

        Raises:
            FolderError: nothing can be written any more.
        """
        try:
            self.journal.add_failed(job.name, reason)
        except OSError as error:
            raise _no_room(error) from error
        self._upload_if_due()

    def save(self) -> None:
        """Write the records that are not yet in a part as a new part.

        Raises:
            FolderError: it cannot be written, or the store does not answer.
        """
        failures: list[FolderError] = []

        def upload() -> None:
            with self._uploading:
                try:
                    self._upload()
                except FolderError as error:
                    failures.append(error)

        # A daemon thread: a store that hangs must not keep the process alive.
        thread = threading.Thread(target=upload, daemon=True, name="journal")
        thread.start()
        thread.join(SAVE_TIMEOUT_S)
        if thread.is_alive():
            raise FolderError(
                f"cannot write the journal to OUT: no answer within {SAVE_TIMEOUT_S:.0f} s"
            )
        if failures:
            raise failures[0]

    def _digest(self, name: str) -> int:
        return digest_of(self.store.read(name))

    def _keep_changed(self, job: Job, data: bytes) -> None:
        """Copy a file that has the name of a result but was not written by a run to NAME.bak.

        Raises:
            ImageError: it is too large to be copied, and stays.
        """
        try:
            size = self.store.stamp(job.output).size
            if size > MAX_FILE_BYTES:
                raise ImageError(
                    f"its translation cannot be written: {job.output} in OUT, which has its name, "
                    f"{too_large(size)}"
                )
            found = self.store.read(job.output)
        except FileNotFoundError:
            return
        if digest_of(found) not in (self.journal.digest(job.name), digest_of(data)):
            taken = {entry.name for entry in self.store.list(job.output.rpartition("/")[0])}
            kept = next(name for name in backup_names(job.output) if _last_part(name) not in taken)
            self.store.write(kept, found)
            job.note = changed_note(kept)

    def _upload_if_due(self) -> None:
        now = time.monotonic()
        wait_s = max(SHORTEST_WAIT_S, WAIT_SHARE * (now - self._started))
        # One thread uploads; the others need not wait for it.
        if now - self._uploaded >= wait_s and self._uploading.acquire(blocking=False):
            try:
                self._upload()
            finally:
                self._uploading.release()

    def _upload(self) -> None:
        self._uploaded = time.monotonic()
        try:
            with self._file.open("rb") as file:
                header = file.readline()
                file.seek(self._uploaded_bytes)
                lines = file.read()
        except OSError as error:
            raise _no_room(error) from error
        lines = lines[: lines.rfind(b"\n") + 1]
        if not lines:
            return
        try:
            self.store.write(f"{JOURNAL}{self._name}-{self._num_parts:06}.jsonl", header + lines)
        except OSError as error:
            raise FolderError(f"cannot write the journal to OUT: {error}") from error
        self._num_parts += 1
        self._uploaded_bytes += len(lines)


class BucketOutput(BucketResults):
    """OUT in an object store while a run uses it."""

    def __init__(
        self,
        store: Store,
        run_identity: dict[str, Any],
        stamp: Stamp,
        *,
        overwrite: bool,
        verify: bool = False,
    ) -> None:
        """Take a folder and read its journal; `begin` has to be called before it is written to.

        Args:
            store: the folder; need not exist.
            run_identity: style and settings, which all results of one folder share.
            stamp: returns the stamp of a picture.
            overwrite: convert everything again.
            verify: convert again the results that are not as they were written.

        Raises:
            ConfigError: it cannot be read, or it holds results of another style or settings, or
                other files.
        """
        self.run_identity = run_identity
        self._scratch = tempfile.TemporaryDirectory(prefix="pmsgan-")
        # The order of names is the order of time, in any time zone.
        name = f"{time.strftime('%Y%m%d%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:8]}"
        file = Path(self._scratch.name) / "journal.jsonl"
        super().__init__(store, name, file, stamp, overwrite=overwrite, verify=verify)
        try:
            self.open_journal(run_identity, {})
            self._header = self._file.read_bytes()
            found = sorted(filter(_is_part, store.list(JOURNAL)), key=lambda entry: entry.name)
            self._parts = [entry.name for entry in found]
            if not overwrite:
                self._check_and_gather([entry.name for entry in found if is_readable(entry)])
        except OSError as error:
            self.close()
            raise ConfigError(f"cannot write to {store.url}: {error}") from error
        except ConfigError:
            self.close()
            raise

    def begin(self) -> None:
        """Check that OUT can be written to, and forget earlier runs if `overwrite` is set.

        Raises:
            ConfigError: it cannot be written to.
        """
        try:
            if self._overwrite:
                for name in self._parts:
                    self.store.remove(JOURNAL + name)
            self.store.write(JOURNAL + _FIRST, self._header)
            for entry in self.store.list(TRIES):  # of runs that were ended
                self.store.remove(TRIES + entry.name)
        except OSError as error:
            raise ConfigError(f"cannot write to {self.store.url}: {error}") from error

    def collect(self, shard: str) -> None:
        """Do nothing: the next run gathers the parts of a shard's journal where they are."""

    def space(self, num_left: int) -> str:
        """Return nothing: a bucket is never full."""
        return ""

    def close(self) -> None:
        """Free what this holds; a second call does nothing."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self._scratch.cleanup()

    def __enter__(self) -> "BucketOutput":
        """Return the output."""
        return self

    def __exit__(self, *error: object) -> None:
        """Free what this holds."""
        self.close()

    def _check_and_gather(self, parts: list[str]) -> None:
        """Add the parts of earlier runs to the record; raise ConfigError if they are not ours."""
        if not parts:
            names = {entry.name for entry in self.store.list("")}
            if any(not name.startswith(".") for name in names):
                raise foreign_files_error(self.store.url)
            self.was_empty = names <= {OWN_NAME}
        for name in parts:
            self.merge_part(name)
        self.skip_upload()


def _is_part(entry: StoreEntry) -> bool:
    """Say whether an entry has the name of a part of a journal."""
    return entry.is_file() and entry.name.endswith(".jsonl")


def is_readable(part: StoreEntry) -> bool:
    """Say whether a part of a journal has a size that ours have; a warning names one that has not.

    It is read as a whole, and a stranger may have put it there.
    """
    if part.size > MAX_FILE_BYTES:
        _log.warning(
            "the part %s of the journal in OUT is left out: it %s", part.name, too_large(part.size)
        )
    return part.size <= MAX_FILE_BYTES


def _last_part(name: str) -> str:
    return name.rpartition("/")[2]


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _no_room(error: OSError) -> FolderError:
    return FolderError(f"cannot write to the folder for temporary files: {error.strerror}")
