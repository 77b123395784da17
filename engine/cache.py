"""The folders in which compiled graphs are kept between runs."""

import functools
import logging
import os
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

import platformdirs

from pmsgan.errors import EngineError

_log = logging.getLogger(__name__)


def cache_folder(backend: str) -> Path | None:
    """Return the user's own cache folder of one backend, and make it if it is missing.

    It holds native code, so it must belong to this user, and nobody else may write to it. If that
    is impossible, a note says why, once in a process, and this returns None.
    """
    try:
        folder = require_cache_folder(backend)
    except EngineError as error:
        _note(f"nothing is cached, so each run compiles again: {error}")
        return None
    if not os.access(folder, os.W_OK):
        _note(f"nothing new is cached: {folder} is not writable")
    return folder


def require_cache_folder(backend: str) -> Path:
    """Return the same folder as `cache_folder`, or raise, for commands that need it.

    Raises:
        EngineError: the folder cannot be made, or other users can write to it.
    """
    with suppress(RuntimeError):  # there is no home
        root = Path(platformdirs.user_cache_dir("pmsgan", appauthor=False))
        if root.is_absolute():  # some versions of platformdirs leave the ~ of a home that is not
            return _make_private(root, backend)
    raise EngineError("this user has no home folder: set HOME or XDG_CACHE_HOME")


def lock_folder() -> Path:
    """Return a folder for locks: in the cache or, where that cannot be written, beside it.

    Raises:
        EngineError: no such folder can be made.
    """
    folder = cache_folder("locks")
    if folder is not None and os.access(folder, os.W_OK):
        return folder
    user = "user"
    if sys.platform != "win32":
        user = str(os.getuid())
    return _make_private(Path(tempfile.gettempdir(), f"pmsgan-{user}"), "locks", links=False)


@functools.cache
def _note(text: str) -> None:
    """Log a text once, however many engines are opened."""
    _log.warning("%s", text)


def _make_private(root: Path, name: str, *, links: bool = True) -> Path:
    """Make a folder below a root; with `links`, the root may be a link that the user has made."""
    for folder in (root, root / name):
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            found = folder.stat(follow_symlinks=links)
        except OSError as error:
            raise _unusable(folder, str(error.strerror)) from error
        if sys.platform != "win32" and (
            found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
        ):  # as a link always is
            raise _unusable(folder, "other users can write to it")
    return root / name


def _unusable(folder: Path, reason: str) -> EngineError:
    return EngineError(
        f"the cache folder {folder} cannot be used ({reason}): "
        "set XDG_CACHE_HOME to a folder of your own"
    )
