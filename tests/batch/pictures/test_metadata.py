import contextlib
import io
import json
import shutil
import struct
import subprocess
import time
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import photograph
import pictures
import pytest
from PIL import Image, PngImagePlugin

from pmsgan.batch.pictures.decode import decode, quiet_decoders
from pmsgan.batch.pictures.encode import encode
from pmsgan.batch.pictures.exif import edit_exif
from pmsgan.batch.pictures.load import LoadedPicture, load
from pmsgan.batch.pictures.metadata import MAX_METADATA_BYTES
from pmsgan.batch.pictures.xmp import DIGITAL_SOURCE_TYPE, edit_xmp, new_xmp
from pmsgan.batch.settings import ConvertSettings

STYLE_SIZE = (48, 32)
SUFFIXES = [".jpg", ".png", ".webp"]
KEEP = ConvertSettings(output_size="style")
STRIP, UNMARKED = replace(KEEP, metadata="strip"), replace(KEEP, mark=False)


def converted(
    data: bytes, suffix: str = ".png", settings: ConvertSettings = KEEP
) -> tuple[bytes, LoadedPicture]:
    """Return the result of an engine that copies, and the picture."""
    picture = load(data, STYLE_SIZE, settings)
    row = np.zeros((*STYLE_SIZE, 3), np.uint8)
    picture.fill(row)
    return encode(picture.add(row, row), picture, suffix, settings), picture


def shown(data: bytes) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)


def carried(data: bytes) -> tuple[bytes | None, bytes | None]:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        exif = image.info.get("exif")
        return exif and exif.removeprefix(b"Exif\0\0"), image.info.get("xmp")


def exiftool(data: bytes, suffix: str, path: Path) -> dict[str, Any]:
    if shutil.which("exiftool") is None:
        pytest.skip("exiftool is not installed")
    file = path / f"result{suffix}"
    file.write_bytes(data)
    command = ["exiftool", "-json", "-G1", "-n", "-a", file]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    return dict(found[0])


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("alpha", [False, True])
def test_a_result_carries_what_its_photograph_does(
    tmp_path: Path, suffix: str, alpha: bool
) -> None:
    data, picture = converted(photograph.photograph("PNG", alpha=alpha), suffix)
    found = exiftool(data, suffix, tmp_path)
    assert picture.note is None
    assert "ExifTool:Warning" not in found
    assert (found["File:ImageWidth" if suffix == ".jpg" else _GROUPS[suffix]]) == 32
    # Nobody turns it again, and each size in it is its own.
    assert found["IFD0:Orientation"] == 1
    assert (found["IFD0:ImageWidth"], found["IFD0:ImageHeight"]) == (32, 48)
    assert (found["ExifIFD:ExifImageWidth"], found["ExifIFD:ExifImageHeight"]) == (32, 48)
    assert found["InteropIFD:RelatedImageWidth"] == 32
    # It is sRGB, whatever its source was.
    assert found["ExifIFD:ColorSpace"] == 1
    assert found["InteropIFD:InteropIndex"] == "R98"
    assert found.get("PNG:SRGBRendering", 0 if suffix == ".png" else None) == (
        0 if suffix == ".png" else None
    )
    # The thumbnail showed the source.
    assert not [name for name in found if name.startswith("IFD1:") or "Thumbnail" in name]
    # The rest is as it was.
    assert found["IFD0:Model"] == "Canon EOS 5D"
    assert found["ExifIFD:DateTimeOriginal"] == "2019:07:14 18:03:55"
    assert found["GPS:GPSLatitude"] == pytest.approx(48 + 51 / 60 + 30 / 3600)
    assert found["Canon:CanonImageType"] == "Canon EOS 5D with 50 mm"
    assert found["XMP-xmp:Rating"] == 4
    assert found["XMP-dc:Title"] == "Grüße"
    assert found["XMP-rdf:About"] == "uuid:1 & 2"
    assert not [it for it in found if it.startswith("XMP-tiff:") or it.startswith("XMP-exif:")]
    assert found["XMP-iptcExt:DigitalSourceType"] == DIGITAL_SOURCE_TYPE


