"""A folder on a disk."""

import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmsgan.batch.files.folder import Entry, Folder
from pmsgan.batch.files.local_output import LocalOutput
from pmsgan.batch.files.stamp import MAX_FILE_BYTES, FileStamp, too_large
from pmsgan.directory import Directory, Opener
from pmsgan.errors import ImageError

_READ = os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A folder on a disk; sources are paths."""

    path: Path
    includes_everything = False

    def __str__(self) -> str:
        """Return the path."""
        return str(self.path)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the absolute path: another process may have another working folder."""
        return LocalFolder, (self.path.absolute(),)

    def identity(self, name: str = "") -> str:
        """Identify this folder, or one below it, by the disk's own number for it."""
        return _identity(self.path / name)

    def parents(self) -> Iterator[str]:
        """Identify the folders that this one lies in."""
        return map(_identity, self.path.resolve().parents)

    def list(self, name: str) -> Iterable[Entry]:
        """List a folder below this one; raise OSError if that fails."""
        with os.scandir(self.path / name) as entries:
            yield from entries

    def source(self, name: str) -> str:
        """Return a path."""
        return f"{self.path}/{name}"

    def read(self, source: str) -> tuple[bytes, FileStamp]:
        """Read a file, see `read_file`; no folder below this one may have become a link."""
        name = source.removeprefix(f"{self.path}/")
        if name == source or "/" not in name:
            return read_file(source)
        parent, _, last = name.rpartition("/")
        try:
            with Directory(self.path) as root, root.folder(parent) as folder:
                return read_file(last, folder.open)
        except OSError as error:
            raise ImageError(f"cannot be read: {error.strerror}") from error

    def head(self, source: str, num_bytes: int) -> bytes:
        """Return the first bytes of a file; none if it cannot be read, or is not a file."""
        try:
            with open(source, "rb", buffering=0, opener=_open_unfollowed) as file:
                is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
                return file.read(num_bytes) if is_file else b""
        except OSError:
            return b""

    def stamp(self, source: str) -> FileStamp:
        """Return the stamp of a file; raise OSError if that fails."""
        found = os.stat(source)  # noqa: PTH116 - once for each of a million pictures
        return FileStamp(found.st_size, found.st_mtime_ns)

    def output(
        self,
        run_identity: dict[str, Any],
        pictures: Folder,
        *,
        overwrite: bool,
        verify: bool = False,
    ) -> LocalOutput:
        """Lock this folder for the results of a run, see `Folder.output`."""
        return LocalOutput(
            self.path, run_identity, pictures.stamp, overwrite=overwrite, verify=verify
        )


def _open_unfollowed(path: Path | str, flags: int) -> int:
    """Open a path that may have become a pipe or a link since the folder was listed."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))


def read_file(path: Path | str, opener: Opener = _open_unfollowed) -> tuple[bytes, FileStamp]:
    """Read a file; nobody may write to it meanwhile.

    Args:
        path: the file.
        opener: opens it, and follows no link.

    Returns:
        Its bytes, and its size and time when they were read.

    Raises:
        ImageError: it cannot be read, is empty or too large, or has changed.
    """
    try:
        file = opener(os.fspath(path), _READ)
        try:
            before = os.fstat(file)
            if not stat.S_ISREG(before.st_mode):
                raise ImageError("is not a file")
            if before.st_size > MAX_FILE_BYTES:
                raise ImageError(too_large(before.st_size))
            data = _read(file, before.st_size + 1)  # one more shows that it has grown
            after = os.fstat(file)
        finally:
            os.close(file)
    except OSError as error:
        raise ImageError(f"cannot be read: {error.strerror}") from error
    if not data:
        raise ImageError("is empty")
    stamp = FileStamp(before.st_size, before.st_mtime_ns)
    if stamp != FileStamp(after.st_size, after.st_mtime_ns) or stamp.size != len(data):
        raise ImageError("was changed while it was being read: try again when it is complete")
    return data, stamp


def read_through_links(path: Path | str) -> bytes:
    """Read a file, also where links lead to it, see `read_file`.

    Raises:
        ImageError: it cannot be read, is empty or too large, or has changed.
    """
    try:
        return read_file(Path(path).resolve())[0]  # which refuses links
    except (OSError, RuntimeError, ValueError) as error:  # a loop of links, a null character
        raise ImageError(f"cannot be read: {error}") from error


def _read(file: int, num_bytes: int) -> bytes:
    """Read this many bytes, or up to the end; large files take several reads."""
    data = os.read(file, num_bytes)
    parts = [data]
    while data and (num_bytes := num_bytes - len(data)) > 1:
        parts.append(data := os.read(file, num_bytes))
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _identity(path: Path) -> str:
    try:
        try:
            found = path.stat()
        except OSError:  # x/../in is in, even where there is no x
            path = path.resolve()
            found = path.stat()
    except OSError:  # it does not exist yet, or cannot be looked at
        return str(path)
    return f"{found.st_dev}:{found.st_ino}"
