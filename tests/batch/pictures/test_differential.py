"""Pictures are as an independent decoder reads them, or are refused by name.

More than 600 files of 9 formats: depth x colours x transparency x layout x compression x byte
order x orientation. tifffile, imagecodecs and OpenCV decode independently; how samples become
what is seen on white is written a second time here.
"""

import io
import itertools
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pictures
import pytest
import tifffile
from numpy.typing import NDArray
from PIL import Image

from pmsgan.batch.pictures.decode import decode, quiet_decoders
from pmsgan.errors import ImageError

HEIGHT, WIDTH = 37, 53
"""Neither is a multiple of a tile, nor of a byte's bits."""
Array = NDArray[Any]


@dataclass(frozen=True)
class Sound:
    """A sound file, and how it looks on white to an independent decoder."""

    name: str
    data: bytes
    seen: Array
    """[h, w, 3] RGB, 0 .. 255."""
    within: float = 1.01
    """Largest difference: roundings differ."""
    may_be_refused: str | None = None
    """Part of the name that it is refused by."""


def levels(number: int, bits: int, seed: int = 0) -> Array:
    """Smooth samples [h, w, number] of so many bits, none of them alike."""
    rng = np.random.default_rng([seed, number, bits])
    coarse = rng.random((4, 5, number)).astype(np.float32)
    smooth = cv2.resize(coarse, (WIDTH, HEIGHT)).reshape(HEIGHT, WIDTH, number)
    return np.round(smooth * (2**bits - 1)).astype(np.uint16 if bits > 8 else np.uint8)


def to_8_bits(samples: Array, bits: int) -> Array:
    """The rule for depths: the high byte, or all of 0 .. 255."""
    if bits > 8:
        return (samples >> (bits - 8)).astype(float)
    return samples * (255 / (2**bits - 1))


def on_white(colours: Array, alpha: Array | None = None, *, associated: bool = False) -> Array:
    colours = np.broadcast_to(colours, (*colours.shape[:2], 3)).astype(float)
    if alpha is None:
        return colours
    alpha = alpha[:, :, None] / 255
    return (colours if associated else colours * alpha) + 255 * (1 - alpha)


def from_ink(ink: Array) -> Array:
    return (255 - ink[:, :, :3]) * (255 - ink[:, :, 3:4]) / 255


def seen_in_tiff(data: bytes) -> Array:
    """How tifffile's samples look."""
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        samples = page.asarray()
        axes, bits = page.axes, page.bitspersample
        bits = bits if isinstance(bits, int) else bits[0]
        samples = np.moveaxis(samples, axes.index("S"), -1) if "S" in axes else samples[..., None]
        extras = [int(extra) for extra in page.extrasamples]
        photometric, palette = int(page.photometric), page.colormap
        orientation = page.tags.get(274)
    number = {0: 1, 1: 1, 2: 3, 3: 1, 5: 4, 6: 3}[photometric]
    if not extras and samples.shape[2] == number + 1:
        extras = [2]
    colours = samples[:, :, :number]
    if photometric == 3:
        colours = palette.T[colours[:, :, 0]] / (257 if palette.max() > 255 else 1)
    else:
        colours = to_8_bits(colours, bits)
    colours = 255 - colours if photometric == 0 else colours
    colours = from_ink(colours) if photometric == 5 else colours
    alphas = [n for n, extra in enumerate(extras) if extra in (1, 2)]
    alpha = to_8_bits(samples[:, :, number + alphas[0]], bits) if alphas else None
    seen = on_white(colours, alpha, associated=bool(alphas) and extras[alphas[0]] == 1)
    return turned(seen, 1 if orientation is None else int(np.ravel(orientation.value)[0]))


def turned(image: Array, orientation: int) -> Array:
    """Bring a stored image upright, from the definition of the tag: where row and column 0 are."""
    if orientation >= 5:
        image = image.swapaxes(0, 1)
    bottom, right = orientation in (3, 4, 7, 8), orientation in (2, 3, 6, 7)
    return image[:: -1 if bottom else 1, :: -1 if right else 1]


