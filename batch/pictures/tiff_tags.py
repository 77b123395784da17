"""Read the tags of a TIFF: of its first picture, numbers and bytes only."""

import struct
from dataclasses import dataclass

from pmsgan.batch.pictures.opened import CUT_OFF, damaged
from pmsgan.errors import ImageError

_TYPES = {1: "B", 3: "H", 4: "I", 6: "b", 7: "B", 8: "h", 9: "i", 13: "I", 16: "Q", 17: "q"}
"""Whole numbers of TIFF, and what struct calls them."""
_MAX_TAGS = 65_535
_MAX_NUMBERS = 2**18
_MAX_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Tags:
    """The tags of a picture."""

    data: bytes
    """The whole file."""
    entries: dict[int, tuple[int, int, int]]
    """Type, number of values, and their place, for each tag."""
    order: str
    """Byte order: < or >."""
    is_big: bool
    """Whether it is a BigTIFF."""
    is_stack: bool
    """Whether another picture follows."""

    def numbers(self, tag: int) -> tuple[int, ...]:
        """Return the whole numbers of a tag; empty if there is none.

        Raises:
            ImageError: they are cut off, or too many.
        """
        kind, count, at = self.entries.get(tag, (0, 0, 0))
        if kind not in _TYPES:
            return ()
        if count > _MAX_NUMBERS:
            raise damaged("it has too many strips, tiles or samples")
        form = f"{self.order}{count}{_TYPES[kind]}"
        if at + struct.calcsize(form) > len(self.data):
            raise ImageError(CUT_OFF)
        return struct.unpack_from(form, self.data, at)

    def number(self, tag: int, default: int) -> int:
        """Return the first number of a tag."""
        return (self.numbers(tag) or (default,))[0]

    def content(self, tag: int) -> bytes | None:
        """Return the bytes of a tag; None if there is none, or it is cut off."""
        kind, count, at = self.entries.get(tag, (0, 0, 0))
        if kind not in (1, 7) or count > _MAX_BYTES or at + count > len(self.data):
            return None
        return self.data[at : at + count]


def read_tags(data: bytes) -> Tags:
    """Read where the tags of the first picture are.

    Raises:
        ImageError: they are cut off, or too many.
    """
    order, is_big = "<" if data.startswith(b"II") else ">", 43 in data[2:4]
    try:
        if is_big:
            (start,) = struct.unpack_from(f"{order}Q", data, 8)
            (count,) = struct.unpack_from(f"{order}Q", data, start)
        else:
            (start,) = struct.unpack_from(f"{order}I", data, 4)
            (count,) = struct.unpack_from(f"{order}H", data, start)
        if count > _MAX_TAGS:
            raise damaged("it has too many tags")
        first = start + (8 if is_big else 2)
        form, word = (f"{order}HHQ", 8) if is_big else (f"{order}HHI", 4)
        size = struct.calcsize(form) + word
        entries: dict[int, tuple[int, int, int]] = {}
        for at in range(first, first + count * size, size):
            tag, kind, number = struct.unpack_from(form, data, at)
            place = at + size - word
            if number * struct.calcsize(f"<{_TYPES.get(kind, 'Q')}") > word:
                (place,) = struct.unpack_from(f"{order}{'Q' if is_big else 'I'}", data, place)
            entries.setdefault(tag, (kind, number, place))
        end = first + count * size
        following = int.from_bytes(data[end : end + word], "little" if order == "<" else "big")
    except (struct.error, OverflowError) as error:
        raise ImageError(CUT_OFF) from error
    return Tags(data, entries, order, is_big, is_stack=following not in (0, start))
