"""Open a JPEG: also one with malformed segments, or too large unless it is decoded smaller."""

import io
import re

from PIL import JpegImagePlugin

from pmsgan.batch.pictures.opened import (
    CUT_OFF,
    MAX_PIXELS,
    MAX_REDUCED_PIXELS,
    OpenedPicture,
    damaged,
)
from pmsgan.errors import ImageError

_MAX_SEGMENTS = 100_000
_SCAN = 0xDA
_SHORTEST = {b"\xe0JFIF": 14, b"\xeeAdob": 12}
"""Least content of application segments [bytes]; libjpeg ignores shorter ones, too."""
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SEQUENTIAL = (0xC0, 0xC1, 0xC9)
_LOSSLESS = (0xC3, 0xC7, 0xCB, 0xCF)
_STANDALONE = frozenset({0x00, 0x01, *range(0xD0, 0xDA)})
_MARKER = re.compile(rb"\xff[^\xff]")


def open_jpeg(data: bytes) -> OpenedPicture:
    """Open a JPEG.

    Phones store several in one file (MPO: a gain map, a depth map); the first is the picture.

    Raises:
        ImageError: it is of a kind that is not read, cut off or damaged.
    """
    parts: list[bytes] = []
    kept_from, at = 0, 2
    needs_whole, num_components = True, 0
    for _ in range(_MAX_SEGMENTS):
        found = _MARKER.search(data, at)
        if found is None:
            raise ImageError(CUT_OFF)
        start, marker = found.start(), data[found.start() + 1]
        if start > at:  # Pillow goes byte by byte through what lies between segments
            parts.append(data[kept_from:at])
            kept_from = start
        at = start + 2
        if marker in _STANDALONE:
            continue
        at += int.from_bytes(data[start + 2 : start + 4], "big")
        if at > len(data) or len(data) < start + 4:
            raise ImageError(CUT_OFF)
        content = data[start + 4 : min(at, start + 10)]
        if marker == _SCAN:
            # With a scan for each component, the whole picture is kept as coefficients.
            needs_whole = needs_whole or content[:1] != bytes([num_components])
            break
        if marker in _FRAMES and len(content) == 6:
            _check_frame(marker, content[0])
            needs_whole, num_components = marker not in _SEQUENTIAL, content[5]
        elif at - start - 4 < _SHORTEST.get(data[start + 1 : start + 2] + content[:4], 0):
            parts.append(data[kept_from:start])
            kept_from = at
    else:
        raise damaged("it has too many segments")
    if kept_from:
        data = b"".join((*parts, data[kept_from:]))
    image = JpegImagePlugin.jpeg_factory(io.BytesIO(data))
    return OpenedPicture(image, max_stored_pixels=MAX_PIXELS if needs_whole else MAX_REDUCED_PIXELS)


def _check_frame(marker: int, bits: int) -> None:
    if marker in _LOSSLESS:
        raise ImageError("is a lossless JPEG, which is not supported: convert it to PNG first")
    if bits != 8:
        raise ImageError(
            f"is a JPEG of {bits} bits, which is not supported: convert it to PNG first"
        )