_GROUPS = {".png": "PNG:ImageWidth", ".webp": "RIFF:ImageWidth"}


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("alpha", [False, True])
def test_a_result_without_metadata_is_marked_alone(
    tmp_path: Path, suffix: str, alpha: bool
) -> None:
    image = pictures.photo(40, 60)
    if alpha:
        image = np.dstack([image, image[:, :, 0]])
    for data in (
        converted(pictures.encoded(image, "PNG"), suffix)[0],
        converted(photograph.photograph("PNG", alpha=alpha), suffix, STRIP)[0],
    ):
        assert carried(data) == (None, new_xmp())
        found = exiftool(data, suffix, tmp_path)
        assert "ExifTool:Warning" not in found
        assert found["XMP-iptcExt:DigitalSourceType"] == DIGITAL_SOURCE_TYPE
        assert not [name for name in found if name.startswith(("IFD0:", "GPS:", "XMP-xmp:"))]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_nothing_is_marked_without_mark(suffix: str) -> None:
    data, _ = converted(photograph.photograph("JPEG"), suffix, UNMARKED)
    xmp = carried(data)[1]
    assert xmp is not None
    assert b"Rating" in xmp
    assert b"DigitalSourceType" not in xmp
    plain = pictures.encoded(pictures.photo(), "PNG")
    assert carried(converted(plain, suffix, UNMARKED)[0]) == (None, None)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("alpha", [False, True])
def test_metadata_changes_no_pixel(suffix: str, alpha: bool) -> None:
    source = photograph.photograph("PNG", alpha=alpha)
    bare = converted(source, suffix, replace(STRIP, mark=False))[0]
    full = converted(source, suffix)[0]
    assert len(full) > len(bare) + 500
    np.testing.assert_array_equal(shown(full), shown(bare))
    again = decode(full)
    assert again.full_size == STYLE_SIZE
    assert (again.alpha is not None) == (alpha and suffix != ".jpg")
    assert converted(source, suffix)[0] == full


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_each_format_is_read(kind: str) -> None:
    exif, xmp = carried(converted(photograph.photograph(kind))[0])
    assert exif == edit_exif(photograph.exif_block(), STYLE_SIZE)
    assert xmp == edit_xmp(photograph.xmp_packet(), mark=True)


def test_what_imagemagick_writes_into_a_png_is_read() -> None:
    exif, xmp = b"Exif\0\0" + photograph.exif_block(), photograph.xmp_packet()
    texts = PngImagePlugin.PngInfo()
    for name, data in (("exif", exif), ("xmp", xmp)):
        digits = "\n".join(data.hex()[at : at + 72] for at in range(0, 2 * len(data), 72))
        texts.add_text(f"Raw profile type {name}", f"\n{name}\n{len(data):8}\n{digits}\n", zip=True)
    data, picture = converted(pictures.encoded(pictures.photo(40, 60), "PNG", pnginfo=texts))
    assert carried(data) == (
        edit_exif(photograph.exif_block(), STYLE_SIZE), edit_xmp(xmp, mark=True),
    )  # fmt: skip
    assert picture.note is None


def test_a_tiff_s_own_directory_is_read(tmp_path: Path) -> None:
    info = Image.Exif()
    info[0x010F], info[0x0112], info[0x8769] = "Canon", 6, {0x927C: b"maker", 0xA002: 60}
    source = pictures.encoded(pictures.photo(40, 60), "TIFF", exif=info.tobytes())
    data, picture = converted(source)
    assert picture.note is None
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        exif = image.getexif()
        assert exif[0x010F] == "Canon"
        assert exif.get(0x0112, 1) == 1
        assert exif.get_ifd(0x8769)[0x927C] == b"maker"
        assert exif.get_ifd(0x8769)[0xA002] == 32
        assert 0x0111 not in exif  # where the pixels of the TIFF were


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_data_is_edited_where_it_is(order: str) -> None:
    before = photograph.exif_block(order, maker_note_bytes=300)
    after = edit_exif(before, (48, 32))
    assert len(after) < len(before) - len(photograph.THUMBNAIL)
    assert before.endswith(photograph.THUMBNAIL)
    assert photograph.THUMBNAIL[:50] not in after
    start = before.index(photograph.CAMERA_TEXT) - 18
    end = start + 18 + len(photograph.CAMERA_TEXT) + 300
    assert after[start:end] == before[start:end]
    assert sum(one != other for one, other in zip(before, after, strict=False)) < 40


