"""The interface of every place for pictures: a disk or a bucket."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

from pmsgan.batch.files.journal import Journal
from pmsgan.batch.files.stamp import FileStamp
from pmsgan.batch.job import Job


class Entry(Protocol):
    """Something that lies in a folder; os.DirEntry is one."""

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
    """A folder to read pictures from, or to write results to; `str` gives what the user typed.

    Names below it have slashes. It can be pickled, and means the same place in another process.
    """

    @property
    def path(self) -> Path | None:
        """Path on this machine's disk; None if the folder is elsewhere, such as in a bucket."""

    @property
    def takes_all(self) -> bool:
        """Every entry is meant: none is skipped for its name."""

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
        """Return what `read` and `stamp` take for a name below this folder."""

    def read(self, source: str) -> tuple[bytes, FileStamp]:
        """Read a whole file that nobody writes to meanwhile.

        Raises:
            ImageError: it cannot be read, is empty or too large, or has changed.
            FolderError: nothing can be read any more.
        """

    def head(self, source: str, num_bytes: int) -> bytes:
        """Return the first bytes of a file; none where that takes a request, or fails."""

    def stamp(self, source: str) -> FileStamp:
        """Return what tells whether a file has changed, without reading it.

        Raises:
            OSError: it is not there, or cannot be looked at.
        """

    def output(
        self,
        run_identity: dict[str, Any],
        pictures: "Folder",
        *,
        overwrite: bool,
        verify: bool = False,
    ) -> "Output":
        """Take this folder for the results of a run.

        Args:
            run_identity: style and settings, which all results of one folder have in common.
            pictures: the folder that the pictures come from.
            overwrite: do everything again, whatever is there.
            verify: read the results that are there, and do again what is not as it was written.

        Raises:
            ConfigError: it cannot be written to, another run has it, or what is there was made
                with another style or settings, or by somebody else.
        """


class Results(Protocol):
    """Takes the results of a run; threads share it."""

    def was_done_before(self, job: Job) -> bool:
        """Say whether an earlier run has done this very picture, and its result is there."""

    def write(self, job: Job, data: bytes, stamp: FileStamp, *, keep_date: bool = False) -> None:
        """Write a result, and record that the picture with this stamp is done.

        What somebody has changed in its place is kept as NAME.bak, which the job's note says.

        Args:
            job: the picture.
            data: the result's file.
            stamp: the picture's file as it was read.
            keep_date: give the result the picture's date, where that can be done: not in a bucket.

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
    """OUT while a run has it, until its `with` block ends."""

    run_identity: dict[str, Any]

    @property
    def journal(self) -> Journal:
        """The record of what is done; there is one after `begin`."""

    def begin(self) -> None:
        """Continue the journal of earlier runs, or begin a new one.

        Nothing that was done is forgotten before this.

        Raises:
            ConfigError: it cannot be written.
        """

    def save(self) -> None:
        """Put what is recorded where the next run finds it.

        Raises:
            FolderError: it cannot be written.
        """

    def collect(self, shard: str) -> None:
        """Add what the workers of a shard have recorded to the journal.

        Raises:
            ConfigError: it cannot be read, or not be written.
        """

    def space(self, num_left: int) -> str:
        """Describe how much room is there, and how much that many results need; may be empty."""

    def close(self) -> None:
        """Release the folder; a second call does nothing."""

    def __enter__(self) -> "Output":
        """Return the output."""

    def __exit__(self, *error: object) -> None:
        """Release the folder."""