COLOURS: dict[str, dict[str, Any]] = {
    "grey": {"number": 1, "photometric": "minisblack"},
    "white-is-zero": {"number": 1, "photometric": "miniswhite"},
    "grey-alpha": {"number": 2, "photometric": "minisblack", "extrasamples": [2]},
    "grey-associated": {"number": 2, "photometric": "minisblack", "extrasamples": [1]},
    "rgb": {"number": 3, "photometric": "rgb"},
    "rgb-alpha": {"number": 4, "photometric": "rgb", "extrasamples": [2]},
    "rgb-associated": {"number": 4, "photometric": "rgb", "extrasamples": [1]},
    "rgb-other": {"number": 4, "photometric": "rgb", "extrasamples": [0]},
    "ink": {"number": 4, "photometric": "separated"},
}
LAYOUTS: dict[str, dict[str, Any]] = {
    "strip": {},
    "strips": {"rowsperstrip": 5},
    "tiles": {"tile": (16, 32)},
}
COMPRESSIONS: dict[str, dict[str, Any]] = {
    "none": {},
    "lzw": {"compression": "lzw"},
    "lzw-differences": {"compression": "lzw", "predictor": True},
    "deflate-differences": {"compression": "deflate", "predictor": True},
    "pack-bits": {"compression": "packbits"},
    "zstd": {"compression": "zstd"},
}


def tiffs() -> Iterator[Sound]:
    turn = itertools.count()
    for (colours, colour), bits, (layout, places), planes in itertools.product(
        COLOURS.items(), (8, 16), LAYOUTS.items(), ("contig", "separate")
    ):
        if planes == "separate" and colour["number"] == 1:
            continue
        for _ in range(3):  # every third of the ways to pack, each with either byte order
            number = next(turn)
            packing = list(COMPRESSIONS)[number * 5 % len(COMPRESSIONS)]
            options = {**colour, **places, **COMPRESSIONS[packing]}
            samples = levels(options.pop("number"), bits)
            if "associated" in colours:
                samples[..., :-1] = np.minimum(samples[..., :-1], samples[..., -1:])
            samples = samples[..., 0] if samples.shape[2] == 1 else samples
            if planes == "separate":
                samples = np.moveaxis(samples, 2, 0)
            data = tiff(samples, planarconfig=planes if samples.ndim > 2 else None,
                        byteorder="<>"[number % 2], bigtiff=number % 7 == 0, **options)  # fmt: skip
            name = f"{colours} {bits} {layout} {planes} {packing} {number}"
            yield Sound(name, data, seen_in_tiff(data), 2.01)


def tiff(samples: Array, *, byteorder: str = "<", bigtiff: bool = False, **options: Any) -> bytes:
    file = io.BytesIO()
    with tifffile.TiffWriter(file, byteorder=byteorder, bigtiff=bigtiff) as writer:
        writer.write(samples, **{k: v for k, v in options.items() if v is not None}, metadata=None)
    return file.getvalue()


def plain_tiff(
    samples: Array, bits: int, photometric: int, *, planar: bool = False, order: str = "<",
    fill_order: int = 1, **tags: tuple[str, tuple[int, ...]],
) -> bytes:  # fmt: skip
    """A TIFF of any depth in one strip, or one for each plane, without compression."""
    height, width, number = samples.shape
    planes = np.moveaxis(samples, 2, 0)[..., None] if planar else samples[None]
    strips = []
    for plane in planes:
        if bits == 16:
            strips.append(plane.astype(f"{order}u2").tobytes())
        else:
            digits = (plane.reshape(height, -1, 1) >> np.arange(bits)[::-1]) & 1
            strips.append(np.packbits(digits.reshape(height, -1).astype(bool), axis=1).tobytes())
    if fill_order == 2:
        strips = [bytes(int(f"{byte:08b}"[::-1], 2) for byte in strip) for strip in strips]
    starts = [8 + sum(map(len, strips[:n])) for n in range(len(strips))]
    entries = {
        256: ("I", (width,)), 257: ("I", (height,)), 258: ("H", (bits,) * number),
        259: ("H", (1,)), 262: ("H", (photometric,)), 266: ("H", (fill_order,)),
        273: ("I", tuple(starts)), 277: ("H", (number,)), 278: ("I", (height,)),
        279: ("I", tuple(map(len, strips))), 284: ("H", (1 + planar,)),
        **{int(name[1:]): value for name, value in tags.items()},
    }  # fmt: skip
    return with_tags(b"".join(strips), entries, order)


