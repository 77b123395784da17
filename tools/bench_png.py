"""Compare ways to write PNG files: milliseconds and bytes for a picture, in turn.

python tools/bench_png.py out/anime PHOTOS --sizes 256,512

Where the package `deflate` is installed, libdeflate takes part, with rows filtered by NumPy.
"""

import argparse
import importlib.util
import io
import statistics
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pmsgan.batch.pictures.encode import png_options
from pmsgan.data.picture_file import PictureFile

Pixels = NDArray[np.uint8]
Encoder = Callable[[Pixels], bytes]


def opencv(level: int, *options: int) -> Encoder:
    """Return OpenCV's encoder with zlib's level and further options."""
    parameters = [cv2.IMWRITE_PNG_COMPRESSION, level, *options]
    return lambda pixels: bytes(cv2.imencode(".png", pixels, parameters)[1])


def pillow(level: int) -> Encoder:
    """Return Pillow's encoder."""

    def encode(pixels: Pixels) -> bytes:
        file = io.BytesIO()
        image = Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB))
        image.save(file, "PNG", compress_level=level)
        return file.getvalue()

    return encode


def libdeflate(level: int) -> Encoder:
    """Return an encoder that lets libdeflate compress rows of the filter Up."""
    import deflate

    def encode(pixels: Pixels) -> bytes:
        height, width = pixels.shape[:2]
        rows = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB).reshape(height, -1)
        filtered = np.empty((height, rows.shape[1] + 1), np.uint8)
        filtered[:, 0], filtered[0, 1:] = 2, rows[0]
        np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
        header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
        data = bytes(deflate.zlib_compress(filtered.tobytes(), level))
        chunks = ((b"IHDR", header), (b"IDAT", data), (b"IEND", b""))
        return b"\x89PNG\r\n\x1a\n" + b"".join(
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
            for kind, body in chunks
        )

    return encode


def encoders() -> Iterator[tuple[str, Encoder]]:
    """Return all that can be compared here, by name; the first is OpenCV's own choice."""
    rle = (cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE)
    up = (cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_UP)
    yield "OpenCV, level 1, all filters", opencv(1)
    yield "OpenCV, level 1, Up", opencv(1, *up)
    for level in (1, 2, 4, 6, 9):
        yield f"pmsgan, --png-level {level}", opencv(0, *png_options(level))
    yield "OpenCV, RLE, Sub", opencv(1, *rle, cv2.IMWRITE_PNG_FILTER, cv2.IMWRITE_PNG_FILTER_SUB)
    yield "Pillow, level 1", pillow(1)
    if importlib.util.find_spec("deflate"):
        yield "libdeflate, level 1, Up", libdeflate(1)


def measure(pictures: list[Pixels], rounds: int) -> Iterator[str]:
    """Return a line for each encoder: name, median milliseconds, mean kilobytes."""
    known = dict(encoders())
    seconds: dict[str, list[float]] = {name: [] for name in known}
    num_bytes = dict.fromkeys(known, 0)
    for number in range(rounds):
        for pixels in pictures:
            for name, encode in known.items():
                started = time.perf_counter()
                data = encode(pixels)
                seconds[name].append(time.perf_counter() - started)
                if number == 0:
                    num_bytes[name] += len(data)
                    shown = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
                    assert np.array_equal(shown, pixels), name
    for name, samples in seconds.items():
        milliseconds = 1000 * statistics.median(samples)
        yield f"{name:28} {milliseconds:7.2f} ms {num_bytes[name] / len(pictures) / 1000:7.1f} kB"


def main() -> None:
    """Read pictures, and print a table for each folder and size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="pictures to write again")
    parser.add_argument("--sizes", default="256,512", help="height and width [pixels]")
    parser.add_argument("--rounds", type=int, default=5, help="how often each is written")
    parser.add_argument("--count", type=int, default=28, help="pictures of each folder")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)  # as in a run
    for folder in arguments.folders:
        files = sorted(it for it in folder.iterdir() if it.suffix in (".jpg", ".png"))
        read = [PictureFile(it).read() for it in files[: arguments.count]]
        for size in (int(it) for it in arguments.sizes.split(",")):
            print(f"{folder.name}, {size}x{size}, {len(read)} pictures")
            pictures = [
                np.asarray(cv2.resize(it, (size, size), interpolation=cv2.INTER_AREA), np.uint8)
                for it in read
            ]
            print("\n".join(measure(pictures, arguments.rounds)))


if __name__ == "__main__":
    main()
