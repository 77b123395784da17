"""Decide what becomes what, before any work starts."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal

from pmsgan.errors import ConfigError

ImageFormat = Literal["png", "jpg", "webp"]
"""What results are written as, and their suffix."""

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})


@dataclass(slots=True)
class Job:
    """One picture: where it is, where its translation goes, and how that ended."""

    source: Path
    target: Path
    name: PurePath
    """Path of the source below IN, for messages."""
    failure: str | None = None
    """What went wrong, if something did."""


def plan_jobs(in_dir: Path, out_dir: Path, image_format: ImageFormat) -> list[Job]:
    """List the pictures below a folder, each with its output path, sorted by name.

    Sub-folders are mirrored. Hidden files and folders are left out, links to folders are not
    followed, and `out_dir` is left out where it lies inside `in_dir`. Pictures that differ in
    their suffix alone keep it in the output's name: a.jpg and a.png become a.jpg.png and a.png.png.

    Args:
        in_dir: the folder to convert.
        out_dir: the folder to write to; need not exist.
        image_format: of the outputs.

    Raises:
        ConfigError: `in_dir` is no folder or holds no pictures, or the two folders overlap in a
            way that could harm originals.
    """
    if not in_dir.is_dir():
        raise ConfigError(f"{in_dir} is not a folder: give the folder that holds the pictures")
    source_root, target_root = in_dir.resolve(), out_dir.resolve()
    if target_root == source_root:
        raise ConfigError(f"OUT is the same folder as IN ({in_dir}): give another one")
    if target_root in source_root.parents:
        raise ConfigError(f"IN ({in_dir}) lies inside OUT ({out_dir}): give another OUT")
    names = sorted(
        path.relative_to(source_root) for path in _walk(source_root, skipped=target_root)
    )
    if not names:
        raise ConfigError(f"{in_dir} holds no pictures ({', '.join(sorted(PICTURE_SUFFIXES))})")
    stems = Counter(_without_case(name.with_suffix("")) for name in names)
    return [
        Job(
            source=in_dir / name,
            target=out_dir / _output_name(name, f".{image_format}", stems),
            name=name,
        )
        for name in names
    ]


def _walk(folder: Path, *, skipped: Path) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                if path != skipped:
                    yield from _walk(path, skipped=skipped)
            elif path.suffix.lower() in PICTURE_SUFFIXES and entry.is_file():
                yield path


def _output_name(name: Path, suffix: str, stems: Counter[str]) -> Path:
    if stems[_without_case(name.with_suffix(""))] == 1:
        return name.with_suffix(suffix)
    return name.with_name(name.name + suffix)


def _without_case(name: PurePath) -> str:
    return name.as_posix().lower()
