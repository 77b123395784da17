"""Decide what becomes what, before any work starts."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from pmsgan.errors import ConfigError
from pmsgan.formats import PICTURE_SUFFIXES, ImageFormat


@dataclass(slots=True)
class Job:
    """One picture: where it is, where its translation goes, and how that ended."""

    source: Path
    target: Path
    name: PurePath
    """Path of the source below IN, for messages."""
    done: bool = False
    """The translation is written."""
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
    try:
        names = sorted(
            path.relative_to(source_root) for path in _walk(source_root, skipped=target_root)
        )
    except OSError as error:
        raise ConfigError(
            f"cannot list the folder {error.filename}: {error.strerror}; "
            "make it readable, or move it out of IN"
        ) from error
    if not names:
        raise ConfigError(f"{in_dir} holds no pictures ({', '.join(sorted(PICTURE_SUFFIXES))})")
    outputs = _output_names(names, f".{image_format}")
    return [
        Job(source=in_dir / name, target=out_dir / output, name=name)
        for name, output in zip(names, outputs, strict=True)
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


def _output_names(names: Sequence[Path], suffix: str) -> list[Path]:
    """Name the outputs, distinct from each other even where case does not count."""
    outputs = {name: name.with_suffix(suffix) for name in names}
    while clashing := [name for name in _clashing(outputs) if outputs[name].stem == name.stem]:
        for name in clashing:
            outputs[name] = name.with_name(name.name + suffix)
    for number, name in enumerate(_clashing(outputs)):  # A.jpg and a.jpg
        outputs[name] = name.with_name(f"{name.name}.{number}{suffix}")
    if still := _clashing(outputs):
        raise ConfigError(f"{still[0]} and {still[1]} would get one output: rename one of them")
    return list(outputs.values())


def _clashing(outputs: Mapping[Path, Path]) -> list[Path]:
    counts = Counter(_without_case(output) for output in outputs.values())
    return [name for name, output in outputs.items() if counts[_without_case(output)] > 1]


def _without_case(name: PurePath) -> str:
    return name.as_posix().casefold()
