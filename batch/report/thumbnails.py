"""Small pictures of what went in and what came out."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from pmsgan.batch.pictures.decode import decode, quiet_decoders, read_file
from pmsgan.batch.pictures.fit import take
from pmsgan.batch.pictures.load import load
from pmsgan.batch.plan import Job
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import ImageError
from pmsgan.html_page import jpeg_uri, small_size
from pmsgan.styles.registry import Style

MAX_SHOWN = 60
MAX_SIDE = 240
"""Of a small picture [pixels]."""
JPEG_QUALITY = 80


@dataclass(frozen=True, slots=True)
class Pair:
    """A picture and its translation, of the same size."""

    name: str
    """Path below IN."""
    height: int
    """Pixels."""
    width: int
    """Pixels."""
    before: str
    """A data URI."""
    after: str
    """Likewise."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Which pictures to show; they are read when they are asked for."""

    style: Style
    settings: ConvertSettings
    out_dir: Path
    jobs: tuple[Job, ...]

    def pairs(self) -> Iterator[Pair]:
        """Read the pictures as they lie on the disk; those that cannot be shown are left out."""
        with quiet_decoders():
            for job in sorted(self.jobs, key=lambda job: job.name):
                with suppress(ImageError, MemoryError, cv2.error):
                    yield self._pair(job)

    def _pair(self, job: Job) -> Pair:
        size = self.style.height, self.style.width
        row = np.empty((*size, 3), np.uint8)
        loaded = load(job.source, size, self.settings)
        loaded.fill(row)
        before = take(row, loaded.placement)
        data, _ = read_file(self.out_dir / job.output)
        after = decode(data, before.shape[:2]).pixels
        shown = small_size(before, MAX_SIDE)
        return Pair(
            job.name,
            *shown,
            before=jpeg_uri(before, shown, JPEG_QUALITY),
            after=jpeg_uri(after, shown, JPEG_QUALITY),
        )
