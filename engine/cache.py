"""Where compiled graphs are kept between runs."""

import os
import stat
from pathlib import Path

import platformdirs

from pmsgan.errors import EngineError


def cache_folder(backend: str) -> Path:
    """Return the user's own cache folder of one backend; make it if need be.

    What lies in it is native code, so it must belong to this user and nobody else may write it.

    Raises:
        EngineError: it cannot be made, or is open to others.
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
            f"{folder} can be written by other users: run chmod 700 on it, or remove it"
        )