def test_a_thumbnail_in_the_middle_is_erased() -> None:
    block = bytearray(photograph.exif_block())
    maker_data = b"more of the maker's" * 3
    after = edit_exif(bytes(block) + maker_data, (48, 32))
    assert len(after) == len(block) + len(maker_data)
    assert after.endswith(maker_data)
    assert photograph.THUMBNAIL[:20] not in after
    assert photograph.THUMBNAIL[-20:] not in after


def test_what_a_thumbnail_claims_of_other_data_stays() -> None:
    before = bytearray(photograph.exif_block())
    where = before.index(struct.pack(">HHI", 0x0201, 4, 1)) + 8
    struct.pack_into(">I", before, where, 0)
    struct.pack_into(">I", before, where + 12, len(before))
    after = edit_exif(bytes(before), (48, 32))
    assert after[:8] == before[:8]
    assert photograph.CAMERA_TEXT in after
    assert photograph.LATITUDE in after


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_does_not_fit_is_left_out_with_a_note(suffix: str) -> None:
    large = photograph.exif_block(maker_note_bytes=66_000)
    blank = b"<!--" + bytes(b"a" * 66_000) + b"--></rdf:RDF>"
    xmp = photograph.xmp_packet().replace(b"</rdf:RDF>", blank)
    source = photograph.photograph("PNG", exif=b"Exif\0\0" + large, xmp=xmp)
    data, picture = converted(source, suffix)
    if suffix == ".jpg":
        assert carried(data) == (None, new_xmp())
        assert picture.note == (
            "its EXIF data does not fit into a JPEG and is left out; "
            "its XMP does not fit into a JPEG and is left out"
        )
    else:
        assert carried(data) == (edit_exif(large, STYLE_SIZE), edit_xmp(xmp, mark=True))
        assert picture.note is None


def test_more_than_a_mebibyte_is_left_out_with_a_note() -> None:
    large = photograph.exif_block(maker_note_bytes=MAX_METADATA_BYTES)
    data, picture = converted(photograph.photograph("PNG", exif=b"Exif\0\0" + large))
    assert carried(data)[0] is None
    assert picture.note == "its EXIF data is larger than 1 MiB and is left out"
    _, picture = converted(photograph.photograph("PNG", exif=b"Exif\0\0" + large), ".png", STRIP)
    assert picture.note is None


@pytest.mark.parametrize(
    "xmp",
    [
        b"no XMP",
        b"<a/>",
        b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"/>',
        b"<!DOCTYPE a [<!ENTITY b 'bb'>]><a>&b;</a>",
        photograph.xmp_packet()[:700],
        photograph.xmp_packet().decode().encode("utf-16"),
        photograph.xmp_packet().replace("ü".encode(), b"\xff"),
    ],
)
def test_damaged_xmp_is_left_out_with_a_note(xmp: bytes) -> None:
    source = photograph.photograph("WEBP", xmp=xmp)
    data, picture = converted(source)
    assert carried(data)[1] == new_xmp()
    assert picture.note == "its XMP is damaged and is left out"


def test_xmp_keeps_its_text_but_for_what_is_untrue() -> None:
    edited = edit_xmp(photograph.xmp_packet(), mark=True).decode()
    assert edited == (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        ' <rdf:Description rdf:about="uuid:1 &amp; 2" xmlns:t="http://ns.adobe.com/tiff/1.0/"\n'
        '   xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:e="http://ns.adobe.com/exif/1.0/"\n'
        '   xmlns:ext="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"\n'
        '   xmlns:dc="http://purl.org/dc/elements/1.1/"\n'
        "   xmp:Rating='4'\n"
        '   xmp:Label="a > b, t:Orientation=&quot;7&quot;">\n'
        "  \n  \n  \n"
        '  <dc:title><rdf:Alt><rdf:li xml:lang="x-default">Grüße</rdf:li></rdf:Alt></dc:title>\n'
        " </rdf:Description>\n"
        '<rdf:Description xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"'
        ' rdf:about="uuid:1 &amp; 2" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        f' Iptc4xmpExt:DigitalSourceType="{DIGITAL_SOURCE_TYPE}"/></rdf:RDF></x:xmpmeta>\n'
        '<?xpacket end="w"?>'
    )
    assert edit_xmp(edited.encode(), mark=True).count(b"DigitalSourceType=") == 1


