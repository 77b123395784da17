"""Records finished pictures so that an interrupted run can resume.

`journal.jsonl` begins with a line that identifies its run by style and settings, and has one more
line for each picture that ended. Lines are appended with one write each; a last line that was cut
off does no harm.
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
from typing import Any

from pmsgan.batch.files.stamp import FileStamp
from pmsgan.errors import ConfigError

_log = logging.getLogger(__name__)

VERSION = 2


class Journal:
    """An open journal; threads may share it."""

    def __init__(
        self, path: Path, run_identity: dict[str, Any], known: Mapping[int, int] | None = None
    ) -> None:
        """Open a journal, or begin one.

        Args:
            path: the file; whose it is must have been checked already, see `check_journal`.
            run_identity: style and settings of the run, as JSON has them.
            known: what another journal records as done, as its `known` returns it.

        Raises:
            OSError: it cannot be written.
        """
        self._lock = threading.Lock()
        is_new = read_run_identity(path) is None  # also one whose first line was cut off
        self._done = dict(known or {}) | ({} if is_new else read_done(path))
        is_torn = not is_new and _last_byte(path) != b"\n"
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
        flags |= os.O_TRUNC if is_new else 0
        self._file = os.open(path, flags, 0o666)
        if is_torn:
            os.write(self._file, b"\n")
        if is_new:
            self._write({"journal": VERSION, "run_identity": run_identity})

    def is_done(self, name: str, stamp: FileStamp, output: str, output_size: int | None) -> bool:
        """Say whether this very file has been converted to an output of this size.

        Args:
            name: path of the picture below IN.
            stamp: the picture as it is now.
            output: path of its result below OUT.
            output_size: size of the result that is there now [bytes]; None if there is none.
        """
        return output_size is not None and self._done.get(_number(name)) == _number(
            stamp.size, stamp.mtime_ns, output, output_size
        )

    def add_done(self, name: str, stamp: FileStamp, output: str, output_size: int) -> None:
        """Record a picture whose result has its final name.

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
        """Record a picture that could not be converted; the next run tries it again.

        Raises:
            OSError: it cannot be written.
        """
        self._write({"name": name, "status": "failed", "reason": reason})

    def known(self, names: Iterable[str]) -> dict[int, int]:
        """Return those of these pictures that are done, as numbers for another journal."""
        numbers = map(_number, names if self._done else ())
        return {number: self._done[number] for number in numbers if number in self._done}

    def take(self, path: Path) -> None:
        """Add all that another journal records.

        Raises:
            OSError: it cannot be read, or this one not be written.
        """
        with path.open("rb") as file:
            next(file, None)
            lines = [line for line in file if line.endswith(b"\n")]
        self._done |= read_done(path)
        self._append(b"".join(lines))

    def sync(self) -> None:
        """Let the disk have all that is recorded; raise OSError if that fails."""
        os.fsync(self._file)

    def close(self) -> None:
        """Leave the journal on the disk."""
        with contextlib.suppress(OSError):  # what is lost is done again
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


def read_run_identity(path: Path) -> dict[str, Any] | None:
    """Return whose a journal is; None if there is none, or its first line is damaged."""
    try:
        with path.open("rb") as file:
            content = json.loads(file.readline())
        identity = content["run_identity"]
        return identity if isinstance(identity, dict) and content["journal"] == VERSION else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def check_journal(folder: str, run_identity: dict[str, Any], journal: Path) -> None:
    """Raise ConfigError if a journal in `folder` records results of another style or settings."""
    found = read_run_identity(journal)
    if found is None:
        raise ConfigError(
            f"{folder} holds a journal that is damaged, or of another version of pmsgan: give "
            "another OUT, or --overwrite"
        )
    differing = [name for name in run_identity if run_identity[name] != found.get(name)]
    if differing and _has_results(journal):
        name = differing[0]
        if name == "graph_sha256":
            difference = f"another version of the style {run_identity['style']}"
        else:
            before, now = (
                "none" if it.get(name) is None else it[name] for it in (found, run_identity)
            )
            difference = f"{name.replace('_', ' ')} {before}, not {now}"
        raise ConfigError(
            f"{folder} holds results made with {difference}: give another OUT, or --overwrite to "
            "do all of them again"
        )


def not_ours(folder: str) -> ConfigError:
    """Return the error for a folder that holds files which no run has recorded."""
    return ConfigError(
        f"{folder} is not empty, and no earlier run has left its journal there: give an empty "
        "folder, or --overwrite"
    )


def _has_results(path: Path) -> bool:
    """Say whether a journal records anything that is done."""
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
        _log.info("%s: skipped %d damaged lines", path.name, num_damaged)
    return done


def _number(*values: str | int) -> int:
    text = "\0".join(map(str, values)).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")
