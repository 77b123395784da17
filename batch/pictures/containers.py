"""Put metadata into the JPEG, PNG or WebP file that an encoder has made."""

import struct
import zlib
from collections.abc import Callable

MAX_SEGMENT_BYTES = 65_533
"""A JPEG's segment gives its length in two bytes, themselves included."""

_JPEG_EXIF, _JPEG_XMP = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0"
_VP8X_ALPHA, _VP8X_EXIF, _VP8X_XMP = 0x10, 0x08, 0x04


def fits_into_jpeg(*, exif: bytes = b"", xmp: bytes = b"") -> bool:
    """Say whether EXIF data and XMP each fit into one segment of a JPEG."""
    return (
        len(_JPEG_EXIF) + len(exif) <= MAX_SEGMENT_BYTES
        and len(_JPEG_XMP) + len(xmp) <= MAX_SEGMENT_BYTES
    )


def insert_metadata(
    data: bytes | memoryview, suffix: str, exif: bytes | None = None, xmp: bytes | None = None
) -> bytes:
    """Return a file with metadata in it.

    A PNG also says that it is sRGB; a JPEG or WebP without a colour profile means that anyway.

    Args:
        data: a JPEG, PNG or WebP file as OpenCV writes it.
        suffix: .png, .jpg or .webp.
        exif: from the TIFF header on; in a JPEG it must fit into a segment.
        xmp: a packet; in a JPEG it must fit into a segment.
    """
    return _INSERT[suffix](data, exif, xmp)


def _into_jpeg(data: bytes | memoryview, exif: bytes | None, xmp: bytes | None) -> bytes:
    position = 2
    if data[2:4] == b"\xff\xe0":  # JFIF's own segment comes first
        position += 2 + int.from_bytes(data[4:6], "big")
    bodies = [prefix + it for prefix, it in ((_JPEG_EXIF, exif), (_JPEG_XMP, xmp)) if it]
    assert all(len(body) <= MAX_SEGMENT_BYTES for body in bodies)
    segments = [b"\xff\xe1" + struct.pack(">H", 2 + len(body)) + body for body in bodies]
    return b"".join([data[:position], *segments, data[position:]])


def _into_png(data: bytes | memoryview, exif: bytes | None, xmp: bytes | None) -> bytes:
    chunks = [_SRGB_PERCEPTUAL]
    if exif:
        chunks.append(_png_chunk(b"eXIf", exif))
    if xmp:
        # Not compressed, without a language or a translated keyword.
        chunks.append(_png_chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp))
    end_of_header = 8 + 12 + int.from_bytes(data[8:12], "big")
    return b"".join([data[:end_of_header], *chunks, data[end_of_header:]])


def _png_chunk(kind: bytes, body: bytes) -> bytes:
    checksum = zlib.crc32(kind + body)
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", checksum)


_SRGB_PERCEPTUAL = _png_chunk(b"sRGB", b"\0")


def _into_webp(data: bytes | memoryview, exif: bytes | None, xmp: bytes | None) -> bytes:
    if not exif and not xmp:
        return bytes(data)
    flags = (_VP8X_EXIF if exif else 0) | (_VP8X_XMP if xmp else 0)
    header, position = _extended_header(data)
    header[0] |= flags
    parts = [_webp_chunk(b"VP8X", bytes(header)), data[position:]]
    parts += [_webp_chunk(kind, it) for kind, it in ((b"EXIF", exif), (b"XMP ", xmp)) if it]
    body = b"WEBP" + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _extended_header(data: bytes | memoryview) -> tuple[bytearray, int]:
    """Return the VP8X chunk's body, made where there is none, and where the next chunk begins."""
    if data[12:16] == b"VP8X":
        return bytearray(data[20:30]), 30
    flags = 0
    if data[12:16] == b"VP8L":  # lossless
        bits = int.from_bytes(data[21:25], "little")
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        flags = _VP8X_ALPHA if bits >> 28 & 1 else 0
    else:
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", data[26:30]))
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return bytearray(bytes([flags, 0, 0, 0]) + sizes), 12


def _webp_chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


_INSERT: dict[str, Callable[[bytes | memoryview, bytes | None, bytes | None], bytes]] = {
    ".jpg": _into_jpeg,
    ".png": _into_png,
    ".webp": _into_webp,
}
