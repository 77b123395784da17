"""Find the address of a Ray cluster."""

import os
import socket
import stat
import sys
from pathlib import Path

from pmsgan.errors import ConfigError, EngineError

_CONNECT_TIMEOUT_S = 10.0
_LONGEST = 1000
"""Longest address that is read [bytes]."""


def find_cluster(address: str) -> str:
    """Return the address of a cluster where something listens; otherwise Ray would wait minutes.

    Args:
        address: HOST:PORT, or auto for the cluster that this machine belongs to.

    Raises:
        ConfigError: another user can have written the file that says which cluster that is.
        EngineError: nothing listens there, or this machine belongs to no cluster.
    """
    if address == "auto":
        address = os.environ.get("RAY_ADDRESS") or _current() or ""
        if not address:
            raise unreachable("auto", "this machine belongs to none")
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_TIMEOUT_S):
            pass
    except (OSError, OverflowError, ValueError) as error:
        raise unreachable(address, str(error)) from error
    return address


def _current() -> str | None:
    """Return the address that `ray start` has noted on this machine; None if there is none.

    The note lies where all users can write, and the owner of a cluster gets this user's pictures
    and token, and can answer with code.
    """
    from ray._common.utils import get_ray_address_file

    path = Path(get_ray_address_file(None))
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    try:
        number = os.open(path, flags)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _untrusted(path) from error
    with os.fdopen(number, "rb") as file:
        if sys.platform != "win32":
            found = os.fstat(number)
            is_ours = found.st_uid in (0, os.getuid())
            is_open = found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
            if not stat.S_ISREG(found.st_mode) or not is_ours or is_open:
                raise _untrusted(path)
        return file.read(_LONGEST).decode(errors="replace").strip()


def _untrusted(path: Path) -> ConfigError:
    return ConfigError(
        f"{path} names the cluster of this machine, but other users can have written it: give the "
        "address of the cluster, --cluster HOST:PORT"
    )


def unreachable(address: str, reason: str) -> EngineError:
    """Return the error for a cluster that cannot be reached, and what to do."""
    return EngineError(
        f"cannot reach the Ray cluster {address}: {reason}; ray start --head starts one, ray start "
        "--address HOST:6379 adds a machine, and where it asks for a token all need "
        "RAY_AUTH_MODE=token"
    )