def with_tags(body: bytes, entries: dict[int, tuple[str, tuple[int, ...]]], order: str) -> bytes:
    kinds = {"B": 1, "H": 3, "I": 4, "b": 6, "h": 8, "i": 9}
    body += bytes(len(body) % 2)
    directory, after = b"", b""
    start = 8 + len(body)
    for tag, (kind, numbers) in sorted(entries.items()):
        value = struct.pack(f"{order}{len(numbers)}{kind}", *numbers)
        if len(value) > 4:
            place = struct.pack(f"{order}I", start + 6 + 12 * len(entries) + len(after))
            after += value + bytes(len(value) % 2)
        else:
            place = value.ljust(4, b"\0")
        directory += struct.pack(f"{order}HHI", tag, kinds[kind], len(numbers)) + place
    head = struct.pack(f"{order}2sHI", b"II" if order == "<" else b"MM", 42, start)
    count = struct.pack(f"{order}H", len(entries))
    return head + body + count + directory + bytes(4) + after


def deep_tiffs() -> Iterator[Sound]:
    for bits, (number, photometric), planar, order in itertools.product(
        (1, 2, 3, 4, 6, 8, 10, 12, 14, 16), ((1, 0), (1, 1), (3, 2)), (False, True), "<>"
    ):
        if planar and number == 1:
            continue
        samples = levels(number, bits)
        data = plain_tiff(samples, bits, photometric, planar=planar, order=order)
        seen = to_8_bits(samples, bits)
        seen = on_white(255 - seen if photometric == 0 else seen)
        yield Sound(f"depth {bits} of {photometric} planar {planar} {order}", data, seen, 1.01)
    for bits, photometric in itertools.product((1, 4, 8, 12, 16), (0, 1)):
        samples = levels(1, bits)
        data = plain_tiff(samples, bits, photometric, fill_order=2)
        seen = to_8_bits(samples, bits)
        seen = on_white(255 - seen if photometric == 0 else seen)
        yield Sound(f"reversed {bits} {photometric}", data, seen)
    for bits, most in itertools.product((1, 2, 4, 8), (255, 65535)):
        table = np.random.default_rng(bits).integers(0, 256, (3, 2**bits))
        samples = levels(1, bits)
        table[0, 0] = 255
        numbers = tuple((table * (most // 255)).ravel().tolist())
        data = plain_tiff(samples, bits, 3, t320=("H", numbers))
        yield Sound(f"palette {bits} {most}", data, table.T[samples[..., 0]])
    for kind, orientation in itertools.product("BHIbhi", range(1, 9)):
        samples = levels(3, 8)
        data = plain_tiff(samples, 8, 2, t274=(kind, (orientation,)))
        yield Sound(f"turned {orientation} {kind}", data, turned(samples, orientation))
    for orientation in range(1, 9):
        samples = levels(3, 16)
        data = plain_tiff(samples, 16, 2, planar=True, t274=("H", (orientation,)))
        seen = turned(to_8_bits(samples, 16), orientation)
        yield Sound(f"turned deep {orientation}", data, seen)


def odd_tiffs() -> Iterator[Sound]:
    """Files that may be refused, by their true names."""
    for dtype, name in (
        ("u4", "32-bit"), ("i4", "32-bit"), ("f4", "32-bit"), ("f8", "64-bit"), ("i1", "signed"),
        ("i2", "signed"), ("f2", "floating-point"), ("u8", "64-bit"),
    ):  # fmt: skip
        for number in (1, 3):
            samples = np.squeeze(levels(number, 7).astype(dtype))
            photometric = "rgb" if number == 3 else "minisblack"
            data = tiff(samples, photometric=photometric)
            nothing = np.zeros((1, 1, 3))
            yield Sound(f"{dtype} of {number}", data, nothing, may_be_refused=name)
    nothing = np.zeros((1, 1, 3))
    for name, data in {
        "channels": tiff(np.moveaxis(levels(5, 8), 2, 0), photometric="minisblack",
                         planarconfig="separate"),
        "colours": plain_tiff(levels(3, 8), 8, 9),
        "inks": plain_tiff(levels(4, 8), 8, 5, t332=("H", (2,))),
        "fewer pixels": plain_tiff(levels(3, 8), 8, 6, t530=("H", (2, 2))),
        "raw photograph": plain_tiff(levels(1, 16), 16, 32803),
    }.items():  # fmt: skip
        named = "unknown meaning|samples for each" if name == "channels" else name
        yield Sound(name, data, nothing, may_be_refused=named)
    for photometric, subsampling in itertools.product(("rgb", "ycbcr"), ((1, 1), (2, 2))):
        samples = levels(3, 8)
        if photometric == "rgb" and subsampling != (1, 1):
            continue
        for places in LAYOUTS.values():
            if places.get("rowsperstrip") == 5:
                places = {"rowsperstrip": 16}
            data = tiff(samples, photometric=photometric, compression="jpeg", **places,
                        subsampling=subsampling if photometric == "ycbcr" else None)  # fmt: skip
            name = f"jpeg inside {photometric} {subsampling} {places}"
            yield Sound(name, data, seen_in_tiff(data), 8)
    for kind in ("group3", "group4", "tiff_ccitt"):
        picture = Image.fromarray(levels(1, 1)[..., 0].astype(bool))
        data = pictures.encoded(picture, "TIFF", compression=kind)
        yield Sound(kind, data, on_white(levels(1, 1) * 255))


def bmps() -> Iterator[Sound]:
    masks = {
        "555": (16, 0x7C00, 0x3E0, 0x1F, 0), "565": (16, 0xF800, 0x7E0, 0x1F, 0),
        "5551": (16, 0x7C00, 0x3E0, 0x1F, 0x8000), "4444": (16, 0xF00, 0xF0, 0xF, 0xF000),
        "888": (32, 0xFF0000, 0xFF00, 0xFF, 0), "8888": (32, 0xFF0000, 0xFF00, 0xFF, 0xFF000000),
        "rgba": (32, 0xFF, 0xFF00, 0xFF0000, 0xFF000000),
        "10": (32, 0x3FF00000, 0xFFC00, 0x3FF, 0),
    }  # fmt: skip
    for (name, (bits, *channels)), upside_down in itertools.product(masks.items(), (True, False)):
        packed = np.zeros((HEIGHT, WIDTH), np.uint64)
        seen = []
        for index, mask in enumerate(channels):
            if mask:
                shift = (mask & -mask).bit_length() - 1
                level = levels(1, 8, seed=index)[..., 0].astype(np.uint64)
                level = level * (mask >> shift) // 255
                packed |= level << np.uint64(shift)
                seen.append(level * 255 / (mask >> shift))
        rows = packed.astype(f"<u{bits // 8}")
        rows = np.pad(rows, ((0, 0), (0, WIDTH % 2 if bits == 16 else 0)))
        body = (rows[::-1] if upside_down else rows).tobytes()
        info = struct.pack("<IiiHHIIiiII", 108, WIDTH, HEIGHT if upside_down else -HEIGHT, 1, bits,
                           3, len(body), 0, 0, 0, 0) + struct.pack("<IIII", *channels)  # fmt: skip
        info = info.ljust(108, b"\0")
        head = b"BM" + struct.pack("<IHHI", 14 + 108 + len(body), 0, 0, 14 + 108)
        alpha = seen[3] if channels[3] else None
        yield Sound(f"bmp {name} {upside_down}", head + info + body,
                    on_white(np.dstack(seen[:3]), alpha), 2.01)  # fmt: skip
    for mode in ("1", "L", "P", "RGB", "RGBA"):
        image = Image.fromarray(levels(3, 8)).convert(mode)
        data = pictures.encoded(image, "BMP")
        found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        yield Sound(f"bmp {mode}", data, found[..., ::-1])
    yield Sound("bmp runs", *run_length_bmp())


def run_length_bmp() -> tuple[bytes, Array]:
    index = levels(1, 2)[..., 0]
    palette = np.random.default_rng(3).integers(0, 256, (4, 3), dtype=np.uint8)
    body = b"".join(b"".join(bytes([1, v]) for v in row) + b"\0\0" for row in index[::-1]) + b"\0\1"
    table = np.pad(palette[:, ::-1], ((0, 252), (0, 1))).tobytes()
    info = struct.pack("<IiiHHIIiiII", 40, WIDTH, HEIGHT, 1, 8, 1, len(body), 0, 0, 256, 0)
    start = 14 + len(info) + len(table)
    head = b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start)
    return head + info + table + body, palette[index]


def png(samples: Array, bits: int, kind: int, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of any depth; `chunks` go before the pixels."""
    digits = (samples.reshape(HEIGHT, -1, 1) >> np.arange(bits)[::-1]) & 1
    rows = np.packbits(digits.reshape(HEIGHT, -1).astype(bool), axis=1)
    body = b"".join(b"\0" + row.tobytes() for row in rows)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, kind, 0, 0, 0)
    parts = [(b"IHDR", header), *chunks, (b"IDAT", zlib.compress(body)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )


def pngs() -> Iterator[Sound]:
    for kind, number, depths in (
        (0, 1, (1, 2, 4, 8, 16)), (2, 3, (8, 16)), (4, 2, (8, 16)), (6, 4, (8, 16)),
    ):  # fmt: skip
        for bits in depths:
            samples = levels(number, bits)
            data = png(samples, bits, kind)
            found = imagecodecs.png_decode(data).reshape(HEIGHT, WIDTH, -1)
            found = to_8_bits(found, 16 if found.dtype == np.uint16 else 8)
            opaque = {1: 1, 2: 1, 3: 3, 4: 3}[number]
            alpha = found[..., opaque] if number in (2, 4) else None
            yield Sound(f"png {kind} {bits}", data, on_white(found[..., :opaque], alpha))
            if kind in (0, 2):
                key = samples[HEIGHT // 2, WIDTH // 2]
                data = png(samples, bits, kind, (b"tRNS", struct.pack(f">{number}H", *key)))
                alpha = np.where((samples == key).all(axis=2), 0, 255)
                named = "transparent colour" if (kind, bits) == (2, 16) else None
                yield Sound(f"png {kind} {bits} key", data,
                            on_white(to_8_bits(samples, bits), alpha), 1.01, named)  # fmt: skip
    for bits in (1, 2, 4, 8):
        samples = levels(1, bits)
        palette = np.random.default_rng(bits).integers(0, 256, (2**bits, 4), dtype=np.uint8)
        chunks = [(b"PLTE", palette[:, :3].tobytes()), (b"tRNS", palette[:, 3].tobytes())]
        found = palette[samples[..., 0]]
        for number in (1, 2):
            alpha = found[..., 3] if number == 2 else None
            yield Sound(f"png palette {bits} {number}", png(samples, bits, 3, *chunks[:number]),
                        on_white(found[..., :3], alpha))  # fmt: skip


def jpegs() -> Iterator[Sound]:
    photo = pictures.photo(HEIGHT, WIDTH)
    for mode, progressive, subsampling in itertools.product(
        ("L", "RGB"), (False, True), ("4:4:4", "4:2:2", "4:2:0")
    ):
        image = Image.fromarray(photo).convert(mode)
        options = {"subsampling": subsampling} if mode == "RGB" else {}
        data = pictures.encoded(image, "JPEG", progressive=progressive, quality=90, **options)
        found = imagecodecs.jpeg8_decode(data).reshape(HEIGHT, WIDTH, -1)
        yield Sound(f"jpeg {mode} {progressive} {subsampling}", data, on_white(found), 4)
    for orientation in range(1, 9):
        for kind in "BHIbhi":
            exif = b"Exif\0\0" + with_tags(b"", {274: (kind, (orientation,))}, "<>"[kind == "H"])
            data = pictures.encoded(photo, "JPEG", exif=exif)
            found = turned(imagecodecs.jpeg8_decode(data), orientation)
            yield Sound(f"jpeg turned {orientation} {kind}", data, found, 4)


def others() -> Iterator[Sound]:
    colour, half = pictures.photo(HEIGHT, WIDTH), levels(4, 8)
    for name, samples in (("grey", levels(1, 8)[..., 0]), ("colour", colour), ("half", half)):
        kinds: list[tuple[str, dict[str, Any], Callable[..., Array]]] = [
            ("WEBP", {"lossless": True}, imagecodecs.webp_decode),
            ("AVIF", {"quality": 95, "subsampling": "4:4:4"}, imagecodecs.avif_decode),
            ("AVIF", {"quality": 60, "subsampling": "4:2:0"}, imagecodecs.avif_decode),
            ("JPEG2000", {}, imagecodecs.jpeg2k_decode),
            ("JPEG2000", {"no_jp2": True}, imagecodecs.jpeg2k_decode),
            ("JPEG2000", {"quality_layers": [20], "irreversible": True}, imagecodecs.jpeg2k_decode),
            ("JPEG2000", {"tile_size": (16, 16)}, imagecodecs.jpeg2k_decode),
        ]  # fmt: skip
        for number, (kind, options, decoder) in enumerate(kinds):
            data = pictures.encoded(samples, kind, **options)
            found = decoder(data).reshape(HEIGHT, WIDTH, -1)
            alpha = found[..., 3] if name == "half" else None
            within = 6 if options.get("subsampling") == "4:2:0" else 2.01
            yield Sound(f"{kind} {name} {number}", data, on_white(found[..., :3], alpha), within)
    for bits in (10, 12, 16):
        for number in (1, 3):
            samples = levels(number, bits)
            data = imagecodecs.jpeg2k_encode(
                np.squeeze(samples), bitspersample=bits, codecformat="jp2", reversible=True
            )
            found = imagecodecs.jpeg2k_decode(data).reshape(HEIGHT, WIDTH, -1)
            yield Sound(f"jp2 {number} of {bits}", data, on_white(to_8_bits(found, bits)))
    image = Image.fromarray(colour).quantize(60)
    for transparency in (None, image.getpixel((20, 20))):
        options = {} if transparency is None else {"transparency": transparency}
        data = pictures.encoded(image, "GIF", **options)
        found = imagecodecs.gif_decode(data).reshape(HEIGHT, WIDTH, -1)
        alpha = None
        if transparency is not None:
            alpha = np.where(np.asarray(image) == transparency, 0, 255)
        yield Sound(f"gif {transparency}", data, on_white(found[..., :3], alpha))
    yield from heics(colour, half)


def heics(colour: Array, half: Array) -> Iterator[Sound]:
    heif = pytest.importorskip("pillow_heif")
    for name, samples in (("colour", colour), ("half", half)):
        mode = "RGB" if name == "colour" else "RGBA"
        file = heif.from_bytes(mode, (WIDTH, HEIGHT), samples.tobytes())
        buffer = io.BytesIO()
        file.save(buffer, quality=-1, chroma=444)
        alpha = samples[..., 3] if name == "half" else None
        yield Sound(f"heic {name}", buffer.getvalue(), on_white(samples[..., :3], alpha), 8)


GROUPS: dict[str, tuple[Callable[[], Iterator[Sound]], int]] = {
    "TIFF": (tiffs, 288), "TIFF of any depth": (deep_tiffs, 154), "unusual TIFF": (odd_tiffs, 33),
    "BMP": (bmps, 22), "PNG": (pngs, 26), "JPEG": (jpegs, 60), "others": (others, 31),
}  # fmt: skip
"""Makers of files, and how many files each makes at least."""


def outcome(sound: Sound) -> str | None:
    """Say what is wrong with a decoded file; None if nothing is."""
    try:
        picture = decode(sound.data)
    except ImageError as error:
        named = sound.may_be_refused
        if named is not None and any(part in str(error) for part in named.split("|")):
            return None
        return f"{sound.name}: refused, {error}"
    if sound.may_be_refused is not None and sound.seen.size == 3:
        return f"{sound.name}: should be refused"
    if picture.pixels.shape != sound.seen.shape:
        return f"{sound.name}: {picture.pixels.shape} and not {sound.seen.shape}"
    difference = np.abs(picture.pixels[:, :, ::-1] - sound.seen).max()
    return f"{sound.name}: differs by {difference:.1f}" if difference > sound.within else None


@pytest.mark.parametrize("group", GROUPS)
def test_pictures_are_what_another_decoder_sees_or_refused_by_name(group: str) -> None:
    make, number = GROUPS[group]
    with quiet_decoders():
        sounds = list(make())
        wrong = [said for sound in sounds if (said := outcome(sound))]
    assert len(sounds) >= number, len(sounds)
    assert wrong == []
