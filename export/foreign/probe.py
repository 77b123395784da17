"""Find out how a network takes pictures by running it on test pictures."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np

from pmsgan.engine.accuracy import check_pictures, compare
from pmsgan.errors import EngineError, ExportError
from pmsgan.export.foreign.network import Network
from pmsgan.export.foreign.pixels import PictureFormat, to_network
from pmsgan.export.foreign.ranges import with_ranges
from pmsgan.export.foreign.reading import ForeignFile
from pmsgan.export.foreign.settings import ImportSettings
from pmsgan.model.config import Layout

MULTIPLES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
"""The multiples that sides are tried with [pixels]."""
PROBE_SIDE = 96
"""Approximate side of the pictures to try, if the network takes it [pixels]."""
DEFAULT_SIDE = 512
"""Side of the pictures of a network that takes any size [pixels]."""
MIN_TILES_PSNR_DB = 35.0
"""Least PSNR between tiles and the whole for which tiles are used [dB]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbeResult:
    """How a network takes and returns pictures."""

    form: PictureFormat
    output: str
    """The name of its output."""
    side_multiple: int | None
    """Both sides may be any multiple of this [pixels]; None where the file has one size."""
    size: tuple[int, int]
    """Height and width of its pictures [pixels]."""
    probe_size: tuple[int, int]
    """A small size that it takes: height and width [pixels]."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Source of each finding."""


def probe(network: Network, file: ForeignFile, settings: ImportSettings) -> ProbeResult:
    """Find out how a network takes pictures.

    Raises:
        ExportError: it gives no picture of the same size, or an option is needed.
    """
    reasons: dict[str, str] = {}
    layouts = _layouts(file, settings, reasons)
    start = PictureFormat(
        layout_in=layouts[0], layout_out=layouts[0], order="rgb", range_in="0..1", range_out="0..1"
    )
    outputs = _outputs(file, settings)
    failure = "it ran at none of the sizes that were tried"
    for layout in layouts:
        for multiple, sizes in _sizes(file, layout, settings):
            try:
                form, output = _try(network, replace(start, layout_in=layout), sizes, outputs)
            except EngineError as error:
                failure = str(error)
                continue
            if len(layouts) > 1:
                reasons["layout"] = "found by running it"
            form = with_ranges(network, file, settings, form, output, sizes[0], reasons)
            size = sizes[0] if multiple is None else _style_size(multiple, settings)
            reasons["size"] = (
                "from the file" if multiple is None
                else f"any multiple of {multiple} works" if multiple > 1
                else "any size works"
            )  # fmt: skip
            return ProbeResult(
                form=form, output=output, side_multiple=multiple, size=size,
                probe_size=sizes[0], reasons=reasons,
            )  # fmt: skip
    raise ExportError(
        f"it does not return a picture of the same size ({failure}): give --size, --multiple, "
        f"--layout or "
        "--output if the network takes other sizes"
    )


def agrees_in_tiles(network: Network, found: ProbeResult) -> tuple[bool, float]:
    """Test whether the translation of a part of a picture equals that part of the whole.

    Returns:
        Whether it does, so that pictures of any size can be translated in tiles; and the PSNR
        between the two [dB], without the margin that tiles do not count.
    """
    assert found.side_multiple is not None
    multiple = found.side_multiple
    tile = math.ceil(256 / multiple) * multiple
    step = math.ceil(tile / 4 / multiple) * multiple
    whole = check_pictures(tile + 2 * step, tile + 2 * step)[:2]
    middle, margin = slice(step, step + tile), tile // 6
    inside = (slice(None), slice(margin, -margin), slice(margin, -margin))
    part = network.translate(
        np.ascontiguousarray(whole[:, middle, middle]), found.form, found.output
    )
    wanted = network.translate(whole, found.form, found.output)[:, middle, middle]
    psnr_db = compare(part[inside], wanted[inside]).psnr_db
    return psnr_db >= MIN_TILES_PSNR_DB, psnr_db


