"""Reads the metadata of a photograph, and writes that of its result.

Metadata is hostile: damaged or too large metadata is left out with a note, and no picture fails
because of it.
"""

import struct
from dataclasses import dataclass

from PIL import Image

from pmsgan.batch.pictures.containers import fits_into_jpeg, insert_metadata
from pmsgan.batch.pictures.exif import edit_exif
from pmsgan.batch.pictures.xmp import edit_xmp, new_xmp
from pmsgan.batch.settings import ConvertSettings

MAX_METADATA_BYTES = 2**20
"""Most bytes of EXIF data or XMP that are kept."""

_EXIF_PREFIX = b"Exif\0\0"
_TIFF_TAGS = (
    *(0x010E, 0x010F, 0x0110, 0x0112, 0x011A, 0x011B, 0x0128, 0x0131, 0x0132, 0x013B, 0x013C),
    *(0x4746, 0x4749, 0x8298, 0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F),
)
"""Tags of a TIFF file's own directory that describe the picture and not the file: title, camera,
orientation, resolution, software, date, artist, rating, copyright, Windows' texts."""
_TIFF_DIRECTORIES = (0x8769, 0x8825)
"""Exposure, GPS."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """Metadata of a picture's file, as it was read."""

    exif: bytes | None = None
    """From the TIFF header on."""
    xmp: bytes | None = None
    notes: tuple[str, ...] = ()
    """Remarks on what was left out."""


def read_metadata(image: Image.Image) -> Metadata:
    """Return the metadata of a picture's file; `image` is loaded and not yet turned upright.

    EXIF data is copied byte for byte; a TIFF is one EXIF block with the pixels in it, so its block
    is built anew.
    """
    notes = []
    exif = image.info.get("exif") or _raw_profile(image, "exif")
    xmp = image.info.get("xmp") or _raw_profile(image, "xmp")
    if exif is None and image.format == "TIFF":
        try:
            exif = _exif_of_tiff(image)
        except Exception:  # writers of hostile values raise anything
            notes.append(_left_out("EXIF data", "is damaged"))
    found: list[bytes | None] = []
    for name, data in (("EXIF data", exif), ("XMP", xmp)):
        if isinstance(data, bytes) and len(data) > MAX_METADATA_BYTES:
            notes.append(_left_out(name, f"is larger than {MAX_METADATA_BYTES // 2**20} MiB"))
        is_kept = isinstance(data, bytes) and 0 < len(data) <= MAX_METADATA_BYTES
        found.append(data if is_kept else None)
    exif, xmp = found
    return Metadata(None if exif is None else exif.removeprefix(_EXIF_PREFIX), xmp, tuple(notes))


def add_metadata(
    data: bytes | memoryview,
    suffix: str,
    source: Metadata,
    size: tuple[int, int],
    settings: ConvertSettings,
) -> tuple[bytes, list[str]]:
    """Insert the metadata of a result into its file.

    Args:
        data: the encoded result.
        suffix: .png, .jpg or .webp.
        source: metadata of the picture.
        size: height and width of the result [pixels].
        settings: whether that is kept, and the result marked.

    Returns:
        The file, and remarks on what was left out.
    """
    if settings.metadata == "strip":
        source = Metadata()
    notes = list(source.notes)
    exif = _exif(source.exif, size, suffix, notes)
    xmp = _xmp(source.xmp, suffix, notes, mark=settings.mark)
    return insert_metadata(data, suffix, exif, xmp), notes


def _exif(
    block: bytes | None, size: tuple[int, int], suffix: str, notes: list[str]
) -> bytes | None:
    if block is None:
        return None
    try:
        exif = edit_exif(block, size)
    except (ValueError, struct.error):
        notes.append(_left_out("EXIF data", "is damaged"))
        return None
    if suffix == ".jpg" and not fits_into_jpeg(exif=exif):
        notes.append(_left_out("EXIF data", "does not fit into a JPEG"))
        return None
    return exif


def _xmp(packet: bytes | None, suffix: str, notes: list[str], *, mark: bool) -> bytes | None:
    if packet is not None:
        try:
            xmp = edit_xmp(packet, mark=mark)
        except ValueError:
            notes.append(_left_out("XMP", "is damaged"))
        else:
            if suffix != ".jpg" or fits_into_jpeg(xmp=xmp):
                return xmp
            notes.append(_left_out("XMP", "does not fit into a JPEG"))
    return new_xmp() if mark else None


def _raw_profile(image: Image.Image, name: str) -> bytes | None:
    """Return metadata that ImageMagick writes as text: a name, a length, hexadecimal digits."""
    text = image.info.get(f"Raw profile type {name}")
    try:
        return bytes.fromhex("".join(text.split("\n")[3:])) if isinstance(text, str) else None
    except ValueError:
        return None


def _left_out(name: str, why: str) -> str:
    return f"its {name} {why} and is left out"


def _exif_of_tiff(image: Image.Image) -> bytes | None:
    source, exif = image.getexif(), Image.Exif()
    exif.endian = source.endian
    for tag in _TIFF_TAGS:
        if tag in source:
            exif[tag] = source[tag]
    for tag in _TIFF_DIRECTORIES:
        if directory := source.get_ifd(tag):
            exif[tag] = directory
    return exif.tobytes() if len(exif) else None
