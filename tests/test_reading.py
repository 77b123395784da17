"""All that reads pictures sees what `pmsgan convert` sees, and refuses what it refuses."""

import base64
import os
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pictures
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms

from pmsgan.batch.pictures.load import load
from pmsgan.batch.settings import ConvertSettings
from pmsgan.data.config import LinesConfig
from pmsgan.data.pairs import Pair, find_pairs
from pmsgan.data.picture_file import PictureFile
from pmsgan.data.prepare import prepare_lines, prepare_pairs
from pmsgan.data.stream import PairStream
from pmsgan.errors import DataError
from pmsgan.evaluation.metrics import read_rgb
from pmsgan.evaluation.pair_folders import write_pair_folders
from pmsgan.evaluation.study import make_study
from pmsgan.training.style import _inputs

SIDE = 48
Pixels = NDArray[np.uint8]
Reader = Callable[[Path, Path], Pixels]
"""Reads the only picture of a folder, IN/a/x.png, as uint8 [SIDE, SIDE, 3] BGR; the second folder
is to write to."""


def odd_photograph(**changes: object) -> bytes:
    """A square PNG with transparency, a colour profile, and an orientation."""
    image = Image.fromarray(pictures.photo(SIDE, SIDE))
    image.putalpha(Image.fromarray(pictures.photo(SIDE, SIDE, seed=1)[:, :, 0]))
    exif = Image.Exif()
    exif[0x0112] = 6
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    options = {"exif": exif, "icc_profile": pictures.swapped_profile(srgb)} | changes
    return pictures.encoded(image, "PNG", **options)


def written(path: Path) -> Pixels:
    image = cv2.imread(str(path))
    assert image is not None
    return image.astype(np.uint8, copy=False)


def only_pair(folder: Path) -> list[Pair]:
    picture = PictureFile(folder / "a" / "x.png")
    return [Pair("x", picture, picture)]


def streamed(folder: Path, out: Path) -> Pixels:
    return PairStream(only_pair(folder), size=SIDE, crop=SIDE, flip=False, seed=0)[0][0]


def prepared(folder: Path, out: Path) -> Pixels:
    (done,) = prepare_lines(folder / "a", out, LinesConfig())
    if done.failure is not None:
        raise DataError(done.failure)
    return written(out / "picture" / "x.png")


def joined(folder: Path, out: Path) -> Pixels:
    (folder / "b").symlink_to(folder / "a")
    (done,) = prepare_pairs(folder, out, "a:b")
    if done.failure is not None:
        raise DataError(done.failure)
    return written(out / "x.png")[:, :SIDE]


def evaluated(folder: Path, out: Path) -> Pixels:
    out.mkdir()
    return written(write_pair_folders(only_pair(folder), out, (SIDE, SIDE)).truth / "x.png")


def measured(folder: Path, out: Path) -> Pixels:
    return read_rgb(folder / "a" / "x.png")[..., ::-1]


READERS: tuple[Reader, ...] = (streamed, prepared, joined, evaluated, measured)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in" / "a").mkdir(parents=True)
    return tmp_path / "in"


def seen_by_convert(data: bytes) -> Pixels:
    row = np.empty((SIDE, SIDE, 3), np.uint8)
    load(data, (SIDE, SIDE), ConvertSettings()).fill(row)
    return row


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
def test_profile_transparency_and_orientation_count_everywhere(
    folder: Path, tmp_path: Path, read: Reader
) -> None:
    data = odd_photograph()
    (folder / "a" / "x.png").write_bytes(data)
    expected = seen_by_convert(data)
    for left_out in ({"exif": Image.Exif()}, {"icc_profile": None}):
        assert (seen_by_convert(odd_photograph(**left_out)) != expected).any()
    np.testing.assert_array_equal(read(folder, tmp_path / "out"), expected)


def pipe(path: Path) -> None:
    os.mkfifo(path)


def zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


def bomb(path: Path) -> None:
    """Write a true PNG of 32000x32000 black pixels in 124 kB."""
    header = struct.pack(">IIBBBBB", 32_000, 32_000, 1, 0, 0, 0, 0)
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(4001 * 320)) for _ in range(100)) + packer.flush()
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + b"".join(pictures.png_chunk(*chunk) for chunk in chunks)
    )
    assert path.stat().st_size < 130_000


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (pipe, "is not a file"),
        (zero, "is not a file"),
        (bomb, "is too large: it has 32000x32000 pixels, and at most 89 million are decoded"),
    ],
)
@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__)
def test_what_would_hang_or_fill_memory_is_refused_everywhere(
    folder: Path, tmp_path: Path, read: Reader, make: Callable[[Path], None], reason: str
) -> None:
    make(folder / "a" / "x.png")
    with pytest.raises(DataError, match=re.escape(f"x.png {reason}; replace it or remove it")):
        read(folder, tmp_path / "out")


def test_a_questionnaire_shows_what_convert_sees(folder: Path) -> None:
    data = odd_photograph()
    (folder / "a" / "x.png").write_bytes(data)
    page = make_study({"ours": folder / "a"}, folder / "a", folder / "a", num_questions=1)
    shown = re.findall(r"data:image/jpeg;base64,([^\"]+)", page)
    assert len(shown) == 3
    for jpeg in shown:
        image = cv2.imdecode(np.frombuffer(base64.b64decode(jpeg), np.uint8), cv2.IMREAD_COLOR)
        assert image is not None
        assert np.abs(image.astype(int) - seen_by_convert(data)).mean() < 8


def test_looks_are_measured_on_what_convert_sees(folder: Path) -> None:
    data = odd_photograph()
    (folder / "a" / "x.png").write_bytes(data)
    (found,) = _inputs(only_pair(folder), SIDE)
    np.testing.assert_array_equal(found, seen_by_convert(data))


def test_all_formats_that_are_converted_make_pairs(folder: Path) -> None:
    (folder / "b").mkdir()
    kinds = ("GIF", "AVIF", "JPEG2000")
    for kind in kinds:
        for side in ("a", "b"):
            path = folder / side / f"{kind}{pictures.SUFFIXES[kind]}"
            path.write_bytes(pictures.encoded(pictures.UPRIGHT, kind))
    pairs = find_pairs(folder, "a:b")
    assert [pair.name for pair in pairs] == sorted(kinds)
    assert all(pictures.upright(pair.target.read()) for pair in pairs)
