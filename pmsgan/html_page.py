"""Make pages that need no network and no other file.

Names of files are hostile: all text from outside goes through `escape`, and a page's policy lets
the browser run only its own script.
"""

import base64
import hashlib
import html
import importlib.resources
from string import Template

import cv2
import numpy as np
from numpy.typing import NDArray


def fill_template(package: str, name: str, script: str, **values: str) -> str:
    """Return a page made from a template in a package.

    Args:
        package: its dotted name.
        name: of the template, which has $script, and $script_hash in its policy.
        script: the page's own.
        values: HTML for the other names of the template.
    """
    template = (importlib.resources.files(package) / name).read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return Template(template).substitute(script=script, script_hash=f"sha256-{digest}", **values)


def escape(text: str) -> str:
    """Return text that a browser shows as it is, whatever bytes a file's name is made of."""
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"))


def small_size(size: tuple[int, int], max_side: int) -> tuple[int, int]:
    """Return height and width [pixels] of a picture whose longer side is at most `max_side`."""
    scale = min(1.0, max_side / max(size))
    height, width = (max(1, round(side * scale)) for side in size)
    return height, width


def jpeg_uri(image: NDArray[np.uint8], size: tuple[int, int], quality: int) -> str:
    """Return a picture as a data URI.

    Args:
        image: uint8 [H, W, 3] BGR.
        size: height and width to shrink it to [pixels].
        quality: of JPEG, 1..100.
    """
    small = cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return "data:image/jpeg;base64," + base64.b64encode(data.tobytes()).decode("ascii")
