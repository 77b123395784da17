"""Recognise the kind of a picture by its first bytes; light to import."""

from pmsgan.formats import PICTURE_SUFFIXES

HEAD_BYTES = 64
"""How many of a file's first bytes `kind_of` looks at."""

KINDS = {
    "JPEG": ".jpg", "PNG": ".png", "WebP": ".webp", "AVIF": ".avif", "GIF": ".gif",
    "JPEG 2000": ".jp2", "HEIC": ".heic", "BMP": ".bmp", "TIFF": ".tif",
}  # fmt: skip
"""The kinds that are read, HEIC where its library is installed, and a suffix of each."""

_READ = [kind for kind, suffix in KINDS.items() if suffix in PICTURE_SUFFIXES]
NOT_A_PICTURE = f"is not in a supported format ({', '.join(_READ[:-1])} or {_READ[-1]})"
"""Names the kinds that can be read here: HEIC only with its library."""

_FIRST_BYTES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"II*\0\x10\0\0\0CR", "a raw photograph (CR2)"),
    *((start, "TIFF") for start in (b"II*\0", b"MM\0*", b"MM*\0", b"II\0*", b"II+\0", b"MM\0+")),
    (b"\xff\x0a", "JPEG XL"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"8BPS\x00\x01", "Photoshop"),
    (b"8BPS\x00\x02", "Photoshop"),
    (b"v/1\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
)
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1"}
_BMP_HEADERS = (12, 40, 52, 56, 64, 108, 124)


def kind_of(head: bytes) -> str | None:
    """Return the kind of a picture, even an unsupported one; None if it is not a picture.

    Args:
        head: the first `HEAD_BYTES` of the file, or all of it.
    """
    if len(head) < 12:
        return None
    for start, kind in _FIRST_BYTES:
        if head.startswith(start):
            return kind
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "WebP"
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADERS:
        return "BMP"
    return _kind_of_boxes(head) if head[4:8] == b"ftyp" else None


def _kind_of_boxes(head: bytes) -> str | None:
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = {head[8:12]} | {head[at : at + 4] for at in range(16, end - 3, 4)}
    if brands & {b"avif", b"avis"}:
        return "AVIF"
    if head[8:12] == b"crx ":
        return "a raw photograph (CR3)"
    return "HEIC" if brands & _HEIF_BRANDS else None
