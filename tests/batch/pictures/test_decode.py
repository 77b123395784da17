import re
import resource
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pictures
import pytest
from PIL import Image

from pmsgan.batch.files.local import read_file
from pmsgan.batch.pictures.colour import to_srgb
from pmsgan.batch.pictures.decode import count_pixels, decode, quiet_decoders
from pmsgan.batch.pictures.opened import PROFILE_IGNORED
from pmsgan.errors import ImageError

CASES = pictures.cases()
UPRIGHT_SIZE = pictures.UPRIGHT.shape[:2]


def test_there_are_many_cases_and_each_has_a_name_of_its_own() -> None:
    assert len(CASES) >= 120
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.parametrize("case", CASES, ids=lambda case: ascii(case.name)[:40])
def test_each_kind_of_picture_has_its_rule(case: pictures.Case, tmp_path: Path) -> None:
    path = tmp_path / case.name
    path.write_bytes(case.data)
    with quiet_decoders():
        if case.failure is not None:
            with pytest.raises(ImageError, match=re.escape(case.failure)):
                decode(read_file(path)[0])
            return
        picture = decode(read_file(path)[0])
        assert count_pixels(case.data) == picture.full_size[0] * picture.full_size[1]
        note = picture.note or ""
        if picture.profile is not None and not to_srgb(picture.pixels, picture.profile):
            note += PROFILE_IGNORED
    assert case.check(picture.pixels)
    assert (case.note or "") in note
    assert bool(case.note) == bool(note)


def test_a_profile_changes_the_colours() -> None:
    (case,) = (case for case in CASES if case.name == "swapped.png")
    picture = decode(case.data)
    assert picture.profile is not None
    assert to_srgb(picture.pixels, picture.profile)
    assert pictures.near((30, 30, 200), 12)(picture.pixels)


def test_transparency_is_kept_beside_the_pixels() -> None:
    image = np.zeros((6, 8, 4), np.uint8)
    image[:, 4:] = (10, 20, 30, 255)
    picture = decode(pictures.encoded(image, "PNG"))
    assert picture.alpha is not None
    assert (picture.alpha == image[:, :, 3]).all()
    assert (picture.pixels[:, :4] == 255).all()
    assert (picture.pixels[:, 4:] == (30, 20, 10)).all()


