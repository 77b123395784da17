"""The folders in which compiled graphs are kept between runs."""

import os
import stat
from pathlib import Path

import platformdirs

from pmsgan.errors import EngineError


def cache_folder(backend: str) -> Path:
    """Return the user's own cache folder of one backend, and make it if it is missing.

    It holds native code, so it must belong to this user, and nobody else may write to it.

    Raises:
        EngineError: the folder cannot be made, or other users can write to it.
    """
    root = Path(platformdirs.user_cache_dir("pmsgan", appauthor=False))
    for folder in (root, root / backend):
        _make_private(folder)
    return root / backend


def _make_private(folder: Path) -> None:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = folder.stat()
    except OSError as error:
        raise EngineError(
            f"cannot make the cache folder {folder}: {error.strerror}; "
            "set XDG_CACHE_HOME to a folder that can be written"
        ) from error
    if os.name == "posix" and (
        found.st_uid != os.getuid() or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    ):
        raise EngineError(
            f"other users can write to the cache folder {folder}: run chmod 700 on it, or remove it"
        )
