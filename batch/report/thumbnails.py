"""Thumbnails of pictures and their results."""

import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import cv2
import numpy as np

from pmsgan.batch.files.folder import Folder
from pmsgan.batch.job import Job
from pmsgan.batch.pictures.colour import to_srgb
from pmsgan.batch.pictures.decode import decode, quiet_decoders
from pmsgan.batch.pictures.fit import Box, Placement, fit_into_row, place
from pmsgan.batch.pictures.open_raster import read_merged
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import FolderError, ImageError
from pmsgan.html_page import jpeg_uri, small_size

MAX_SHOWN = 60
NUM_LARGE = 4
"""Thumbnails at the head of the page."""
LARGE_SIDE = 640
"""Longer side of those [pixels]."""
MAX_SIDE = 240
"""Longer side of the others [pixels]."""
JPEG_QUALITY = 80
LIMIT_S = 10.0
"""Time for all thumbnails [seconds]; those that are not made by then are left out."""


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """A picture and its result, both shrunk to one size."""

    name: str
    """Path of the picture below IN."""
    height: int
    """Height in pixels."""
    width: int
    """Width in pixels."""
    before: str
    """The picture as a data URI."""
    after: str
    """The result as a data URI."""


def make_thumbnails(
    jobs: Iterable[Job],
    pictures: Folder,
    out: Folder,
    style_size: tuple[int, int],
    settings: ConvertSettings,
) -> tuple[Thumbnail, ...]:
    """Make thumbnails of pictures and their results; those that cannot be read are left out.

    Args:
        jobs: what to show.
        pictures: IN.
        out: OUT.
        style_size: height and width of one view of the network [pixels].
        settings: how pictures were fitted.
    """
    thumbnails: list[Thumbnail] = []
    started = time.monotonic()
    with quiet_decoders(), suppress(FolderError, KeyboardInterrupt):  # the run itself is done
        for job in sorted(jobs, key=lambda job: job.name):
            if time.monotonic() - started > LIMIT_S:
                break
            with suppress(ImageError, MemoryError, cv2.error):
                side = LARGE_SIDE if len(thumbnails) < NUM_LARGE else MAX_SIDE
                thumbnails.append(_make_thumbnail(job, pictures, out, style_size, settings, side))
    return tuple(thumbnails)


def _make_thumbnail(
    job: Job,
    pictures: Folder,
    out: Folder,
    style_size: tuple[int, int],
    settings: ConvertSettings,
    max_side: int,
) -> Thumbnail:
    data = pictures.read(job.source)[0]
    picture = decode(data, None if settings.fit == "crop" else (max_side, max_side))
    placement = place(picture.full_size, style_size, settings.fit, settings.output_size)
    shown = small_size(placement.output, max_side)
    before = np.empty((*shown, 3), np.uint8)
    fit_into_row(picture.pixels, Placement(placement.crop, shown, Box(0, 0, *shown), shown), before)
    if picture.profile is not None:
        to_srgb(before, picture.profile)
    result = out.read(out.source(job.output))[0]
    after = decode(read_merged(result) if job.output.endswith(".ora") else result, shown).pixels
    return Thumbnail(
        job.name,
        *shown,
        before=jpeg_uri(before, shown, JPEG_QUALITY),
        after=jpeg_uri(after, shown, JPEG_QUALITY),
    )
