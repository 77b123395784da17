"""What has been done in an output folder, so that a run that was ended can be gone on with.

`journal.jsonl` begins with a line that says what it belongs to, and has one more for each finished
picture. Lines are appended with one write each; a last line that was cut off does no harm.
"""

import contextlib
import errno
import hashlib
import itertools
import json
import logging
import os
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pmsgan.batch.pictures.decode import FileStamp

_log = logging.getLogger(__name__)

VERSION = 1


class Journal:
    """An open journal; threads may share it."""

    def __init__(
        self, path: Path, belongs_to: dict[str, Any], known: Mapping[int, int] | None = None
    ) -> None:
        """Open a journal, or begin one.

        Args:
            path: of the file; what it belongs to must have been compared already.
            belongs_to: style and settings of the run, plain values.
            known: what another journal notes as done, of its `known`.

        Raises:
            OSError: it cannot be written.
        """
        self._lock = threading.Lock()
        is_new = read_owner(path) is None  # also one whose first line was cut off
        self._done = dict(known or {}) | ({} if is_new else read_done(path))
        is_torn = not is_new and _last_byte(path) != b"\n"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        flags |= os.O_TRUNC if is_new else 0
        self._file = os.open(path, flags, 0o666)
        if is_torn:
            os.write(self._file, b"\n")
        if is_new:
            self._write({"journal": VERSION, "belongs_to": belongs_to})

    def is_done(self, name: str, stamp: FileStamp, output: str, output_size: int | None) -> bool:
        """Say whether this very file has been converted to an output of this size.

        Args:
            name: of the picture, below IN.
            stamp: of the picture as it is now.
            output: of its translation, below OUT.
            output_size: of the file that is there now; None if there is none.
        """
        return output_size is not None and self._done.get(_number(name)) == _number(
            stamp.size, stamp.mtime_ns, output, output_size
        )

    def add_done(self, name: str, stamp: FileStamp, output: str, output_size: int) -> None:
        """Note a picture whose translation has its final name.

        Raises:
            OSError: it cannot be written.
        """
        self._write(
            {
                "name": name,
                "size": stamp.size,
                "mtime_ns": stamp.mtime_ns,
                "output": output,
                "output_size": output_size,
                "status": "done",
            }
        )

    def add_failed(self, name: str, reason: str) -> None:
        """Note a picture that could not be converted; the next run tries it again.

        Raises:
            OSError: it cannot be written.
        """
        self._write({"name": name, "status": "failed", "reason": reason})

    def known(self, names: Iterable[str]) -> dict[int, int]:
        """Return of these pictures those that are done, as numbers for another journal."""
        numbers = map(_number, names)
        return {number: self._done[number] for number in numbers if number in self._done}

    def take(self, path: Path) -> None:
        """Add all that another journal notes.

        Raises:
            OSError: it cannot be read, or this one not be written.
        """
        with path.open("rb") as file:
            next(file, None)
            lines = [line for line in file if line.endswith(b"\n")]
        self._done |= read_done(path)
        self._append(b"".join(lines))

    def close(self) -> None:
        """Leave the journal on the disk."""
        with contextlib.suppress(OSError):  # what is lost is done again
            os.fsync(self._file)
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


def read_owner(path: Path) -> dict[str, Any] | None:
    """Return what a journal belongs to; None if there is none, or its first line is damaged."""
    try:
        with path.open("rb") as file:
            content = json.loads(file.readline())
        owner = content["belongs_to"]
        return owner if isinstance(owner, dict) and content["journal"] == VERSION else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def has_entries(path: Path) -> bool:
    """Say whether a journal notes anything."""
    with path.open("rb") as file:
        return len(list(itertools.islice(file, 2))) > 1


def has_results(path: Path) -> bool:
    """Say whether a journal notes anything that is done."""
    with path.open("rb") as file:
        return any(b'"status": "done"' in line for line in file)


def _last_byte(path: Path) -> bytes:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read()


def read_done(path: Path) -> dict[int, int]:
    """Return a number for each picture that is done: a million of them fit into little memory."""
    done: dict[int, int] = {}
    if not path.exists():
        return done
    num_damaged = 0
    with path.open("rb") as file:
        next(file, None)
        for line in file:
            try:
                entry = json.loads(line)
                name = _number(entry["name"])
                done.pop(name, None)
                if entry["status"] == "done":
                    done[name] = _number(
                        entry["size"], entry["mtime_ns"], entry["output"], entry["output_size"]
                    )
            except (ValueError, KeyError, TypeError):
                num_damaged += 1
    if num_damaged:
        _log.info("%s: passed over %d damaged lines", path.name, num_damaged)
    return done


def _number(*values: str | int) -> int:
    text = "\0".join(map(str, values)).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")
