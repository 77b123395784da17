"""Records finished pictures so that an interrupted run can resume.

`journal.jsonl` begins with a line that identifies its run by style and settings, and has one more
line for each picture that ended. Lines are appended with one write each; a last line that was cut
off does no harm. Each line of a picture that is done names its run by a short hash, so a journal
whose first line is damaged loses nothing.
"""

import contextlib
import errno
import hashlib
import json
import logging
import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from pmsgan.batch.files.journal_file import (
    DIGEST_BITS,
    VERSION,
    JournalLines,
    done_in,
    last_byte,
    lines_of,
    number_of,
    open_journal,
    read_run_identity,
    run_hash,
    short_digest,
)
from pmsgan.batch.files.stamp import FileStamp
from pmsgan.directory import Opener

_log = logging.getLogger(__name__)


class Journal:
    """An open journal; threads may share it."""

    def __init__(
        self,
        path: Path | str,
        run_identity: dict[str, Any],
        known: Mapping[int, int] | None = None,
        opener: Opener | None = None,
    ) -> None:
        """Open a journal, or begin one.

        Args:
            path: the file; `check_journal` must have accepted it already.
            run_identity: style and settings of the run, as JSON has them.
            known: the finished pictures of another journal, as its `known` returns them.
            opener: opens the file by its path, as `Directory.open` does.

        Raises:
            OSError: it cannot be written.
        """
        self._lock = threading.Lock()
        self._identity = run_identity
        self._run = run_hash(run_identity)
        is_whole = read_run_identity(path, opener) is not None
        self._done = dict(known or {})
        if is_whole:
            lines = JournalLines(path, opener)
            self._done |= done_in(lines, os.path.basename(path))  # noqa: PTH119
            is_whole = lines.are_all
        kept = b"" if is_whole else lines_of(path, self._run, opener)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        self._file = opener(os.fspath(path), flags) if opener else os.open(path, flags, 0o666)
        if is_whole:
            if last_byte(path, opener) != b"\n":
                os.write(self._file, b"\n")
            return
        if kept:
            _log.warning("the journal is damaged: recovered %d results", kept.count(b"\n"))
        os.ftruncate(self._file, 0)
        header = json.dumps({"journal": VERSION, "run_identity": run_identity}).encode()
        self._append(header + b"\n" + kept)
        self._done |= done_in(kept.splitlines(), "journal")

    def is_done(self, name: str, stamp: FileStamp, output: str, output_size: int | None) -> bool:
        """Say whether this exact file has been converted to an output of this size.

        Args:
            name: path of the picture below IN.
            stamp: the picture as it is now.
            output: path of its result below OUT.
            output_size: size of the existing result [bytes]; None if there is none.
        """
        if output_size is None or (known := self._done.get(number_of(name))) is None:
            return False
        return known >> DIGEST_BITS == number_of(stamp.size, stamp.mtime_ns, output, output_size)

    def digest(self, name: str) -> int | None:
        """Return the `digest_of` the result that is recorded for a picture; None if none is."""
        known = self._done.get(number_of(name))
        return None if known is None else known % (1 << DIGEST_BITS)

    def add_done(self, name: str, stamp: FileStamp, output: str, result: bytes) -> None:
        """Record a picture whose result has its final name.

        Args:
            name: path of the picture below IN.
            stamp: the picture as it was read.
            output: path of its result below OUT.
            result: the file of the result.

        Raises:
            OSError: it cannot be written.
        """
        self._write(
            {
                "name": name,
                "size": stamp.size,
                "mtime_ns": stamp.mtime_ns,
                "output": output,
                "output_size": len(result),
                "blake2b": _hex_digest(result),
                "status": "done",
                "run": self._run,
            }
        )

    def add_failed(self, name: str, reason: str) -> None:
        """Record a picture that could not be converted; the next run tries it again.

        Raises:
            OSError: it cannot be written.
        """
        self._write({"name": name, "status": "failed", "reason": reason, "run": self._run})

    def known(self, names: Iterable[str]) -> dict[int, int]:
        """Return those of these pictures that are done, as numbers for another journal."""
        numbers = map(number_of, names if self._done else ())
        return {number: self._done[number] for number in numbers if number in self._done}

    def merge(self, path: Path | str, opener: Opener | None = None) -> None:
        """Add everything that another journal records of this run.

        Raises:
            OSError: it cannot be read, or this one cannot be written.
        """
        if read_run_identity(path, opener) == self._identity:
            found = JournalLines(path, opener)
            lines = b"".join(line for line in found if line.endswith(b"\n"))
        else:  # its first line is damaged
            lines = lines_of(path, self._run, opener)
        self._done |= done_in(lines.splitlines(), os.path.basename(path))  # noqa: PTH119
        self._append(lines)

    def sync(self) -> None:
        """Flush all records to the disk; raise OSError if that fails."""
        os.fsync(self._file)

    def restore(self, path: Path | str, opener: Opener) -> bool:
        """Write the journal again if somebody has removed or replaced it.

        Returns:
            Whether that was needed.

        Raises:
            OSError: it cannot be written.
        """
        with contextlib.suppress(FileNotFoundError), open_journal(path, opener) as found:
            if os.path.samestat(os.fstat(found.fileno()), os.fstat(self._file)):
                return False
        with self._lock, open(path, "wb", opener=opener) as file:
            size = os.fstat(self._file).st_size
            for start in range(0, size, 1 << 20):
                os.lseek(self._file, start, os.SEEK_SET)
                file.write(os.read(self._file, 1 << 20))
        return True

    def close(self) -> None:
        """Flush the journal to the disk, and close it."""
        with contextlib.suppress(OSError):  # lost records cause only repeated work
            self.sync()
        with self._lock:
            # A thread that still hangs in a broken disk must not write to another file.
            os.close(self._file)
            self._file = -1

    def _write(self, content: dict[str, Any]) -> None:
        self._append(json.dumps(content).encode() + b"\n")

    def _append(self, lines: bytes) -> None:
        with self._lock:
            if os.write(self._file, lines) != len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def _hex_digest(data: bytes) -> str:
    """Return the digest of a result, as a journal holds it: 128 bits of BLAKE2b."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def digest_of(data: bytes) -> int:
    """Return the part of a result's digest that `Journal.digest` returns."""
    return short_digest(_hex_digest(data))


def digest_of_file(file: BinaryIO) -> int:
    """Return the same for a file of any size."""
    digest = hashlib.blake2b(digest_size=16)
    while part := file.read(1 << 20):
        digest.update(part)
    return short_digest(digest.hexdigest())
