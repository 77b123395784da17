"""Makes the answer to a request from a picture that the network has translated."""

import re
import time
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from urllib.parse import quote

from pmsgan.batch.settings import ConvertSettings
from pmsgan.batch.translated import TranslatedPicture
from pmsgan.formats import output_suffix
from pmsgan.styles.input_statistics import describe_difference
from pmsgan.styles.registry import Style

MEDIA_TYPES = {
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".webp": "image/webp",
    ".ora": "image/openraster",
}


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A result in the form in which it is sent."""

    data: bytes
    media_type: str
    headers: dict[str, str] = field(default_factory=dict)


def make_result(
    translated: TranslatedPicture,
    style: Style,
    settings: ConvertSettings,
    name: str,
    *,
    is_new: bool,
) -> ResultFile:
    """Make the file of a result, and the headers that describe it.

    Args:
        translated: the picture.
        style: the style that translated it.
        settings: for this style, see `ConvertSettings.for_style`.
        name: what the client calls the picture; hostile.
        is_new: whether the network has translated it for this request.

    Raises:
        ImageError: the result cannot be encoded.
    """
    begin = time.perf_counter()
    loaded = translated.with_colours(settings, name)
    data = translated.encode(loaded, settings)
    seconds = {"encode": time.perf_counter() - begin}
    if is_new:
        seconds = {"load": translated.load_s, "translate": translated.translate_s} | seconds
    suffix = output_suffix(translated.suffix, settings.output_format)
    height, width = loaded.placement.output
    headers = {
        "Content-Disposition": disposition(name, suffix),
        "Server-Timing": ", ".join(
            f"{stage};dur={1000 * took:.1f}" for stage, took in seconds.items()
        ),
        "Pmsgan-Size": f"{width}x{height}",
    }
    if loaded.note is not None:
        headers["Pmsgan-Note"] = quote(loaded.note, safe=" ;:,'()/")
    is_in_one_view = translated.row.shape == translated.canvas.shape
    if is_in_one_view and describe_difference([translated.row], style.expects) is not None:
        warning = f"this does not look like the input of the style {style.name} ({style.input})"
        headers["Pmsgan-Warning"] = quote(warning, safe=" ;:,'()/")
    if loaded.colouring is not None and settings.palette is not None:
        colours = settings.palette.colours(name)
        headers["Pmsgan-Palette"] = ",".join(f"{part}={colour}" for part, colour in colours.items())
        headers["Pmsgan-Parts"] = ",".join(loaded.colouring.found)
    return ResultFile(data, MEDIA_TYPES[suffix], headers)


def disposition(name: str, suffix: str) -> str:
    """Return the header that names a result's file.

    Args:
        name: what the client calls the picture; no folder, no quote and no control character of it
            is kept.
        suffix: of the result.
    """
    stem = PurePosixPath(name.replace("\\", "/")).stem[:100]
    kept = re.sub(r"[^\w .()+,=@-]", "_", stem).strip(" .") or "picture"
    plain = kept.encode("ascii", "replace").decode().replace("?", "_")
    return f"inline; filename=\"{plain}{suffix}\"; filename*=UTF-8''{quote(kept + suffix)}"
