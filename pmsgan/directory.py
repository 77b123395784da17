"""Folders that are held open, for places where others may write, too.

A path may lead elsewhere the next time it is used: somebody may put a link where a folder was. An
open folder stays the same one, and files that are opened in it are never links. On systems without
such handles, paths are checked before they are used.
"""

import contextlib
import errno
import itertools
import os
import secrets
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

Opener = Callable[[str, int], int]
"""Opens a file by its name and flags, as `open` takes it."""

HAS_HANDLES = os.open in os.supports_dir_fd and hasattr(os, "O_NOFOLLOW")
"""Whether files can be opened relative to an open folder."""

_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)
_ALWAYS = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | _NO_LINK
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _ALWAYS


class Directory:
    """An open folder; its methods raise OSError, with ELOOP if a link has replaced a folder."""

    def __init__(self, path: Path) -> None:
        """Open a folder that is there; links lead to it."""
        self.path = path
        self._handle = os.open(path, _FOLDER) if HAS_HANDLES else None
        if self._handle is None and not path.is_dir():
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))

    def folder(self, name: str, *, make: bool = False) -> "Directory":
        """Open a folder below this one; `name` may have slashes, and no part of it may be a link.

        Args:
            name: the folder; an empty one is this folder.
            make: create missing folders.
        """
        opened = self._again()
        for part in name.split("/") if name else ():
            try:
                below = opened._enter(part, make=make)
            finally:
                opened.close()
            opened = below
        return opened

    def open(self, name: str, flags: int) -> int:
        """Open a file of this folder that is a file, and no link, pipe or device: an `Opener`."""
        where, handle = self._at(name)
        if handle is None and Path(where).is_symlink():
            raise _is_link(name)
        # Without O_NONBLOCK, opening a pipe would wait for its other end.
        number = os.open(
            where, flags | _ALWAYS | getattr(os, "O_NONBLOCK", 0), 0o666, dir_fd=handle
        )
        if not stat.S_ISREG(os.fstat(number).st_mode):
            os.close(number)
            raise OSError(errno.EINVAL, f"{name} is not a file")
        return number

    def read(self, name: str) -> BinaryIO:
        """Open a file to read, see `open`."""
        return open(name, "rb", opener=self.open)

    def write_new(self, name: str, data: bytes, mtime_ns: int = 0, *, mode: int = 0o666) -> None:
        """Write a file that is not there yet, and give it a date unless that is 0."""
        where, handle = self._at(name)
        number = os.open(where, _NEW, mode, dir_fd=handle)
        try:
            written = os.write(number, data)
            while written < len(data):  # a disk takes all but very large files at once
                written += os.write(number, memoryview(data)[written:])
            if mtime_ns:
                with contextlib.suppress(OSError, OverflowError):  # not every disk knows every date
                    date = number if os.utime in os.supports_fd else where
                    os.utime(date, ns=(mtime_ns, mtime_ns))
        finally:
            os.close(number)

    def write(self, name: str, data: bytes, mtime_ns: int = 0) -> None:
        """Write a whole file, and replace one of its name; nobody ever sees half of it.

        Args:
            name: the file.
            data: its content.
            mtime_ns: its date [ns since 1970]; 0 is now.
        """
        temporary = f".pmsgan-{secrets.token_hex(4)}.part"
        try:
            self.write_new(temporary, data, mtime_ns)
            self.move(temporary, self, name)
        finally:
            self.remove(temporary)

    def move(self, name: str, to: "Directory", new_name: str) -> None:
        """Rename a file, and replace one of the new name."""
        (where, handle), (there, other) = self._at(name), to._at(new_name)
        os.replace(where, there, src_dir_fd=handle, dst_dir_fd=other)

    def set_aside(self, name: str) -> str:
        """Rename a file to NAME.bak, or NAME.bak2 and so on; return its new name."""
        new_name = next(backup for backup in backup_names(name) if self.lstat(backup) is None)
        self.move(name, self, new_name)
        return new_name

    def status(self) -> os.stat_result:
        """Return the status of this folder."""
        return self.path.stat() if self._handle is None else os.fstat(self._handle)

    def lstat(self, name: str) -> os.stat_result | None:
        """Return the status of a file or a link; None if there is none."""
        where, handle = self._at(name)
        try:
            return os.stat(where, dir_fd=handle, follow_symlinks=False)
        except FileNotFoundError:
            return None

    def remove(self, name: str) -> None:
        """Remove a file or a link, if it is there."""
        where, handle = self._at(name)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(where, dir_fd=handle)

    def remove_folder(self, name: str) -> None:
        """Remove a folder, if it is there and empty."""
        where, handle = self._at(name)
        with contextlib.suppress(OSError):
            os.rmdir(where, dir_fd=handle)

    def names(self) -> list[str]:
        """List what lies in this folder."""
        return os.listdir(self.path if self._handle is None else self._handle)  # noqa: PTH208

    def num_files_left(self) -> int | None:
        """Return how many files the disk still takes; None if the system does not say."""
        if sys.platform == "win32":
            return None
        try:
            found = os.statvfs(self.path if self._handle is None else self._handle)
        except OSError:
            return None
        return found.f_favail if found.f_files else None  # some disks count none

    def is_there(self) -> bool:
        """Say whether this folder is still at its path."""
        if self._handle is None:
            return self.path.is_dir()
        try:
            return os.path.samestat(self.path.stat(), os.fstat(self._handle))
        except OSError:
            return False

    def close(self) -> None:
        """Close the folder; a second call does nothing."""
        handle, self._handle = self._handle, None
        if handle is not None:
            os.close(handle)

    def __enter__(self) -> "Directory":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self.close()

    def _at(self, name: str) -> tuple[str, int | None]:
        """Return a name and the folder that it is relative to; without handles, a path."""
        if name in ("", ".", "..") or os.path.basename(name) != name:  # noqa: PTH119 - each file
            raise OSError(errno.EINVAL, f"{name!r} is not a file name")
        if self._handle is not None:
            return name, self._handle
        if HAS_HANDLES:
            raise OSError(errno.EBADF, f"{self.path} is closed")
        return f"{self.path}/{name}", None

    def _again(self) -> "Directory":
        again = object.__new__(Directory)
        again.path = self.path
        again._handle = None if self._handle is None else os.dup(self._handle)
        return again

    def _enter(self, name: str, *, make: bool) -> "Directory":
        below = object.__new__(Directory)
        below.path = self.path / name
        where, handle = self._at(name)
        for is_second in (False, True):
            try:
                if handle is None:
                    below._handle = None
                    if not stat.S_ISDIR(os.lstat(where).st_mode):
                        raise _is_link(name)
                else:
                    below._handle = os.open(where, _FOLDER | _NO_LINK, dir_fd=handle)
            except FileNotFoundError:
                if not make or is_second:
                    raise
                with contextlib.suppress(FileExistsError):  # another thread is as quick
                    os.mkdir(where, dir_fd=handle)
            except NotADirectoryError as error:  # as Linux calls a link here, too
                found = self.lstat(name)
                if found is not None and stat.S_ISLNK(found.st_mode):
                    raise _is_link(name) from error
                raise
            else:
                break
        return below


def backup_names(name: str) -> Iterator[str]:
    """Yield the names that a file may get when it is set aside."""
    yield f"{name}.bak"
    for number in itertools.count(2):
        yield f"{name}.bak{number}"


def _is_link(name: str) -> OSError:
    return OSError(errno.ELOOP, f"{name} is a link")
