"""Calibrations hold the ranges of a graph's activations, which are all that INT8 adds to it.

They are kept as JSON, in the user's cache or in the folder of a style.
"""

import hashlib
import json
import logging
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pmsgan.atomic import replacing
from pmsgan.engine.cache import cache_folder, require_cache_folder
from pmsgan.errors import EngineError, StyleError
from pmsgan.regular_file import read_regular
from pmsgan.styles.registry import CALIBRATION_NAME, DESCRIPTION_NAME, GRAPH_NAME, Style

VERSION = 1
"""Version of the format; raised when the same calibration would give a different graph."""
MAX_BYTES = 2**20
"""The largest calibration that is read [bytes]."""
_CACHE = "int8"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Calibration:
    """The measured ranges of a graph's activations, and the accuracy of its INT8 pictures."""

    graph_sha256: str
    """SHA-256 of the graph that was calibrated."""
    num_pictures: int
    """Pictures that the ranges were measured on."""
    pictures_sha256: str
    """SHA-256 of all pictures, including those of the check."""
    psnr_db: float
    """PSNR to FP32 on pictures that the ranges were not measured on [dB]."""
    ranges: dict[str, float]
    """The usual largest absolute value of each activation that is quantised, by its name."""
    version: int = VERSION

    @property
    def sha256(self) -> str:
        """SHA-256 of all this."""
        return hashlib.sha256(self.to_text().encode()).hexdigest()

    def to_text(self) -> str:
        """Return the content as JSON, the same in every call."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


def find_calibration(style: Style) -> Calibration | None:
    """Return the calibration of a style's graph: the user's own, or the style's.

    One that cannot be used is skipped with a note.
    """
    paths = [style.folder / CALIBRATION_NAME]
    if (folder := cache_folder(_CACHE)) is not None:
        paths.insert(0, folder / _file_name(style))
    for path in paths:
        try:
            return _read(path, style.sha256[GRAPH_NAME])
        except FileNotFoundError:
            continue
        except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
            _log.warning("not used: the INT8 calibration %s: %s", path, error)
    return None


def cache_calibration(calibration: Calibration, style: Style) -> Path:
    """Write a calibration to the user's cache; return its path.

    Raises:
        EngineError: it cannot be written, or there is no cache.
    """
    path = require_cache_folder(_CACHE) / _file_name(style)
    try:
        with replacing(path) as temporary:
            temporary.write_text(calibration.to_text(), encoding="utf-8")
    except OSError as error:
        raise EngineError(f"cannot write {path}: {error.strerror}") from error
    return path


def write_into_style(calibration: Calibration, style: Style) -> Path:
    """Write a calibration into the folder of a style, and its SHA-256 into style.toml.

    Raises:
        StyleError: the folder cannot be written.
    """
    path, description = style.folder / CALIBRATION_NAME, style.folder / DESCRIPTION_NAME
    text = calibration.to_text().encode()
    entry = f'"{CALIBRATION_NAME}" = "{hashlib.sha256(text).hexdigest()}"'
    try:
        lines = description.read_text(encoding="utf-8").splitlines()
        lines = [line for line in lines if not line.startswith(f'"{CALIBRATION_NAME}"')]
        lines.insert(lines.index("[sha256]") + 1, entry)
        with replacing(path) as temporary:
            temporary.write_bytes(text)
        with replacing(description) as temporary:
            temporary.write_text("\n".join(lines) + "\n", encoding="utf-8")
    except OSError as error:
        raise StyleError(f"cannot write {path}: {error.strerror}") from error
    except ValueError as error:
        raise StyleError(f"{description} has no section [sha256]") from error
    return path


def _file_name(style: Style) -> str:
    return f"{style.sha256[GRAPH_NAME][:32]}.json"


def _read(path: Path, graph_sha256: str) -> Calibration:
    """Read a calibration; raise ValueError or a similar error if it cannot be used."""
    content: dict[str, Any] = json.loads(read_regular(path, MAX_BYTES))
    if content.get("version") != VERSION:
        raise ValueError("another version of pmsgan wrote it; calibrate again")
    if content.get("graph_sha256") != graph_sha256:
        raise ValueError("it belongs to another graph; calibrate again")
    calibration = Calibration(**content)
    numbers = [calibration.psnr_db, *calibration.ranges.values()]
    if not all(
        isinstance(number, float) and math.isfinite(number) and number >= 0 for number in numbers
    ):
        raise ValueError("it holds values that are not ranges; calibrate again")
    return calibration
