"""Read the samples of a TIFF that Pillow reads wrongly or not at all.

Pillow's libtiff unpacks strips and tiles, called chunks here, as if they were bytes of grey; how
samples lie in the bytes is known here.
"""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import TiffImagePlugin

from pmsgan.batch.pictures.colour import Pixels
from pmsgan.batch.pictures.opened import CUT_OFF, MAX_PIXELS, damaged
from pmsgan.batch.pictures.tiff_layout import (
    DEFLATE,
    NONE,
    OLD_DEFLATE,
    PALETTE,
    PREDICTED,
    Layout,
)
from pmsgan.batch.pictures.tiff_tags import Tags
from pmsgan.errors import ImageError

_BAND_BYTES = 2**20
"""So many bytes of samples are worked on at once."""
_Samples = NDArray[np.unsignedinteger[Any]]
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def read_samples(layout: Layout, tags: Tags) -> Pixels:
    """Return all samples uint8 [h, w, n]: their high 8 bits, or 0 .. 255 of fewer bits.

    Numbers of colours in a palette stay as they are.

    Raises:
        ImageError: it is cut off or damaged.
    """
    samples = np.zeros((layout.height, layout.width, layout.num_samples), np.uint8)
    for plane, top, left, rows in _rows(layout, tags):
        band = max(1, _BAND_BYTES // layout.row_bytes)
        for start in range(0, len(rows), band):
            found = _to_8_bits(_samples(rows[start : start + band], layout), layout)
            first, last = top + start, top + start + len(found)
            part = samples[first:last, left : left + layout.chunk_width]
            part = part[:, :, plane : plane + 1] if layout.is_planar else part
            part[:] = found[: part.shape[0], : part.shape[1]]
    return samples


def _rows(layout: Layout, tags: Tags) -> Iterator[tuple[int, int, int, Pixels]]:
    """Yield plane, top, left and the bytes uint8 [rows, bytes] of a tile or a run of strips."""
    down, across = layout.grid
    per_plane, num_planes = down * across, layout.num_samples if layout.is_planar else 1
    places = _places(layout, tags, per_plane * num_planes)
    chunk_bytes = layout.chunk_height * layout.row_bytes
    step = 1 if layout.is_tiled else max(1, _BAND_BYTES // chunk_bytes)
    for plane in range(num_planes):
        for first in range(0, per_plane, step):
            top, left = first // across * layout.chunk_height, first % across * layout.chunk_width
            num_rows = layout.chunk_height * min(step, per_plane - first)
            if not layout.is_tiled:
                num_rows = min(num_rows, layout.height - top)
            start = plane * per_plane + first
            chunks = [
                memoryview(tags.data)[offset : offset + min(count, 2 * chunk_bytes + 4096)]
                for offset, count in places[start : start + min(step, per_plane - first)]
            ]
            yield plane, top, left, _unpacked(chunks, num_rows, layout)


def _places(layout: Layout, tags: Tags, number: int) -> list[tuple[int, int]]:
    """Return where the chunks are in the file, and how many bytes they take there."""
    chunk_bytes = layout.chunk_height * layout.row_bytes
    if layout.compression != NONE and chunk_bytes > MAX_PIXELS:
        raise ImageError(f"is too large: a strip or tile has more than {MAX_PIXELS} bytes")
    offsets = tags.numbers(324 if layout.is_tiled else 273)
    counts = tags.numbers(325 if layout.is_tiled else 279)
    if layout.compression == NONE or (not counts and number == 1):  # often wrong, not needed
        counts = (chunk_bytes,) * len(offsets)
    if not number <= len(offsets) <= len(counts):
        raise damaged("strips or tiles are missing")
    if min(offsets) < 0 or min(counts) < 0:
        raise damaged("strips or tiles lie before the file")
    return list(zip(offsets, counts, strict=False))


def _unpacked(chunks: list[memoryview], num_rows: int, layout: Layout) -> Pixels:
    """Return the bytes uint8 [rows, bytes] of chunks that lie below each other."""
    if layout.is_bit_reversed:
        chunks = [memoryview(bytes(chunk).translate(_MIRRORED)) for chunk in chunks]
    num_bytes = num_rows * layout.row_bytes
    if layout.compression == NONE:
        data: bytes | memoryview = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    elif layout.compression in (DEFLATE, OLD_DEFLATE):
        chunk_bytes = layout.chunk_height * layout.row_bytes
        data = b"".join(zlib.decompressobj().decompress(it, chunk_bytes) for it in chunks)
    else:
        return _unpacked_by_libtiff(chunks, num_rows, layout)
    if len(data) < num_bytes:
        raise ImageError(CUT_OFF)
    return np.frombuffer(data, np.uint8, num_bytes).reshape(num_rows, layout.row_bytes)


def _unpacked_by_libtiff(chunks: list[memoryview], num_rows: int, layout: Layout) -> Pixels:
    """Unpack chunks as the strips of a small grey TIFF."""
    packed, number = b"".join(chunks), len(chunks)
    counts = [len(chunk) for chunk in chunks]
    starts = np.cumsum([8, *counts])[:-1].tolist()
    table, words = 8 + len(packed), 8 + len(packed) + 2 + 12 * 8 + 4
    entries = [
        (256, 1, layout.row_bytes),
        (257, 1, num_rows),
        (258, 1, 8),
        (259, 1, layout.compression),
        (262, 1, 1),
        (273, number, starts[0] if number == 1 else words),
        (278, 1, layout.chunk_height),
        (279, number, counts[0] if number == 1 else words + 4 * number),
    ]
    file = b"".join(
        (
            struct.pack("<2sHI", b"II", 42, table),
            packed,
            struct.pack("<H", len(entries)),
            *(struct.pack("<HHII", tag, 4, count, value) for tag, count, value in entries),
            struct.pack(f"<I{2 * number}I", 0, *starts, *counts),
        )
    )
    with TiffImagePlugin.TiffImageFile(io.BytesIO(file)) as image:
        return np.asarray(image)


def _samples(rows: Pixels, layout: Layout) -> _Samples:
    """Return samples [rows, width of a chunk, samples] as they are stored."""
    number, bits = layout.chunk_width * layout.samples_of_chunk, layout.bits
    if bits == 8:
        found: _Samples = rows
    elif bits == 16:
        found = np.ascontiguousarray(rows).view(f"{layout.order}u2").astype(np.uint16)
    else:
        digits = np.unpackbits(rows, axis=1, count=number * bits).reshape(len(rows), number, bits)
        found = np.zeros((len(rows), number), np.uint16)
        for digit in range(bits):
            found = found << np.uint16(1) | digits[:, :, digit]
    found = found.reshape(len(rows), layout.chunk_width, layout.samples_of_chunk)
    if layout.predictor == 2 and layout.compression in PREDICTED:
        return np.cumsum(found, axis=1, dtype=found.dtype)
    return found


def _to_8_bits(samples: _Samples, layout: Layout) -> Pixels:
    if layout.bits > 8:
        return (samples >> (layout.bits - 8)).astype(np.uint8)
    if layout.bits < 8 and layout.photometric != PALETTE:
        most = (1 << layout.bits) - 1
        return ((samples.astype(np.uint16) * 255 + most // 2) // most).astype(np.uint8)
    return samples.astype(np.uint8, copy=False)
