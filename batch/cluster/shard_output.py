"""Where a worker's results go: beside those of others, with a journal of each shard's own."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pmsgan.batch.cluster.task import Shard, Task
from pmsgan.batch.files.bucket import RemoteFolder, Streak
from pmsgan.batch.files.folder import Stamper, stamper
from pmsgan.batch.files.journal import Journal, has_entries, read_done
from pmsgan.batch.files.local_output import PARTIAL_NAME, SHARDS_NAME
from pmsgan.batch.files.local_results import OWN_NAME, ResultFolder, Results, os_reason
from pmsgan.batch.pictures.decode import FileStamp
from pmsgan.batch.plan import Job
from pmsgan.errors import FolderError, ImageError

REMOTE_JOURNAL = f"{OWN_NAME}/journal/"
"""Below a remote OUT: a journal for each shard."""
REMOTE_TRIES = f"{OWN_NAME}/tries/"
"""Likewise: an empty object for each shard that a worker has begun and not ended."""


def count_tries(task: Task, shard: Shard, worker: str) -> int:
    """Note that a worker begins a shard, and count those that have, this one included.

    Raises:
        FolderError: nothing can be written.
    """
    name = _name(task, shard)
    try:
        if isinstance(task.out_dir, RemoteFolder):
            task.out_dir.write_bytes(f"{REMOTE_TRIES}{name}.{worker}", b"")
            begun = task.out_dir.list(REMOTE_TRIES)
            return sum(entry.name.startswith(f"{name}.") for entry in begun)
        path = _journal_path(task, shard, worker)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return len(list(path.parent.glob(f"{name}.*.jsonl")))
    except OSError as error:
        raise FolderError(f"cannot write to OUT: {os_reason(error)}") from error


@contextmanager
def open_results(task: Task, shard: Shard, worker: str) -> Iterator[Results]:
    """Give what takes the results of a shard; its journal is complete when the block ends.

    Call `count_tries` before: the journal is begun there.

    Raises:
        FolderError: nothing can be written.
    """
    if isinstance(task.out_dir, RemoteFolder):
        name = _name(task, shard)
        with tempfile.TemporaryDirectory(prefix="pmsgan-") as scratch:
            path = Path(scratch) / "journal.jsonl"
            journal = Journal(path, task.belongs_to, shard.known)
            try:
                yield RemoteResults(task.out_dir, journal, stamper(task.in_dir))
            finally:
                journal.close()
                _end_remote(task.out_dir, name, worker, path)
        return
    own = task.out_dir / OWN_NAME
    partial = own / PARTIAL_NAME / f"{task.run}-{worker}"
    path, known = _journal_path(task, shard, worker), dict(shard.known)
    try:
        partial.mkdir(parents=True, exist_ok=True)
        # What a worker that died has noted is not done again. It may be cut off only, and still
        # write: each has a journal of its own.
        for other in path.parent.glob(f"{_name(task, shard)}.*.jsonl"):
            known |= read_done(other)
        journal = Journal(path, task.belongs_to, known)
    except OSError as error:
        raise FolderError(f"cannot write to OUT: {os_reason(error)}") from error
    try:
        yield ResultFolder(task.out_dir, partial, journal, stamper(task.in_dir))
    finally:
        journal.close()
        shutil.rmtree(partial, ignore_errors=True)


class RemoteResults:
    """Results that go to an object store."""

    def __init__(self, folder: RemoteFolder, journal: Journal, stamp: Stamper) -> None:
        """Take a folder, where its results are noted, and what looks at pictures."""
        self._folder = folder
        self._journal = journal
        self._stamp = stamp
        self._streak = Streak()

    def has(self, job: Job) -> bool:
        """Say whether an earlier run has done this very picture, and its result is there."""
        if not self._journal.known([job.name]):
            return False
        try:
            output = self._folder.stamp(job.output)
            return self._journal.is_done(job.name, self._stamp(job), job.output, output.size)
        except OSError:
            return False

    def write(self, job: Job, data: bytes, stamp: FileStamp) -> None:
        """Write a result, and note it.

        Raises:
            ImageError: this one must not be written.
            FolderError: nothing can be written any more.
        """
        try:
            self._folder.write_bytes(job.output, data)
            self._streak.end()
        except PermissionError as error:
            self._streak.count(f"cannot write to OUT any more: {error}")
            raise ImageError(f"its translation cannot be written: {error}") from error
        except OSError as error:
            raise FolderError(f"cannot write to OUT: {error}") from error
        try:
            self._journal.add_done(job.name, stamp, job.output, len(data))
        except OSError as error:
            raise _no_room(error) from error

    def note_failure(self, job: Job, reason: str) -> None:
        """Note a picture that failed.

        Raises:
            FolderError: nothing can be written any more.
        """
        try:
            self._journal.add_failed(job.name, reason)
        except OSError as error:
            raise _no_room(error) from error


def _no_room(error: OSError) -> FolderError:
    return FolderError(f"cannot write to the folder for temporary files: {error.strerror}")


def _end_remote(folder: RemoteFolder, name: str, worker: str, journal: Path) -> None:
    try:
        if has_entries(journal):
            folder.write_bytes(f"{REMOTE_JOURNAL}{name}.jsonl", journal.read_bytes())
        with suppress(FileNotFoundError):
            folder.remove(f"{REMOTE_TRIES}{name}.{worker}")
    except OSError as error:
        raise FolderError(f"cannot write the journal to OUT: {error}") from error


def _journal_path(task: Task, shard: Shard, worker: str) -> Path:
    assert isinstance(task.out_dir, Path)
    return task.out_dir / OWN_NAME / SHARDS_NAME / f"{_name(task, shard)}.{worker}.jsonl"


def _name(task: Task, shard: Shard) -> str:
    return f"{task.run}-{shard.number:06}"
