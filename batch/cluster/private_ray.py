"""Starts a Ray that answers only this user's own processes."""

import functools
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pmsgan.errors import EngineError

_SHORT = Path("/tmp")
"""Socket paths must be short, and the system's folder for temporary files may have a long one."""


@contextmanager
def private_ray() -> Iterator[dict[str, Any]]:
    """Give options for `ray.init`; Ray has to be imported and started in the block.

    Anyone who can reach a Ray instance can run code in it. This instance listens on loopback, asks
    for a token that is generated for this process, and keeps its files in a folder of mode 0700,
    which is removed when the process ends.

    Raises:
        EngineError: there is no folder for temporary files.
    """
    try:
        folder = Path(_folder().name)
    except OSError as error:
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
def _folder() -> "tempfile.TemporaryDirectory[str]":
    """Return a folder with a token: one for this process, since Ray reads a token once."""
    folder = tempfile.TemporaryDirectory(
        prefix="pmsgan-", dir=_SHORT if _SHORT.is_dir() else None, ignore_cleanup_errors=True
    )
    number = os.open(Path(folder.name) / "token", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(number, secrets.token_hex(32).encode())
    finally:
        os.close(number)
    return folder
