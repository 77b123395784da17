"""Write OpenRaster: a zip file of PNG layers that paint programs such as Krita and GIMP read.

The format: https://www.openraster.org, baseline 0.0.3 and later.
"""

import io
import zipfile
from collections.abc import Sequence
from xml.etree import ElementTree

import cv2
import numpy as np

from pmsgan.batch.pictures.colour import Pixels
from pmsgan.batch.pictures.colouring import Layer
from pmsgan.batch.pictures.opened import damaged
from pmsgan.html_page import small_size

_MERGED = "mergedimage.png"
_THUMBNAIL_SIDE = 256
_DATE = (1980, 1, 1, 0, 0, 0)
"""The same for all entries, so that the same picture gives the same bytes."""


def write_open_raster(
    merged: bytes,
    image: Pixels,
    layers: Sequence[Layer],
    transparency: Pixels | None,
    png_options: list[int],
) -> bytes:
    """Return an OpenRaster file.

    Args:
        merged: the picture as a whole, a PNG file.
        image: its pixels, uint8 [H, W, 3] BGR.
        layers: from the lowest up; none makes one layer of the whole.
        transparency: 0 transparent .. 255 opaque, uint8 [H, W]; None where all is opaque.
        png_options: OpenCV's parameters for PNG.
    """
    height, width = image.shape[:2]
    root = ElementTree.Element("image", version="0.0.5", w=str(width), h=str(height))
    stack = ElementTree.SubElement(root, "stack")
    files = {}
    if transparency is not None and layers:
        # Layers that were each transparent would be less so on each other.
        mask = Layer("transparency", (0, 0, 0), transparency)
        _add_layer(stack, mask.name, "data/mask.png", "svg:dst-in")
        files["data/mask.png"] = _png(_pixels(mask), png_options)
    for number, layer in reversed(list(enumerate(layers))):  # the highest comes first
        name = f"data/{number:02}.png"
        mode = "svg:multiply" if layer.darkens else "svg:src-over"
        _add_layer(stack, layer.name, name, mode)
        files[name] = _png(_pixels(layer), png_options)
    if not layers:
        _add_layer(stack, "picture", "data/00.png", "svg:src-over")
        files["data/00.png"] = merged
    files["stack.xml"] = ElementTree.tostring(root, "utf-8", xml_declaration=True)
    files[_MERGED] = merged
    small = small_size((height, width), _THUMBNAIL_SIDE)
    shown = image if transparency is None else cv2.merge([image, transparency])
    thumbnail = cv2.resize(shown, small[::-1], interpolation=cv2.INTER_AREA)
    files["Thumbnails/thumbnail.png"] = _png(np.asarray(thumbnail, np.uint8), png_options)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:  # PNG is compressed already
        archive.writestr(zipfile.ZipInfo("mimetype", _DATE), b"image/openraster")
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, _DATE), data)
    return buffer.getvalue()


def read_merged(data: bytes) -> bytes:
    """Return the picture as a whole that is in an OpenRaster file: a PNG file.

    Raises:
        ImageError: it is not an OpenRaster file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return archive.read(_MERGED)
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError) as error:
        raise damaged(error) from error


def _add_layer(stack: ElementTree.Element, name: str, source: str, mode: str) -> None:
    ElementTree.SubElement(
        stack,
        "layer",
        {"name": name, "src": source, "composite-op": mode, "x": "0", "y": "0", "opacity": "1.0"},
    )


def _pixels(layer: Layer) -> Pixels:
    """Return a layer uint8 [H, W, 4] BGRA."""
    pixels = np.empty((*layer.alpha.shape, 4), np.uint8)
    pixels[:, :, :3] = layer.colour
    pixels[:, :, 3] = layer.alpha
    return pixels


def _png(pixels: Pixels, options: list[int]) -> bytes:
    return cv2.imencode(".png", pixels, options)[1].tobytes()
