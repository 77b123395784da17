"""Reads the files of journals, see `Journal`."""

import contextlib
import errno
import hashlib
import json
import logging
import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from pmsgan.directory import Opener
from pmsgan.errors import ConfigError

_log = logging.getLogger(__name__)

VERSION = 2

LONGEST_LINE = 1 << 20
"""Longest line that is read [bytes]; pmsgan writes no longer ones. A stranger may have made a file
of many gigabytes."""

LONGEST_VALUE = 200
"""Most characters of a setting that an error quotes from a journal."""

DIGEST_BITS = 64
"""Bits of a result's digest that are kept in memory."""


def read_run_identity(path: Path | str, opener: Opener | None = None) -> dict[str, Any] | None:
    """Return the run identity of a journal; None if it is missing or damaged."""
    header = _read_header(path, opener)
    identity = header.get("run_identity")
    return identity if header.get("journal") == VERSION and isinstance(identity, dict) else None


def check_journal(
    folder: str, run_identity: dict[str, Any], journal: Path | str, opener: Opener | None = None
) -> bool:
    """Say whether a file in `folder` is a journal that this run can continue.

    Raises:
        ConfigError: it records results of another style, other settings, or another version.
        OSError: it cannot be read.
    """
    header = _read_header(journal, opener)
    if header.get("journal", VERSION) != VERSION:
        raise ConfigError(
            f"{folder} holds the journal of another version of pmsgan with "
            f"{_count_results(journal, opener)} results: use that version, or give another OUT; "
            "--overwrite converts them again"
        )
    if not isinstance(found := header.get("run_identity"), dict):
        num_done = _count_results(journal, opener)
        is_ours = bool(lines_of(journal, run_hash(run_identity), opener))
        if num_done and not is_ours:
            raise ConfigError(
                f"{folder} holds a journal whose first line is damaged, and none of its {num_done} "
                "results were made with this style and these settings: use the original ones, or "
                "give another OUT; --overwrite converts them again"
            )
        return is_ours
    differing = [name for name in run_identity if run_identity[name] != found.get(name)]
    if differing and _count_results(journal, opener):
        name = differing[0]
        if name == "graph_sha256":
            difference = f"another version of the style {run_identity['style']}"
        else:
            before, now = (
                "none" if identity.get(name) is None else str(identity[name])[:LONGEST_VALUE]
                for identity in (found, run_identity)
            )
            difference = f"{name.replace('_', ' ')} {before}, not {now}"
        raise ConfigError(
            f"{folder} holds results made with {difference}: give another OUT, or --overwrite to "
            "convert all of them again"
        )
    return True


def foreign_files_error(folder: str) -> ConfigError:
    """Return the error for a folder that holds files that no run has recorded."""
    return ConfigError(
        f"{folder} holds files that no earlier run has recorded: give an empty folder, or "
        "--overwrite"
    )


def read_done(path: Path | str, opener: Opener | None = None) -> dict[int, int]:
    """Return a number for each finished picture; a million numbers need little memory."""
    return done_in(JournalLines(path, opener), os.path.basename(path))  # noqa: PTH119


def done_in(lines: Iterable[bytes], journal: str) -> dict[int, int]:
    """Return what `read_done` returns, for the lines of a journal with this name."""
    done: dict[int, int] = {}
    num_damaged = 0
    for line in lines:
        try:
            entry = json.loads(line)
            name = number_of(entry["name"])
            done.pop(name, None)
            if entry["status"] == "done":
                state = number_of(
                    entry["size"], entry["mtime_ns"], entry["output"], entry["output_size"]
                )
                done[name] = state << DIGEST_BITS | short_digest(entry.get("blake2b", "0"))
        except (ValueError, KeyError, TypeError, RecursionError):
            num_damaged += 1
    if num_damaged:
        _log.info("%s: skipped %d damaged lines", journal, num_damaged)
    return done


def open_journal(path: Path | str, opener: Opener | None) -> BinaryIO:
    """Open a journal for reading; raise OSError for a pipe, which would hang."""
    if opener is None and not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116
        raise OSError(errno.EINVAL, "it is not a file")
    return open(path, "rb", opener=opener)


class JournalLines:
    """The lines of a journal after the first; none if there is no journal.

    They end before a line that is too long.
    """

    def __init__(self, path: Path | str, opener: Opener | None) -> None:
        self._path, self._opener = path, opener
        self.are_all = True
        """Whether the lines that were read are all the lines of the file."""

    def __iter__(self) -> Iterator[bytes]:
        with contextlib.suppress(FileNotFoundError), open_journal(self._path, self._opener) as file:
            is_first = True
            while line := file.readline(LONGEST_LINE):
                if len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                    self.are_all = False
                    return
                if not is_first:
                    yield line
                is_first = False


def _read_header(path: Path | str, opener: Opener | None) -> dict[str, Any]:
    """Return the first line of a journal; an empty one if there is none, or it is damaged."""
    try:
        with open_journal(path, opener) as file:
            header = json.loads(file.readline(LONGEST_LINE))
    except (OSError, ValueError, RecursionError):
        return {}
    is_header = isinstance(header, dict) and isinstance(header.get("journal"), int)
    return header if is_header else {}


def run_hash(run_identity: Mapping[str, Any]) -> str:
    """Return the short name that the lines of a run have for it."""
    text = json.dumps(run_identity, sort_keys=True).encode()
    return hashlib.blake2b(text, digest_size=6).hexdigest()


def lines_of(path: Path | str, run: str, opener: Opener | None) -> bytes:
    """Return the lines of a run's finished pictures, whatever the journal's first line is."""
    mark = f'"status": "done", "run": "{run}"}}\n'.encode()
    return b"".join(line for line in JournalLines(path, opener) if line.endswith(mark))


def _count_results(path: Path | str, opener: Opener | None) -> int:
    """Count the pictures that a journal records as done."""
    return sum(b'"status": "done"' in line for line in JournalLines(path, opener))


def last_byte(path: Path | str, opener: Opener | None) -> bytes:
    """Return the last byte of a journal that has one."""
    with open_journal(path, opener) as file:
        file.seek(-1, os.SEEK_END)
        return file.read()


def short_digest(hexadecimal: str) -> int:
    """Return the part of a digest that is kept in memory."""
    return int(hexadecimal, 16) % (1 << DIGEST_BITS)


def number_of(*values: str | int) -> int:
    """Return a number that identifies these values."""
    text = "\0".join(map(str, values)).encode(errors="surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")