def test_hostile_xmp_fails_no_picture() -> None:
    rng = np.random.default_rng(0)
    good = np.frombuffer(photograph.xmp_packet()[:1500] + photograph.xmp_packet()[-30:], np.uint8)
    for number in range(500):
        packet = good.copy()
        where = rng.integers(0, len(packet), 1 + number % 4)
        packet[where] = rng.choice(np.frombuffer(b"<>\"'/=: &;abt6", np.uint8), len(where))
        with contextlib.suppress(ValueError):
            edited = edit_xmp(packet.tobytes(), mark=True)
            assert DIGITAL_SOURCE_TYPE.encode() in edit_xmp(edited, mark=True)


def test_hostile_exif_data_fails_no_picture() -> None:
    rng = np.random.default_rng(0)
    good = np.frombuffer(photograph.exif_block(), np.uint8)
    for number in range(500):
        block = good.copy()
        where = rng.integers(0, len(block) if number % 2 else 150, 1 + number % 6)
        block[where] = rng.integers(0, 256, len(where))
        cut = block[: rng.integers(1, len(block))] if number % 5 == 0 else block
        try:
            edited = edit_exif(cut.tobytes(), (48, 32))
        except ValueError:
            continue
        assert len(edited) <= len(cut)
    damaged = photograph.photograph("JPEG", exif=b"Exif\0\0MM\0*\xff\xff\xff\xff")
    with quiet_decoders():
        data, picture = converted(damaged)
    assert carried(data)[0] is None
    assert picture.note is not None
    assert "its EXIF data is damaged" in picture.note


def test_hostile_metadata_takes_no_long_time() -> None:
    started = time.process_time()
    count = 65_535
    pointers = struct.pack(">HHII", 0x8769, 4, 1, 8) * count  # each leads to the same directory
    values = struct.pack(">HHII", 0x927C, 7, 2**31, 8) * count
    for number in (count, 1000):
        for table in (pointers, values):
            header = b"MM\0*\0\0\0\x08" + struct.pack(">H", number)
            with contextlib.suppress(ValueError):
                edit_exif(header + table[: 12 * number] + b"\0\0\0\x08" + table, (9, 9))
    blank = b" " * 900_000
    for packet in (
        photograph.xmp_packet().replace(b't:Orientation="6"', b't:Orientation="6"' + blank),
        photograph.xmp_packet().replace(b'quot;">', b'quot;"' + blank + b">"),
        photograph.xmp_packet().replace(
            b"</rdf:RDF>", b"<a>" * 60_000 + b"</a>" * 60_000 + b"</rdf:RDF>"
        ),
    ):
        edit_xmp(packet, mark=True)
    assert time.process_time() - started < 60  # minutes, if work grew with the square


def test_png_is_srgb_before_its_pixels() -> None:
    data, _ = converted(pictures.encoded(pictures.photo(), "PNG"), ".png", STRIP)
    header = 8 + 12 + 13
    chunk = struct.pack(">I", 1) + b"sRGB\0"
    assert data[header : header + 13] == chunk + struct.pack(">I", zlib.crc32(b"sRGB\0"))


def test_a_lossless_webp_is_extended() -> None:
    from pmsgan.batch.pictures.containers import insert_metadata

    image = np.dstack([pictures.photo(40, 61), pictures.photo(40, 61)[:, :, 0]])
    for pixels in (image, image[:, :, :3]):
        data = pictures.encoded(pixels, "WEBP", lossless=True)
        full = insert_metadata(data, ".webp", photograph.exif_block() + b"1", new_xmp())
        np.testing.assert_array_equal(shown(full), shown(data))
        with Image.open(io.BytesIO(full)) as found:
            assert found.size == (61, 40)
            assert found.mode == ("RGBA" if pixels is image else "RGB")
