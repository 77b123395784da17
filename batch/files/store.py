"""Files below a URL such as s3://bucket/pictures, in any file system of fsspec."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pmsgan.batch.files.stamp import FileStamp
from pmsgan.errors import FolderError
from pmsgan.terminal import without_passwords

LONGEST_STREAK = 100
"""After this many failures in a row, the store is at fault and not the pictures."""


LONGEST_REASON = 500
"""Most characters of a server's answer that go into errors, journals and reports."""


@dataclass(frozen=True)
class Store:
    """Files below a URL; a file is complete or does not exist.

    Names below the URL have slashes. Every method raises OSError if it fails; other errors of a
    store's library are turned into OSError.
    """

    url: str
    """URL without a trailing slash."""

    def stamp(self, name: str) -> FileStamp:
        """Return the size of a file, and when it was written."""
        with _os_errors():
            info = self._system.info(self._path(name))
        written = next((info[key] for key in _WRITTEN if info.get(key)), 0)
        if isinstance(written, datetime):
            written = written.timestamp()
        if isinstance(written, str):
            written = datetime.fromisoformat(written).timestamp()
        return FileStamp(int(info["size"]), int(written * 1e6) * 1000)

    def read(self, name: str) -> bytes:
        """Read a whole file."""
        with _os_errors():
            return bytes(self._system.cat_file(self._path(name)))

    def write(self, name: str, data: bytes) -> None:
        """Write a whole file; replace an existing one."""
        with _os_errors():
            self._system.pipe_file(self._path(name), data)

    def remove(self, name: str) -> None:
        """Remove a file."""
        with _os_errors():
            self._system.rm_file(self._path(name))

    def list(self, name: str) -> list["StoreEntry"]:
        """List a folder below the URL; one that does not exist is empty.

        An object whose name has an empty part, or a slash at its end, is neither file nor folder.
        """
        folder = self._path(name).rstrip("/")
        try:
            with _os_errors():
                found = self._system.ls(folder, detail=True)
        except FileNotFoundError:
            return []
        entries = []
        for entry in found:
            if entry["name"].strip("/") != folder.strip("/"):
                last_part = entry["name"].rstrip("/").rpartition("/")[2]
                entries.append(StoreEntry(last_part, entry["type"], entry.get("size") or 0))
            elif entry.get("size") or (entry["type"] == "directory" and entry["name"][-1] == "/"):
                entries.append(StoreEntry("/", "other"))
            # Else it is an empty object that marks the folder.
        return entries

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    @functools.cached_property
    def _opened(self) -> tuple[Any, str]:
        import fsspec

        with _os_errors():  # a URL may be no URL
            # A worker must not trust what it has listed before.
            system, root = fsspec.core.url_to_fs(self.url, use_listings_cache=False)
        return system, root.rstrip("/")

    @property
    def _system(self) -> Any:
        return self._opened[0]

    @property
    def _root(self) -> str:
        return self._opened[1]

    def __reduce__(self) -> tuple[type["Store"], tuple[str]]:
        """Pickle without connections, which another process cannot use."""
        return Store, (self.url,)


@dataclass(frozen=True, slots=True)
class StoreEntry:
    """Something in a folder of a store, with the methods of os.DirEntry."""

    name: str
    kind: str
    size: int = 0
    """Size of a file, as the store states it [bytes]."""

    def is_symlink(self) -> bool:
        """Return False: there are no links."""
        return False

    def is_dir(self) -> bool:
        """Say whether it is a folder."""
        return self.kind == "directory"

    def is_file(self) -> bool:
        """Say whether it is a file."""
        return self.kind == "file"


class Streak:
    """Counts failures in a row; too many mean that the store fails, not single pictures."""

    def __init__(self) -> None:
        """Start with none."""
        self._length = 0

    def end(self) -> None:
        """Reset the count after a success."""
        self._length = 0

    def count(self, meaning: str) -> None:
        """Count a failure; raise FolderError with `meaning` if there are too many in a row."""
        self._length += 1
        if self._length >= LONGEST_STREAK:
            raise FolderError(meaning)


_WRITTEN = ("LastModified", "last_modified", "mtime", "created")
"""The stores' names for the time at which a file was written."""


@contextmanager
def _os_errors() -> Iterator[None]:
    """Turn errors of a store's library into OSError with one line of text."""
    try:
        yield
    except PermissionError as error:
        raise PermissionError("access denied") from error
    except FileNotFoundError as error:
        raise FileNotFoundError("does not exist") from error
    except Exception as error:
        text = without_passwords(str(error).strip().split("\n")[0])[:LONGEST_REASON]
        raise OSError(text or type(error).__name__) from error
