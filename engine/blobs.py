"""Keep compiled graphs of OpenVINO in the user's cache.

OpenVINO has a cache of its own, but reads the graph each time to find its name there.
"""

import hashlib
import json
import logging
from typing import Any

from pmsgan.engine.cache import cache_folder
from pmsgan.engine.sealed import read_sealed_for, write_sealed
from pmsgan.errors import EngineError

BACKEND = "openvino"
MAGIC = b"pmsgan-blob-1 "

_log = logging.getLogger(__name__)


def read_blob(key: dict[str, Any]) -> bytes | None:
    """Return a compiled graph; None if it does not exist, or cannot be used.

    Args:
        key: everything that it depends on, as values that JSON can hold.
    """
    if (folder := cache_folder(BACKEND)) is None:
        return None
    return read_sealed_for(folder / _name(key), MAGIC, key)


def write_blob(key: dict[str, Any], data: bytes) -> None:
    """Keep a compiled graph for later runs; a failure is only a warning."""
    if (folder := cache_folder(BACKEND)) is None:
        return  # which has been noted
    try:
        write_sealed(folder / _name(key), MAGIC, key, data)
    except EngineError as error:
        _log.warning("the next run will compile again: %s", error)


def _name(key: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()
    return f"{digest[:32]}.blob"
