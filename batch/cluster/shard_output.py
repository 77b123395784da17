"""Writes a worker's results beside those of others, with a journal for each shard."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import singledispatch
from pathlib import Path

from pmsgan.batch.cluster.task import Shard, Task, shard_name
from pmsgan.batch.files.bucket import BucketFolder
from pmsgan.batch.files.bucket_output import JOURNAL, TRIES, BucketResults, is_readable
from pmsgan.batch.files.folder import Folder, Results
from pmsgan.batch.files.journal import Journal
from pmsgan.batch.files.journal_file import read_done
from pmsgan.batch.files.local import LocalFolder
from pmsgan.batch.files.local_output import PARTIAL_NAME, SHARDS_NAME, empty
from pmsgan.batch.files.local_results import OWN_NAME, LocalResults
from pmsgan.directory import Directory
from pmsgan.errors import FolderError, os_reason


@dataclass(frozen=True, slots=True)
class ShardOutput:
    """Where the results of a shard go."""

    results: Results
    num_tries: int
    """Workers that have begun the shard and not finished it, this one included."""


@singledispatch
def open_shard_output(
    out: Folder, task: Task, shard: Shard, worker: str, started: float
) -> AbstractContextManager[ShardOutput]:
    """Record that a worker begins a shard, and open the output for its results.

    The journal of the shard is complete when the `with` block ends.

    Args:
        out: OUT; each kind of folder is handled separately below.
        task: what all shards have in common.
        shard: the pictures.
        worker: name of the worker.
        started: when the worker began to work, on the monotonic clock.

    Raises:
        FolderError: nothing can be written.
    """
    raise NotImplementedError(f"workers cannot write to a {type(out).__name__}")


@open_shard_output.register(LocalFolder)
@contextmanager
def _open_local(
    out: LocalFolder, task: Task, shard: Shard, worker: str, started: float
) -> Iterator[ShardOutput]:
    shard_start = f"{shard_name(task.name, shard.number)}."
    own_journal, scratch = f"{shard_start}{worker}.jsonl", f"{task.name}-{worker}"
    with ExitStack() as held:
        try:
            out.path.mkdir(parents=True, exist_ok=True)
            root = held.enter_context(Directory(out.path))
            own = held.enter_context(root.folder(OWN_NAME, make=True))
            partials = held.enter_context(own.folder(PARTIAL_NAME, make=True))
            partial = held.enter_context(partials.folder(scratch, make=True))
            shards = held.enter_context(own.folder(SHARDS_NAME, make=True))
            os.close(shards.open(own_journal, os.O_WRONLY | os.O_CREAT))
            # Nothing that a dead worker has recorded is done again. A worker may only be cut off,
            # and still write: each has a journal of its own.
            begun = [name for name in shards.names() if name.startswith(shard_start)]
            known = dict(shard.known)
            for other in begun:
                known |= read_done(other, shards.open)
            journal = Journal(own_journal, task.run_identity, known, shards.open)
        except OSError as error:
            raise FolderError(f"cannot write to OUT: {os_reason(error)}") from error
        try:
            results = LocalResults(
                root, partial, task.pictures.stamp, journal,
                overwrite=task.run.overwrite, verify=task.run.verify,
            )  # fmt: skip
            yield ShardOutput(results, len(begun))
        finally:
            journal.close()
            with suppress(OSError):
                empty(partials, scratch)


@open_shard_output.register(BucketFolder)
@contextmanager
def _open_in_bucket(
    out: BucketFolder, task: Task, shard: Shard, worker: str, started: float
) -> Iterator[ShardOutput]:
    name = shard_name(task.name, shard.number)
    begun = f"{TRIES}{name}.{worker}"
    with tempfile.TemporaryDirectory(prefix="pmsgan-") as scratch:
        file = Path(scratch) / "journal.jsonl"
        results = BucketResults(
            out.store, f"{name}.{worker}", file, task.pictures.stamp, started,
            overwrite=task.run.overwrite, verify=task.run.verify, was_empty=task.out_was_empty,
        )  # fmt: skip
        try:
            out.store.write(begun, b"")
            num_tries = sum(it.name.startswith(f"{name}.") for it in out.store.list(TRIES))
            results.open_journal(task.run_identity, shard.known)
            if num_tries > 1:  # pictures that a dead worker has recorded are not converted again
                for entry in out.store.list(JOURNAL):
                    if entry.name.startswith(f"{name}.") and is_readable(entry):
                        results.merge_part(entry.name)
                results.skip_upload()
        except OSError as error:
            raise FolderError(f"cannot write to OUT: {os_reason(error)}") from error
        try:
            yield ShardOutput(results, num_tries)
        finally:
            results.journal.close()
            results.save()
            try:
                with suppress(FileNotFoundError):
                    out.store.remove(begun)
            except OSError as error:
                raise FolderError(f"cannot write to OUT: {error}") from error
