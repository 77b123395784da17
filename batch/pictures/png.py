"""Open a PNG, and ignore damage in chunks that do not affect its pixels."""

import io
import zlib
from dataclasses import dataclass, field

from PIL import PngImagePlugin

from pmsgan.batch.pictures.opened import (
    CUT_OFF,
    EXIF_IGNORED,
    PROFILE_IGNORED,
    OpenedPicture,
    damaged,
)
from pmsgan.errors import ImageError

MAX_PROFILE_BYTES = 16 * 2**20
"""A larger ICC profile is ignored."""
_MAX_CHUNKS = 250_000
_MAX_TEXT_BYTES = 2**20
_MAX_TEXTS_BYTES = 16 * 2**20
"""Bytes of texts, unpacked; further ones are left out, where Pillow would refuse the picture."""
_ANIMATION = (b"acTL", b"fcTL", b"fdAT")
_SHORTEST = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"pHYs": 9}


def open_png(data: bytes) -> OpenedPicture:
    """Open a PNG.

    Raises:
        ImageError: it is cut off or damaged.
    """
    chunks = _Chunks()
    parts = []
    kept_from, at, has_pixels = 0, 8, False
    for _ in range(_MAX_CHUNKS):
        name, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], "big")
        has_pixels = has_pixels or name == b"IDAT"
        if end > len(data) or name == b"IEND":
            break
        if not chunks.is_kept(name, memoryview(data)[at:end]):
            parts.append(data[kept_from:at])
            kept_from = end
        at = end
    else:
        raise damaged("it has too many chunks")
    if not has_pixels:
        raise ImageError(CUT_OFF)
    parts.append(data[kept_from:])
    image = PngImagePlugin.PngImageFile(io.BytesIO(b"".join(parts)))
    if chunks.profile:
        image.info["icc_profile"] = chunks.profile
    if "transparency" in image.info:
        _correct_transparency(image, bits=data[24])
    return OpenedPicture(image, chunks.is_stack, notes=chunks.notes)


def _correct_transparency(image: PngImagePlugin.PngImageFile, bits: int) -> None:
    """Bring a transparent level or colour to the depth that Pillow brings the pixels to."""
    key = image.info["transparency"]
    if image.mode == "RGB" and bits == 16:
        raise ImageError("has 16 bits and a transparent colour, which is not supported")
    if image.mode == "L" and bits < 8:
        image.info["transparency"] = key * 255 // ((1 << bits) - 1)


@dataclass(slots=True)
class _Chunks:
    """Selects the chunks for Pillow, and reads what is needed from the others."""

    profile: bytes | None = None
    is_stack: bool = False
    notes: list[str] = field(default_factory=list)
    texts_bytes: int = 0

    def is_kept(self, name: bytes, chunk: memoryview) -> bool:
        """Say whether to pass a complete chunk to Pillow."""
        if not name[0] & 0x20 or name == b"tRNS":  # the pixels depend on it
            return True
        if zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:], "big"):
            note = {b"eXIf": EXIF_IGNORED, b"iCCP": PROFILE_IGNORED}.get(name)
            if note is not None and note not in self.notes:
                self.notes.append(note)
            return False
        content = chunk[8:-4]
        if name in _ANIMATION:
            self.is_stack |= name == b"acTL" and int.from_bytes(content[:4], "big") > 1
            return False
        if name == b"iCCP":
            self._read_profile(bytes(content))
            return False
        if name in (b"tEXt", b"zTXt", b"iTXt"):
            return self._is_text_kept(name, bytes(content))
        return len(content) >= _SHORTEST.get(name, 0)

    def _read_profile(self, content: bytes) -> None:
        if self.profile is None:
            packed = content.partition(b"\0")[2]
            self.profile = _unpacked(packed[1:], MAX_PROFILE_BYTES) or b""
            if not self.profile:
                self.notes.append(PROFILE_IGNORED)

    def _is_text_kept(self, name: bytes, content: bytes) -> bool:
        if self.texts_bytes >= _MAX_TEXTS_BYTES:
            return False
        text = content.partition(b"\0")[2]
        is_packed = name == b"zTXt" or (name == b"iTXt" and text[:1] not in (b"", b"\0"))
        if name == b"zTXt":
            text = text[1:] if text[:1] == b"\0" else b""
        elif is_packed:
            text = text[2:].partition(b"\0")[2].partition(b"\0")[2]
        unpacked = _unpacked(text, _MAX_TEXT_BYTES) if is_packed else text
        self.texts_bytes += _MAX_TEXT_BYTES if unpacked is None else len(unpacked)
        return bool(unpacked) and len(unpacked or b"") <= _MAX_TEXT_BYTES


def _unpacked(packed: bytes, limit: int) -> bytes | None:
    """Decompress zlib data; return b"" if it is damaged, None if it has more than `limit` bytes."""
    unpacker = zlib.decompressobj()
    try:
        content = unpacker.decompress(packed, limit)
    except zlib.error:
        return b""
    return None if unpacker.unconsumed_tail else content
