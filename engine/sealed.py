"""Read and write files of native code, each behind a header that identifies its purpose.

No part of such a file reaches a library before its digest has been checked. The first line holds a
magic word and the SHA-256 of everything after that line. The second line is JSON, the header. The
rest is the native code.
"""

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

from pmsgan.atomic import write_whole
from pmsgan.errors import EngineError

_log = logging.getLogger(__name__)


class StaleFileError(EngineError):
    """A cached file is damaged, or is not for this machine."""


def write_sealed(path: Path, magic: bytes, header: dict[str, Any], data: bytes) -> None:
    """Write a file; an interrupted write leaves the old one.

    Raises:
        EngineError: it cannot be written.
    """
    body = json.dumps(header, sort_keys=True).encode() + b"\n" + data
    try:
        write_whole(path, magic + hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
    except OSError as error:
        raise EngineError(f"cannot write the engine {path}: {error.strerror}") from error


def read_sealed(path: Path, magic: bytes) -> tuple[dict[str, Any], bytes] | None:
    """Return the header and the native code of a file; None if there is none.

    Raises:
        StaleFileError: the file is damaged.
        EngineError: the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise EngineError(f"cannot read the engine {path}: {error.strerror}") from error
    first, _, body = content.partition(b"\n")
    if first != magic + hashlib.sha256(body).hexdigest().encode():
        raise StaleFileError(f"{path} is damaged")
    text, _, data = body.partition(b"\n")
    return json.loads(text), data


def read_sealed_for(path: Path, magic: bytes, header: dict[str, Any]) -> bytes | None:
    """Return the native code of a file that has this very header; None if there is no such file.

    A file that is damaged or cannot be read is logged, and taken as none.
    """
    try:
        found = read_sealed(path, magic)
    except EngineError as error:
        _log.warning("%s: it is made again", error)
        return None
    return found[1] if found is not None and found[0] == header else None
