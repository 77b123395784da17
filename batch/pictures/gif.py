"""Open the first frame of a GIF."""

import io

from PIL import GifImagePlugin

from pmsgan.batch.pictures.opened import CUT_OFF, OpenedPicture, damaged
from pmsgan.errors import ImageError

_MAX_BLOCKS = 1_000_000
_FRAME, _EXTENSION, _END = 0x2C, 0x21, 0x3B
_CONTROL = 0xF9


def open_gif(data: bytes) -> OpenedPicture:
    """Open the first frame of a GIF, without comments, which Pillow gathers slowly.

    Raises:
        ImageError: it is cut off or damaged.
    """
    blocks = _Blocks(data)
    at = 13 + _table_bytes(data, 10)
    parts = [data[:at]]
    while True:
        start, kind, at = at, blocks.byte(at), blocks.end(at)
        if kind == _END:
            raise damaged("it has no frame")
        if kind == _FRAME or blocks.byte(start + 1) == _CONTROL:
            parts.append(data[start:at])
        if kind == _FRAME:
            break
    parts.append(b";")
    image = GifImagePlugin.GifImageFile(io.BytesIO(b"".join(parts)))
    return OpenedPicture(image, is_stack=blocks.has_frame(at))


def _table_bytes(data: bytes, flags_at: int) -> int:
    flags = data[flags_at] if flags_at < len(data) else 0
    return 3 << (1 + (flags & 7)) if flags & 0x80 else 0


class _Blocks:
    """Walks through the blocks of a GIF, up to a limit."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.num_left = _MAX_BLOCKS

    def byte(self, at: int) -> int:
        if at >= len(self.data):
            raise ImageError(CUT_OFF)
        return self.data[at]

    def end(self, at: int) -> int:
        """Return where a block ends."""
        kind = self.byte(at)
        if kind == _END:
            return at + 1
        if kind == _FRAME:
            at += 10 + _table_bytes(self.data, at + 9) + 1
        elif kind == _EXTENSION:
            at += 2
        else:
            raise damaged("it has an unknown block")
        while length := self.byte(at):
            at += 1 + length
            self.num_left -= 1
            if not self.num_left:
                raise damaged("it has too many blocks")
        return at + 1

    def has_frame(self, at: int) -> bool:
        """Say whether another frame follows; what comes after a whole one may be damaged."""
        try:
            while (kind := self.byte(at)) not in (_FRAME, _END):
                at = self.end(at)
        except ImageError:
            return False
        return kind == _FRAME