@pytest.mark.parametrize("orientation", [1, 6])
def test_a_large_jpeg_is_decoded_smaller_and_looks_the_same(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = pictures.encoded(pictures.photo(1200, 1600), "JPEG", exif=exif)
    whole, smaller = decode(data), decode(data, wanted=(100, 100))
    assert smaller.full_size == whole.full_size == whole.pixels.shape[:2]
    height, width = smaller.pixels.shape[:2]
    assert (height, width) == ((300, 400) if orientation == 1 else (400, 300))
    shrunk = whole.pixels.reshape(height, 4, width, 4, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - smaller.pixels).mean() < 2


def test_a_phone_s_picture_keeps_its_size_when_it_is_decoded_smaller() -> None:
    photo = Image.fromarray(pictures.photo(600, 800))
    data = pictures.encoded(photo, "MPO", save_all=True, append_images=[photo.resize((80, 60))])
    picture = decode(data, wanted=(64, 64))
    assert picture.pixels.shape == (150, 200, 3)
    assert picture.full_size == (600, 800)
    assert picture.note is None


def test_a_very_large_jpeg_is_decoded_where_it_becomes_smaller() -> None:
    data = pictures.encoded(Image.new("L", (12_000, 9_000), 120), "JPEG")
    with quiet_decoders():
        picture = decode(data, wanted=(256, 256))
        assert picture.full_size == (9_000, 12_000)
        assert picture.pixels.shape == (1125, 1500, 3)
        assert pictures.near((120,) * 3)(picture.pixels)
        with pytest.raises(ImageError, match="at most 89 million are decoded"):
            decode(data)
        # Its coefficients would be kept as a whole.
        progressive = data.replace(b"\xff\xc0", b"\xff\xc2", 1)
        with pytest.raises(ImageError, match="at most 89 million are decoded"):
            decode(progressive, wanted=(256, 256))
        at = data.index(b"\xff\xc0") + 5
        huge = data[:at] + struct.pack(">HH", 21_000, 20_000) + data[at + 4 :]
        with pytest.raises(ImageError, match="at most 400 million are decoded"):
            decode(huge, wanted=(256, 256))


@pytest.mark.parametrize("has_library", [True, False])
def test_heic_is_a_supported_format_only_with_its_library(has_library: bool) -> None:
    code = (
        "import sys, importlib.util as util\n"
        "real = util.find_spec\n"
        f"util.find_spec = lambda name: {has_library} if name == 'pillow_heif' else real(name)\n"
        "from pmsgan.batch.pictures.kinds import NOT_A_PICTURE\n"
        "print(NOT_A_PICTURE)"
    )
    said = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert ("HEIC" in said) == has_library
    assert said.endswith("BMP or TIFF)\n")


def test_a_heic_says_what_it_takes_where_its_library_is_absent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(
        ImageError, match="is a HEIC file, which needs a library: pip install pillow-heif"
    ):
        decode(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic")


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_turns_nothing(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = decode(pictures.encoded(pictures.UPRIGHT, "JPEG", exif=exif, quality=95))
    assert picture.full_size == UPRIGHT_SIZE
    assert pictures.upright(picture.pixels)


@pytest.mark.parametrize("kind", ["8 bits", "16 bits"])
def test_grey_keeps_its_transparency_and_its_profile(kind: str) -> None:
    grey = np.full((4, 6), 120, np.uint8 if kind == "8 bits" else np.uint16)
    grey[:, :3] = 7
    with_profile = grey_profile()
    for options in ({}, {"icc_profile": with_profile}):
        picture = decode(pictures.encoded(grey, "PNG", transparency=7, **options))
        assert picture.alpha is not None
        assert (picture.alpha[:, :3] == 0).all()
        assert (picture.alpha[:, 3:] == 255).all()
        assert picture.profile is None
        assert picture.note is None


def grey_profile() -> bytes:
    """Make a profile of grey with a gamma of 1.0 from one of sRGB."""
    tags = {
        b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">3i", 63190, 65536, 54061),
        b"kTRC": b"curv\0\0\0\0" + struct.pack(">I", 0),
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 5) + b"grey\0" + bytes(79),
        b"cprt": b"text\0\0\0\0none\0\0\0\0",
    }
    offset = 128 + 4 + 12 * len(tags)
    table, body = struct.pack(">I", len(tags)), b""
    for name, data in tags.items():
        table += name + struct.pack(">2I", offset + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    size = offset + len(body)
    header = struct.pack(">I", size) + bytes(4) + b"\x02\x10\0\0" + b"mntrGRAYXYZ " + bytes(12)
    header += b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return header + bytes(128 - len(header)) + table + body


def test_a_small_jpeg_is_decoded_as_it_is() -> None:
    data = pictures.encoded(pictures.photo(199, 150), "JPEG")
    assert (decode(data).pixels == decode(data, wanted=(100, 100)).pixels).all()


def damage(kind: str, count: int) -> tuple[int, float]:
    """Decode mutants; return how many could be, and the longest time that one took."""
    num_decoded, slowest = 0, 0.0
    with quiet_decoders():
        for data in pictures.mutants(kind, count):
            start = time.monotonic()
            try:
                picture = decode(data, wanted=(64, 64))
                num_decoded += 1
                if picture.profile is not None:
                    to_srgb(picture.pixels, picture.profile)
            except ImageError:
                pass
            slowest = max(slowest, time.monotonic() - start)
    return num_decoded, slowest


@pytest.mark.parametrize("kind", pictures.SUFFIXES)
def test_damaged_files_are_decoded_or_refused(kind: str) -> None:
    num_decoded, _ = damage(kind, 200)
    assert 0 < num_decoded < 200


@pytest.mark.soak
@pytest.mark.parametrize("kind", pictures.SUFFIXES)
def test_thousands_of_damaged_files_are(kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    num_decoded, slowest = damage(kind, 4000)
    grown_mib = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    with capsys.disabled():
        sys.stdout.write(
            f"\n{kind}: {num_decoded} of 4000 decoded, slowest {slowest:.3f} s, "
            f"peak memory +{grown_mib:.0f} MiB\n"
        )
    assert slowest < 5
    assert grown_mib < 1024


def test_a_damaged_tiff_writes_nothing_to_stderr(capfd: pytest.CaptureFixture[str]) -> None:
    """libtiff would write there itself, and wait for a terminal that takes nothing."""
    data = bytearray(pictures.encoded(pictures.UPRIGHT, "TIFF", compression="tiff_deflate"))
    data[8:40] = b"\xff" * 32  # where Pillow puts the first strip
    with quiet_decoders(), pytest.raises(ImageError, match="is damaged"):
        decode(bytes(data))
    assert capfd.readouterr().err == ""