def _layouts(file: ForeignFile, settings: ImportSettings, reasons: dict[str, str]) -> list[Layout]:
    """Return the layouts that the input may have."""
    _, second, _, last = file.input_shape
    if settings.layout != "auto":
        reasons["layout"] = "asked for"
        return [settings.layout]
    fixed: list[Layout] = []
    if second == 3:
        fixed.append("nchw")
    if last == 3:
        fixed.append("nhwc")
    if fixed:
        reasons["layout"] = "from the file"
        return fixed
    channels = [count for count in (second, last) if count is not None]
    if len(channels) == 2 or min(channels, default=3) < 5:
        raise ExportError(f"it takes pictures of {min(channels)} channels: it must be 3")
    return ["nchw", "nhwc"]


def _outputs(file: ForeignFile, settings: ImportSettings) -> Sequence[str]:
    if settings.output is None:
        return file.output_names[:4]
    if settings.output not in file.output_names:
        known = ", ".join(name[:40] for name in file.output_names[:8])
        raise ExportError(f"there is no output {settings.output!r}: use one of {known}")
    return [settings.output]


def _sizes(
    file: ForeignFile, layout: Layout, settings: ImportSettings
) -> Iterable[tuple[int | None, list[tuple[int, int]]]]:
    """Yield multiples that sides may have, and sizes to run at that prove it."""
    height, width = file.input_shape[2:] if layout == "nchw" else file.input_shape[1:3]
    if settings.multiple is None and height is not None and width is not None:
        if settings.size not in (None, height) or settings.size not in (None, width):
            raise ExportError(
                f"the file has the fixed size {width}x{height}: leave out --size, or make it "
                "dynamic with --multiple"
            )
        yield None, [(height, width)]
        return
    for multiple in MULTIPLES if settings.multiple is None else (settings.multiple,):
        count = max(1, math.ceil(PROBE_SIDE / multiple))
        count += count % 2 == 0  # an odd number, so that it is no multiple of twice as much
        sizes = [(count, count + 2), (count + 2, count)] if count > 1 else [(1, 1), (2, 1)]
        yield multiple, [(high * multiple, wide * multiple) for high, wide in sizes]


def _try(
    network: Network, form: PictureFormat, sizes: list[tuple[int, int]], outputs: Sequence[str]
) -> tuple[PictureFormat, str]:
    """Run at each size; return the format of what comes out, and the first output that has one."""
    failures = []
    for output in outputs:
        try:
            for size in sizes:
                pictures = check_pictures(*size)[:1]
                result = network.run(to_network(pictures, form, network.dtype), output)
                layout_out, is_grey = _output_format(result.shape, size, form.layout_in)
            return replace(form, layout_out=layout_out, is_grey=is_grey), output
        except EngineError as error:
            failures.append(str(error))
    raise EngineError(failures[0])


def _output_format(
    shape: tuple[int, ...], size: tuple[int, int], layout_in: Layout
) -> tuple[Layout, bool]:
    first = (layout_in, "nhwc" if layout_in == "nchw" else "nchw")
    for layout in cast("tuple[Layout, Layout]", first):
        if len(shape) == 4 and shape[0] == 1:
            channels = shape[1] if layout == "nchw" else shape[3]
            sides = shape[2:] if layout == "nchw" else shape[1:3]
            if channels in (1, 3) and tuple(sides) == size:
                return layout, channels == 1
    raise EngineError(f"{size[1]}x{size[0]} becomes {list(shape[:6])}")


def _style_size(multiple: int, settings: ImportSettings) -> tuple[int, int]:
    wanted = settings.size or DEFAULT_SIDE
    side = max(1, round(wanted / multiple)) * multiple
    if settings.size not in (None, side):
        raise ExportError(f"the network takes multiples of {multiple}: try --size {side}")
    return side, side
