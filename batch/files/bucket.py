"""Folders that are URLs, such as s3://bucket/pictures: what fsspec knows and no disk holds."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pmsgan.batch.pictures.decode import MAX_FILE_BYTES, FileStamp
from pmsgan.errors import ConfigError, FolderError, ImageError

LONGEST_STREAK = 100
"""So many refusals in a row are the store's fault, and no picture's."""


@dataclass(frozen=True)
class RemoteFolder:
    """A folder in an object store; a file of it is whole or not there.

    Paths below it have slashes. Every method raises OSError if it fails; whatever else a store's
    library raises becomes one.
    """

    url: str
    """Without a slash at its end."""

    def __str__(self) -> str:
        return self.url

    def read(self, name: str) -> tuple[bytes, FileStamp]:
        """Read a picture.

        Raises:
            ImageError: it cannot be read, is empty or too large.
        """
        try:
            stamp = self.stamp(name)
            if stamp.size > MAX_FILE_BYTES:
                raise ImageError(
                    f"is too large: {stamp.size / 2**20:.0f} MiB, at most "
                    f"{MAX_FILE_BYTES // 2**20} are read"
                )
            data = self.read_bytes(name)
        except OSError as error:
            raise ImageError(f"cannot be read: {error}") from error
        if not data:
            raise ImageError("is empty")
        if len(data) != stamp.size:
            raise ImageError("was changed while it was read: convert again when it is complete")
        return data, stamp

    def stamp(self, name: str) -> FileStamp:
        """Return the size of a file, and when it was written."""
        with _os_errors():
            info = self._store.info(self._path(name))
        written = next((info[key] for key in _WRITTEN if info.get(key)), 0)
        if isinstance(written, datetime):
            written = written.timestamp()
        if isinstance(written, str):
            written = datetime.fromisoformat(written).timestamp()
        return FileStamp(int(info["size"]), int(written * 1e6) * 1000)

    def read_bytes(self, name: str) -> bytes:
        """Read a whole file."""
        with _os_errors():
            return bytes(self._store.cat_file(self._path(name)))

    def write_bytes(self, name: str, data: bytes) -> None:
        """Write a whole file, in the place of what there is."""
        with _os_errors():
            self._store.pipe_file(self._path(name), data)

    def remove(self, name: str) -> None:
        """Remove a file."""
        with _os_errors():
            self._store.rm_file(self._path(name))

    def list(self, name: str) -> list["RemoteEntry"]:
        """Return what lies in a folder below this one; nothing if there is none."""
        folder = self._path(name).rstrip("/")
        try:
            with _os_errors():
                found = self._store.ls(folder, detail=True)
        except FileNotFoundError:
            return []
        entries = [
            RemoteEntry(entry["name"].rstrip("/").rpartition("/")[2], entry["type"], self, name)
            for entry in found
            if entry["name"].strip("/") != folder.strip("/")  # an object that marks the folder
        ]
        return [entry for entry in entries if entry.name]

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    @functools.cached_property
    def _opened(self) -> tuple[Any, str]:
        import fsspec

        # A worker must not trust what it has listed before.
        store, root = fsspec.core.url_to_fs(self.url, use_listings_cache=False)
        return store, root.rstrip("/")

    @property
    def _store(self) -> Any:
        return self._opened[0]

    @property
    def _root(self) -> str:
        return self._opened[1]

    def __getstate__(self) -> dict[str, str]:
        """Leave connections behind where this goes to another process."""
        return {"url": self.url}

    def __setstate__(self, state: dict[str, str]) -> None:
        """Take the URL; connections are made when they are needed."""
        self.__dict__.update(state)


class Streak:
    """Failures in a row: many are the store's, such as a key that has expired."""

    def __init__(self) -> None:
        self._length = 0

    def end(self) -> None:
        """Take note that one has worked."""
        self._length = 0

    def count(self, meaning: str) -> None:
        """Take note of a failure.

        Raises:
            FolderError: with what it means, since there have been too many.
        """
        self._length += 1
        if self._length >= LONGEST_STREAK:
            raise FolderError(meaning)


@dataclass(frozen=True, slots=True)
class RemoteEntry:
    """Something in a remote folder, with the methods of os.DirEntry."""

    name: str
    kind: str
    folder: RemoteFolder
    below: str

    @property
    def path(self) -> str:
        """The URL."""
        return f"{self.folder.url}/{self.below}{self.name}"

    def is_symlink(self) -> bool:
        """Say no: there are no links."""
        return False

    def is_dir(self) -> bool:
        """Say whether it is a folder."""
        return self.kind == "directory"

    def is_file(self) -> bool:
        """Say whether it is a file."""
        return self.kind == "file"


_WRITTEN = ("LastModified", "last_modified", "mtime", "created")
"""What the stores call the time at which a file was written."""

Place = Path | RemoteFolder
"""Where pictures come from or go to."""


def parse_place(text: str) -> Place:
    """Return what a user means: a folder's path, or a URL such as s3://bucket/pictures.

    Raises:
        ConfigError: nothing is known of such URLs, or what that needs is not installed.
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        return Path(text)
    if scheme in ("file", "local"):
        return Path(rest)
    try:
        import fsspec
    except ImportError:
        raise ConfigError(f"{text} needs fsspec: pip install 'pmsgan[cluster]'") from None
    try:
        fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        raise ConfigError(f"{text}: {error}") from error
    except ValueError:
        raise ConfigError(
            f"{text}: URLs that begin with {scheme}:// are not known; give a folder, or s3://..., "
            "gs://..., az://..."
        ) from None
    return RemoteFolder(text.rstrip("/"))


@contextmanager
def _os_errors() -> Iterator[None]:
    """Turn what a store's library raises into OSError, with one line of text."""
    try:
        yield
    except PermissionError as error:
        raise PermissionError("access denied") from error
    except FileNotFoundError as error:
        raise FileNotFoundError("is not there") from error
    except Exception as error:
        text = str(error).strip().split("\n")[0]
        raise OSError(text or type(error).__name__) from error
