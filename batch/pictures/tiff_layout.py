"""Read where the samples of a TIFF lie and what they mean, and refuse unsupported ones."""

import math
from dataclasses import dataclass

from pmsgan.batch.pictures.opened import check_size, damaged
from pmsgan.batch.pictures.tiff_tags import Tags
from pmsgan.errors import ImageError

WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, CMYK, YCBCR, LAB = 0, 1, 2, 3, 5, 6, 8
NUM_COLOURS = {
    WHITE_IS_ZERO: 1, BLACK_IS_ZERO: 1, RGB: 3, PALETTE: 1, CMYK: 4, YCBCR: 3, LAB: 3,
}  # fmt: skip
"""Samples without transparency, for each way to write colours that is read."""
_RAW_PHOTOGRAPHS = (32803, 34892)
_DNG_VERSION = 50706
_SUB_PICTURES = 330
"""In most raw photographs the first picture is a thumbnail, and the photograph is below it."""

NONE, LZW, DEFLATE, OLD_DEFLATE, PACK_BITS = 1, 5, 8, 32946, 32773
PREDICTED = (LZW, DEFLATE, OLD_DEFLATE, 34925, 50000)
"""Compressions that may take differences of samples; also LZMA and Zstandard."""
UNPACKED = (NONE, PACK_BITS, *PREDICTED)
"""Compressions of bytes, whatever they mean."""
_CCITT, _JPEG = (2, 3, 4), (6, 7, 50001)
"""Compressions of pixels, which Pillow alone reads; also WebP."""

