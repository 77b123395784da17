"""Starts a Ray that answers only this user's own processes."""

import atexit
import functools
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from pmsgan.batch.files.lock import LockedError, lock
from pmsgan.directory import HAS_HANDLES, Directory
from pmsgan.errors import EngineError

_SHORT = Path("/tmp")
"""Socket paths must be short, and the system's folder for temporary files may have a long one."""
_PREFIX = "pmsgan-ray-"
_LOCK = "lock"
"""A file that the process holds locked as long as it lives."""
_LEAST_AGE_S = 60.0
"""Time before a folder that nobody has locked counts as abandoned [s]."""


@contextmanager
def private_ray() -> Iterator[dict[str, Any]]:
    """Give options for `ray.init`; Ray has to be imported and started in the block.

    Anyone who can reach a Ray instance can run code in it. This instance listens on loopback, asks
    for a token that is generated for this process, and keeps its files in a folder of mode 0700,
    which is removed when the process ends. The next process of this user removes what a killed one
    has left.

    Raises:
        EngineError: there is no folder for temporary files.
    """
    try:
        folder = _folder()
    except (OSError, LockedError) as error:
        raise EngineError(f"cannot start Ray: {error}") from error
    ours = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(folder / "token"),
        "RAY_AUTH_TOKEN": None,  # it would count before the path
        # In a Ray that other machines cannot join, all listens on loopback.
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    }
    before = {name: os.environ.get(name) for name in ours}
    _set(ours)
    try:
        # Ray lets everybody write to the folder itself.
        yield {"_temp_dir": str(folder / "ray"), "include_dashboard": False}
    finally:
        _set(before)


def _set(variables: dict[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@functools.cache
def _folder() -> Path:
    """Return a folder with a token: one for this process, since Ray reads a token once."""
    place = _SHORT if _SHORT.is_dir() else Path(tempfile.gettempdir())
    remove_abandoned(place)
    held = ExitStack()
    atexit.register(held.close)
    temporary = tempfile.TemporaryDirectory(prefix=_PREFIX, dir=place, ignore_cleanup_errors=True)
    folder = Path(held.enter_context(temporary))
    opened = held.enter_context(Directory(folder))
    held.enter_context(lock(opened, _LOCK))  # the kernel releases it, however this process ends
    opened.write_new("token", secrets.token_hex(32).encode(), mode=0o600)
    return folder


def remove_abandoned(place: Path) -> None:
    """Remove the folders of this user's processes that were killed.

    Others may write to `place`. Only folders are removed that belong to this user alone and whose
    lock nobody holds; no link is followed.
    """
    if sys.platform == "win32" or not (HAS_HANDLES and shutil.rmtree.avoids_symlink_attacks):
        return
    with suppress(OSError), Directory(place) as root:
        for name in root.names():
            if name.startswith(_PREFIX):
                with suppress(OSError, LockedError), root.folder(name) as folder:
                    if _is_old_and_ours(folder.status()):
                        with lock(folder, _LOCK):
                            shutil.rmtree(place / name)


def _is_old_and_ours(found: os.stat_result) -> bool:
    """Say whether a folder is this user's alone; a new one may not have been locked yet."""
    if sys.platform == "win32":
        return False
    is_ours = found.st_uid == os.getuid() and not found.st_mode & 0o077
    return is_ours and time.time() - found.st_mtime > _LEAST_AGE_S
