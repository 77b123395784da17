"""The interface of folders, on a disk or in a bucket."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from pmsgan.batch.files.journal import Journal
from pmsgan.batch.files.stamp import FileStamp
from pmsgan.batch.job import Job


class Entry(Protocol):
    """An entry of a folder, such as os.DirEntry."""

    @property
    def name(self) -> str:
        """Name without the folder."""

    def is_symlink(self) -> bool:
        """Say whether it is a link."""

    def is_dir(self) -> bool:
        """Say whether it is a folder."""

    def is_file(self) -> bool:
        """Say whether it is a file."""


class Folder(Protocol):
    """A folder to read pictures from, or to write results to; `str` returns what the user typed.

    Names below it have slashes. It can be pickled, and then means the same place in another
    process.
    """

    @property
    def path(self) -> Path | None:
        """Path on this machine's disk; None if the folder is elsewhere, such as in a bucket."""

    @property
    def includes_everything(self) -> bool:
        """Whether to take every entry, and skip none for its name."""

    def identity(self, name: str = "") -> str:
        """Identify this folder, or one below it: two are the same if their identities are."""

    def parents(self) -> Iterator[str]:
        """Identify the folders that this one lies in."""

    def list(self, name: str) -> Iterable[Entry]:
        """List a folder below this one, in any order.

        Raises:
            OSError: it cannot be listed; also while the entries are iterated over.
        """

    def source(self, name: str) -> str:
        """Return the argument of `read` and `stamp` for a name below this folder."""

    def read(self, source: str) -> tuple[bytes, FileStamp]:
        """Read a whole file; nobody may write to it meanwhile.

        Raises:
            ImageError: it cannot be read, is empty or too large, or has changed.
            FolderError: nothing more can be read.
        """

    def head(self, source: str, num_bytes: int) -> bytes:
        """Return the first bytes of a file; b"" if reading fails, or would take a request."""

    def stamp(self, source: str) -> FileStamp:
        """Return a stamp that shows whether a file has changed, without reading it.

        Raises:
            OSError: it does not exist, or its metadata cannot be read.
        """

    def output(
        self,
        run_identity: dict[str, Any],
        pictures: "Folder",
        *,
        overwrite: bool,
        verify: bool = False,
    ) -> "Output":
        """Use this folder for the results of a run.

        Args:
            run_identity: style and settings, which all results of one folder share.
            pictures: the folder that the pictures come from.
            overwrite: convert everything again.
            verify: read existing results, and convert again those that are not as they were
                written.

        Raises:
            ConfigError: it cannot be written to, another run uses it, or it holds results of
                another style or settings, or other files.
        """


class Results(Protocol):
    """Receives the results of a run; threads share it."""

    def was_done_before(self, job: Job) -> bool:
        """Say whether an earlier run converted this exact picture, and its result exists."""

    def write(self, job: Job, data: bytes, stamp: FileStamp, *, keep_date: bool = False) -> None:
        """Write a result, and record that the picture with this stamp is done.

        If somebody has changed the existing result, it is kept as NAME.bak, and the job's note says
        so.

        Args:
            job: the picture.
            data: the result's file.
            stamp: the picture's file as it was read.
            keep_date: give the result the picture's date, which a bucket cannot do.

        Raises:
            ImageError: this one result cannot be written.
            FolderError: nothing can be written any more.
        """

    def note_failure(self, job: Job, reason: str) -> None:
        """Record a picture that failed.

        Raises:
            FolderError: nothing can be written any more.
        """


class Output(Results, Protocol):
    """The output folder of a run, held until its `with` block ends."""

    run_identity: dict[str, Any]
    was_empty: bool
    """Whether it held nothing when the run began; False if that does not matter."""

    @property
    def journal(self) -> Journal:
        """The record of finished pictures; it exists after `begin`."""

    def begin(self) -> None:
        """Continue the journal of earlier runs, or begin a new one.

        No earlier record is dropped before this.

        Raises:
            ConfigError: it cannot be written.
        """

    def save(self) -> None:
        """Save the records where the next run finds them.

        Raises:
            FolderError: it cannot be written.
        """

    def collect(self, shard: str) -> None:
        """Add the records of a shard's workers to the journal.

        Raises:
            ConfigError: they cannot be read or written.
        """

    def space(self, num_left: int) -> str:
        """Describe how much space is free, and how much that many results need; may be empty."""

    def close(self) -> None:
        """Release the folder; a second call does nothing."""

    def __enter__(self) -> "Output":
        """Return the output."""

    def __exit__(self, *error: object) -> None:
        """Release the folder."""
