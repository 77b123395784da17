"""Where a worker's results go: beside those of others, with a journal of each shard's own."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pmsgan.batch.cluster.task import Shard, Task
from pmsgan.batch.decode import FileStamp
from pmsgan.batch.journal import Journal
from pmsgan.batch.out_folder import PARTIAL_NAME, SHARDS_NAME
from pmsgan.batch.plan import Job
from pmsgan.batch.remote import RemoteFolder
from pmsgan.batch.result_folder import OWN_NAME, OutError, ResultFolder, Results
from pmsgan.batch.sources import Stamper, stamper
from pmsgan.errors import ImageError

REMOTE_JOURNAL = f"{OWN_NAME}/journal/"
"""Below a remote OUT: a journal for each shard."""


def count_tries(task: Task, shard: Shard, worker: str) -> int:
    """Count how many workers have begun a shard, this one included.

    In an object store nobody counts.

    Raises:
        OutError: nothing can be written.
    """
    if isinstance(task.out_dir, RemoteFolder):
        return 1
    shards = task.out_dir / OWN_NAME / SHARDS_NAME
    try:
        shards.mkdir(parents=True, exist_ok=True)
        (shards / f"{_name(task, shard)}.{worker}").touch()
        return len(list(shards.glob(f"{_name(task, shard)}.*")))
    except OSError as error:
        raise OutError(f"cannot write to OUT: {error.strerror}") from error


@contextmanager
def open_results(task: Task, shard: Shard, worker: str) -> Iterator[Results]:
    """Give what takes the results of a shard; its journal is complete when the block ends.

    Raises:
        OutError: nothing can be written.
    """
    if isinstance(task.out_dir, RemoteFolder):
        with tempfile.TemporaryDirectory(prefix="pmsgan-") as scratch:
            path = Path(scratch) / "journal.jsonl"
            journal = Journal(path, task.belongs_to, shard.known)
            try:
                yield RemoteResults(task.out_dir, journal, stamper(task.in_dir))
            finally:
                journal.close()
                _put_journal(task.out_dir, f"{REMOTE_JOURNAL}{_name(task, shard)}", path)
        return
    own = task.out_dir / OWN_NAME
    partial = own / PARTIAL_NAME / f"{task.run}-{worker}"
    shards = own / SHARDS_NAME
    try:
        partial.mkdir(parents=True, exist_ok=True)
        shards.mkdir(exist_ok=True)
        # What the journal of a worker that died notes is not done again.
        journal = Journal(shards / _name(task, shard), task.belongs_to, shard.known)
    except OSError as error:
        raise OutError(f"cannot write to OUT: {error.strerror}") from error
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
            OutError: nothing can be written any more.
        """
        try:
            self._folder.write_bytes(job.output, data)
        except PermissionError as error:
            raise ImageError(f"its translation cannot be written: {error}") from error
        except OSError as error:
            raise OutError(f"cannot write to OUT: {error}") from error
        try:
            self._journal.add_done(job.name, stamp, job.output, len(data))
        except OSError as error:
            raise _no_room(error) from error

    def note_failure(self, job: Job, reason: str) -> None:
        """Note a picture that failed.

        Raises:
            OutError: nothing can be written any more.
        """
        try:
            self._journal.add_failed(job.name, reason)
        except OSError as error:
            raise _no_room(error) from error


def _no_room(error: OSError) -> OutError:
    return OutError(f"cannot write to the folder for temporary files: {error.strerror}")


def _put_journal(folder: RemoteFolder, name: str, path: Path) -> None:
    try:
        folder.write_bytes(name, path.read_bytes())
    except OSError as error:
        raise OutError(f"cannot write the journal to OUT: {error}") from error


def _name(task: Task, shard: Shard) -> str:
    return f"{task.run}-{shard.number:06}.jsonl"