ASSOCIATED = 1
_ALPHA = (ASSOCIATED, 2, 999)
"""Kinds of extra samples that are transparency; the last is Corel's."""
_MAX_SAMPLES = 6


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the samples of a TIFF lie, and what they mean."""

    width: int
    height: int
    photometric: int
    compression: int
    is_planar: bool
    """Whether each sample has chunks of its own."""
    bits: int
    """Bits of a sample, 1 to 16."""
    num_samples: int
    extras: tuple[int, ...]
    """Meaning of the samples behind the colours."""
    predictor: int
    is_bit_reversed: bool
    order: str
    """Byte order: < or >."""
    is_big: bool
    """Whether it is a BigTIFF."""
    chunk_width: int
    chunk_height: int
    is_tiled: bool
    palette: tuple[int, ...]
    """All reds, all greens, all blues; 0 .. 65535 or 0 .. 255."""

    @property
    def alpha(self) -> int | None:
        """Which sample is transparency; None where all is opaque."""
        first = NUM_COLOURS[self.photometric]
        return next((first + n for n, kind in enumerate(self.extras) if kind in _ALPHA), None)

    @property
    def is_associated(self) -> bool:
        """Whether colours are multiplied by transparency."""
        alpha = self.alpha
        first = NUM_COLOURS[self.photometric]
        return alpha is not None and self.extras[alpha - first] == ASSOCIATED

    @property
    def grid(self) -> tuple[int, int]:
        """How many chunks lie below each other, and side by side."""
        down, across = self.height / self.chunk_height, self.width / self.chunk_width
        return math.ceil(down), math.ceil(across)

    @property
    def samples_of_chunk(self) -> int:
        """How many samples of a pixel a chunk holds."""
        return 1 if self.is_planar else self.num_samples

    @property
    def row_bytes(self) -> int:
        """Bytes in a row of a chunk."""
        return (self.chunk_width * self.samples_of_chunk * self.bits + 7) // 8

    @property
    def is_left_to_pillow(self) -> bool:
        """Whether Pillow reads it correctly, which tests compare with another decoder."""
        if self.compression not in UNPACKED or self.photometric in (YCBCR, LAB):
            return True
        if self.is_planar or self.is_bit_reversed or self.is_associated:
            return False
        if self.is_big and self.order == ">":
            return False
        if self.photometric == PALETTE and max(self.palette) < 256:
            return False
        num_plain = NUM_COLOURS[self.photometric] + (self.photometric == RGB and bool(self.alpha))
        depths = (1, 2, 4, 8) if num_plain == 1 else (8,)
        return self.num_samples == num_plain and self.bits in depths


def read_layout(tags: Tags) -> Layout:
    """Read where the samples lie.

    Raises:
        ImageError: it is too large, damaged, or of a kind that is not read.
    """
    width, height = tags.number(256, 0), tags.number(257, 0)
    if width <= 0 or height <= 0:
        raise damaged("it has no pixels")
    check_size(width, height)
    photometric, compression = tags.number(262, 0), tags.number(259, 1)
    is_thumbnail = bool(tags.number(254, 0) & 1) and _SUB_PICTURES in tags.entries
    if photometric in _RAW_PHOTOGRAPHS or _DNG_VERSION in tags.entries or is_thumbnail:
        raise ImageError(
            "is a raw photograph, which is not supported: develop it to TIFF or JPEG first"
        )
    if photometric not in NUM_COLOURS:
        raise _not_read(f"colours of kind {photometric}")
    if compression not in UNPACKED + _CCITT + _JPEG:
        raise _not_read(f"compression {compression}")
    is_jpeg_in_colour = compression in _JPEG and photometric in (RGB, YCBCR)
    num_samples = tags.number(277, 3 if is_jpeg_in_colour else 1)
    is_tiled = 322 in tags.entries and 273 not in tags.entries
    chunk_width = tags.number(322, width) if is_tiled else width
    chunk_height = tags.number(323, height) if is_tiled else min(tags.number(278, height), height)
    layout = Layout(
        width=width,
        height=height,
        photometric=photometric,
        compression=compression,
        is_planar=tags.number(284, 1) == 2 and num_samples > 1,
        bits=_depth(tags, num_samples),
        num_samples=num_samples,
        extras=_extras(tags, photometric, num_samples),
        predictor=tags.number(317, 1),
        is_bit_reversed=tags.number(266, 1) == 2,
        order=tags.order,
        is_big=tags.is_big,
        chunk_width=chunk_width,
        chunk_height=chunk_height,
        is_tiled=is_tiled,
        palette=tags.numbers(320) if photometric == PALETTE else (),
    )
    _check_colours(layout, tags)
    _check_chunks(layout, tags)
    return layout


def _not_read(what: str) -> ImageError:
    return ImageError(f"is a TIFF with {what}, which is not supported: convert it to PNG first")


def _depth(tags: Tags, num_samples: int) -> int:
    """Return the bits of a sample."""
    bits = tags.numbers(258)[:num_samples] or (1,)
    formats = set(tags.numbers(339)) - {1, 4}
    if max(bits) > 16:
        raise ImageError(f"has {max(bits)}-bit samples: convert it to 8 or 16 bits first")
    if formats:
        kind = {2: "signed", 3: "floating-point"}.get(min(formats), "complex")
        raise ImageError(f"has {kind} samples: convert it to unsigned 8 or 16 bits first")
    if min(bits) != max(bits) or min(bits) < 1:
        raise _not_read(f"samples of {', '.join(map(str, bits))} bits")
    return bits[0]


def _extras(tags: Tags, photometric: int, num_samples: int) -> tuple[int, ...]:
    number = num_samples - NUM_COLOURS[photometric]
    if number < 0 or num_samples > _MAX_SAMPLES:
        raise _not_read(f"{num_samples} samples for each pixel")
    extras = tags.numbers(338)[:number]
    if not extras and number == 1:  # Pillow and others write transparency so
        return (2,)
    return extras + (0,) * (number - len(extras))


def _check_colours(layout: Layout, tags: Tags) -> None:
    """Refuse pictures that would get wrong colours."""
    photometric, compression, bits = layout.photometric, layout.compression, layout.bits
    if photometric in (WHITE_IS_ZERO, BLACK_IS_ZERO) and len(layout.extras) > 1:
        raise _not_read(f"{layout.num_samples} samples of unknown meaning")
    if photometric == CMYK and (layout.alpha is not None or tags.number(332, 1) != 1):
        raise _not_read("inks other than cyan, magenta, yellow and black")
    if photometric == PALETTE and (bits > 8 or len(layout.palette) != 3 << bits):
        raise damaged(f"its palette has {len(layout.palette)} numbers for {bits} bits")
    if photometric in (YCBCR, LAB) or compression in _JPEG:
        if bits != 8 or layout.extras or layout.is_planar:
            raise _not_read(f"JPEG, YCbCr or Lab in {bits} bits, planes or transparent")
        if (layout.is_big and layout.order == ">") or layout.is_bit_reversed:
            raise _not_read("JPEG, YCbCr or Lab in this byte order")
        if photometric == YCBCR and compression == NONE and tags.numbers(530) != (1, 1):
            raise _not_read("YCbCr whose colours have fewer pixels")
    if compression in _CCITT and (bits != 1 or layout.num_samples != 1):
        raise damaged("it has fax compression for more than black and white")
    has_differences = layout.predictor != 1 and compression in PREDICTED
    if has_differences and (layout.predictor != 2 or bits not in (8, 16)):
        raise _not_read(f"predictor {layout.predictor} for {bits} bits")


def _check_chunks(layout: Layout, tags: Tags) -> None:
    """Refuse strips or tiles that would need much more memory than the picture."""
    if layout.chunk_width < 1 or layout.chunk_height < 1:
        raise damaged("its strips or tiles have no pixels")
    down, across = layout.grid
    check_size(down * layout.chunk_height, across * layout.chunk_width)
