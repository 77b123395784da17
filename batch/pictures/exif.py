"""Edit a block of EXIF data in place: nothing in it moves, so maker notes stay valid.

Maker notes hold offsets into the block that only their maker knows. A writer that rearranges the
block breaks them; here entries are overwritten in place. The block is hostile: every offset in it
is checked, and the time is linear in its size.
"""

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

Range = tuple[int, int]
"""Start and end [bytes from the start of the block]."""

_SHORT, _LONG = 3, 4
_TYPE_BYTES = {1: 1, 2: 1, _SHORT: 2, _LONG: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_ORIENTATION, _COLOR_SPACE, _INTEROP_INDEX = 0x0112, 0xA001, 0x0001
_EXIF_IFD, _GPS_IFD, _INTEROP_IFD = 0x8769, 0x8825, 0xA005
_WIDTHS = (0x0100, 0xA002, 0x1001)
"""ImageWidth, PixelXDimension, RelatedImageWidth."""
_HEIGHTS = (0x0101, 0xA003, 0x1002)
_THUMBNAIL_PARTS = ((0x0201, 0x0202), (0x0111, 0x0117))
"""Tags for the place and length of a thumbnail: a JPEG, or strips."""
_MAX_IFDS, _MAX_ENTRIES = 8, 1000
"""A block has two directories in a row, the picture's and the thumbnail's, of tens of entries."""


def edit_exif(block: bytes, size: tuple[int, int]) -> bytes:
    """Return a picture's EXIF data in the form for its result.

    The result is upright and sRGB, and has its own size. The thumbnail, which shows the source, is
    erased. Everything else keeps its value and its place.

    Args:
        block: from the TIFF header on.
        size: height and width of the result [pixels].

    Raises:
        ValueError: it is damaged.
    """
    block_order = {b"II*\0": "<", b"MM\0*": ">"}.get(block[:4])
    if block_order is None:
        raise ValueError("no TIFF header")
    editor = _Editor(bytearray(block), block_order)
    first = editor.number(4, 4)
    entries = editor.entries(first)
    if not entries or len(entries) < editor.number(first, 2):
        raise ValueError("its first directory is cut off or too large")
    used = [(0, 8), *editor.ranges(first)]
    for ifd in (first, *editor.children(entries)):
        editor.correct(ifd, size)
        used += editor.ranges(ifd)
    editor.erase(editor.unlink_thumbnail(first), used)
    return bytes(editor.data)


@dataclass(frozen=True, slots=True)
class _Entry:
    position: int
    tag: int
    kind: int
    count: int


class _Editor:
    """A block of EXIF data that is being edited."""

    def __init__(self, data: bytearray, order: str) -> None:
        self.data = data
        self._order = order

    def number(self, position: int, num_bytes: int) -> int:
        """Read an unsigned number; raise ValueError if it lies outside."""
        if not 0 <= position <= len(self.data) - num_bytes:
            raise ValueError("cut off")
        part = self.data[position : position + num_bytes]
        return int.from_bytes(part, "little" if self._order == "<" else "big")

    def entries(self, ifd: int) -> list[_Entry]:
        """Read the entries of a directory that lie within the block."""
        if not 8 <= ifd <= len(self.data) - 2:
            return []
        count = min(self.number(ifd, 2), (len(self.data) - ifd - 2) // 12, _MAX_ENTRIES)
        positions = (ifd + 2 + 12 * index for index in range(count))
        return [
            _Entry(position, *struct.unpack_from(self._order + "HHI", self.data, position))
            for position in positions
        ]

    def children(self, entries: Iterable[_Entry]) -> Iterator[int]:
        """Return where the directories for exposure, interoperability and GPS are."""
        by_tag = {entry.tag: entry for entry in entries}  # hostile ones repeat a tag
        for tag in (_EXIF_IFD, _GPS_IFD):
            if tag in by_tag:
                yield self.number(by_tag[tag].position + 8, 4)
        if _EXIF_IFD in by_tag:
            exposure = self.entries(self.number(by_tag[_EXIF_IFD].position + 8, 4))
            inner = {entry.tag: entry for entry in exposure}
            if _INTEROP_IFD in inner:
                yield self.number(inner[_INTEROP_IFD].position + 8, 4)

    def correct(self, ifd: int, size: tuple[int, int]) -> None:
        """Overwrite orientation, size and colour space in a directory."""
        height, width = size
        for entry in self.entries(ifd):
            if entry.tag in _WIDTHS:
                self._write(entry, _LONG, width)
            elif entry.tag in _HEIGHTS:
                self._write(entry, _LONG, height)
            elif entry.tag in (_ORIENTATION, _COLOR_SPACE):
                self._write(entry, _SHORT, 1)
            elif entry.tag == _INTEROP_INDEX and self._value(entry) == b"R03\0":  # Adobe RGB
                self.data[entry.position + 8 : entry.position + 12] = b"R98\0"

    def _write(self, entry: _Entry, kind: int, value: int) -> None:
        struct.pack_into(self._order + "HI", self.data, entry.position + 2, kind, 1)
        layout = "HH" if kind == _SHORT else "I"
        values = (value, 0) if kind == _SHORT else (value,)
        struct.pack_into(self._order + layout, self.data, entry.position + 8, *values)

    def _value(self, entry: _Entry) -> bytes:
        return bytes(self.data[slice(*self._value_range(entry))])

    def _value_range(self, entry: _Entry) -> Range:
        num_bytes = _TYPE_BYTES.get(entry.kind, 1) * entry.count
        start = entry.position + 8 if num_bytes <= 4 else self.number(entry.position + 8, 4)
        return min(start, len(self.data)), min(start + num_bytes, len(self.data))

    def ranges(self, ifd: int) -> list[Range]:
        """Return where a directory lies, and where its values do."""
        entries = self.entries(ifd)
        if not entries:
            return []
        end = min(entries[-1].position + 12 + 4, len(self.data))
        return [(ifd, end), *map(self._value_range, entries)]

    def unlink_thumbnail(self, first: int) -> list[Range]:
        """End the chain after the first directory; return the ranges of the others.

        Args:
            first: where the picture's own directory is.
        """
        link = first + 2 + 12 * self.number(first, 2)
        if link > len(self.data) - 4:
            return []
        ifd, found = self.number(link, 4), list[Range]()
        self.data[link : link + 4] = bytes(4)
        for _ in range(_MAX_IFDS):
            entries = self.entries(ifd)
            if not entries:
                break
            found += self.ranges(ifd)
            found += self._thumbnail_data(entries)
            after = entries[-1].position + 12
            ifd = self.number(after, 4) if after <= len(self.data) - 4 else 0
        return found

    def _thumbnail_data(self, entries: Iterable[_Entry]) -> Iterator[Range]:
        by_tag = {entry.tag: entry for entry in entries}
        for where, how_long in _THUMBNAIL_PARTS:
            if where in by_tag and how_long in by_tag:
                starts, lengths = (self._numbers(by_tag[tag]) for tag in (where, how_long))
                for start, length in zip(starts, lengths, strict=False):
                    yield min(start, len(self.data)), min(start + length, len(self.data))

    def _numbers(self, entry: _Entry) -> list[int]:
        num_bytes = _TYPE_BYTES.get(entry.kind, 1)
        start, end = self._value_range(entry)
        return [
            self.number(position, num_bytes)
            for position in range(start, end - num_bytes + 1, num_bytes)
        ]

    def erase(self, removed: list[Range], used: list[Range]) -> None:
        """Overwrite ranges with zeros, except bytes in use, and cut zeros off the end."""
        before, length = bytes(self.data), len(self.data)
        for start, end in _merged(removed):
            self.data[start:end] = bytes(end - start)
            if end >= len(before) - 1:  # one byte may follow for an even length
                length = start
        kept = _merged(used)
        for start, end in kept:
            self.data[start:end] = before[start:end]
        del self.data[max(length, kept[-1][1]) :]


def _merged(ranges: Iterable[Range]) -> list[Range]:
    """Return the same bytes in few ranges, in order: hostile ones overlap thousands of times."""
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        elif start < end:
            merged.append((start, end))
    return merged
