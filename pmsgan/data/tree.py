"""The pictures below a folder."""

import os
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pmsgan.data.names import natural_key
from pmsgan.errors import DataError
from pmsgan.formats import PICTURE_SUFFIXES, unsupported_reason

COMPRESSED_SUFFIXES = frozenset({".bz2", ".gz"})
"""Suffixes of compressed files, as some sets have for each picture."""

_RUN_FILES = frozenset({"checkpoint.pt", "metrics.jsonl"})
"""Files that mark the folder of a training run, whose sample grids are not pairs."""


@dataclass(frozen=True, slots=True)
class PictureFolder:
    """One folder, and the pictures that lie in it directly."""

    parts: tuple[str, ...]
    """Names of the folders that lead from the root to it."""
    pictures: tuple[str, ...]
    """Names of its pictures, numbers in them by their value."""


@dataclass(frozen=True, slots=True)
class Tree:
    """All pictures below a folder."""

    root: Path
    folders: tuple[PictureFolder, ...]
    """The folders that hold pictures, in order."""
    unread: dict[str, Path] = field(default_factory=dict)
    """Suffixes of pictures that are not read, each with a folder that holds some."""

    def paths(self) -> Iterator[Path]:
        """Yield all pictures, in order."""
        for folder in self.folders:
            place = self.root.joinpath(*folder.parts)
            yield from (place / name for name in folder.pictures)

    def hint(self) -> str:
        """Return the command to type for unreadable pictures, to end a message; or nothing."""
        for suffix, folder in self.unread.items():
            place = shlex.quote(str(folder))
            if suffix in COMPRESSED_SUFFIXES:
                tool = "bunzip2" if suffix == ".bz2" else "gunzip"
                return f"; {place} holds compressed files: type {tool} {place}/*{suffix}"
            return (
                f"; {place} holds {suffix} files, which are not supported: type mogrify -format "
                f"png {place}/*{suffix} (ImageMagick)"
            )
        return ""


def walk_pictures(root: Path) -> Tree:
    """List the pictures of a folder and of all folders below it.

    Hidden entries and the folders of training runs are skipped; links are followed.

    Raises:
        DataError: `root` is not a folder, or a folder cannot be listed.
    """
    if not root.is_dir():
        raise DataError(f"{root} is not a folder: give the folder that holds the pictures")
    folders: list[PictureFolder] = []
    unread: dict[str, Path] = {}
    waiting: list[tuple[tuple[str, ...], frozenset[tuple[int, int]]]] = [((), frozenset())]
    while waiting:
        parts, above = waiting.pop()
        place = root.joinpath(*parts)
        try:
            found = place.stat()
            identity = found.st_dev, found.st_ino
            if identity in above:  # a link that leads back
                continue
            names, below = _list(place)
        except OSError as error:
            raise DataError(f"cannot list {place}: {error.strerror}") from error
        if parts and not _RUN_FILES.isdisjoint(names):
            continue
        waiting += [
            ((*parts, name), above | {identity})
            for name in sorted(below, key=natural_key, reverse=True)
        ]
        pictures = [name for name in names if _suffix(name) in PICTURE_SUFFIXES]
        if pictures:
            folders.append(PictureFolder(parts, tuple(sorted(pictures, key=natural_key))))
        for suffix in {_suffix(name) for name in names}:
            if suffix in COMPRESSED_SUFFIXES or unsupported_reason(suffix):
                unread.setdefault(suffix, place)
    return Tree(root, tuple(folders), unread)


def list_pictures(folder: Path) -> dict[str, Path]:
    """Map paths below a folder, without suffix, to its pictures and those of its subfolders.

    Raises:
        DataError: it is not a folder, holds no pictures, or holds two with the same name.
    """
    tree = walk_pictures(folder)
    found: dict[str, Path] = {}
    for path in tree.paths():
        add_picture(found, path.relative_to(folder).with_suffix("").as_posix(), path)
    if not found:
        formats = ", ".join(sorted(PICTURE_SUFFIXES))
        raise DataError(f"{folder} holds no pictures ({formats}){tree.hint()}")
    return found


def add_picture(found: dict[str, Path], name: str, path: Path) -> None:
    """Add a picture by its name; raise DataError if the name is taken."""
    if name in found:
        other = path.name if path.parent == found[name].parent else path
        raise DataError(f"{found[name]} and {other} have the same name: rename or remove one")
    found[name] = path


def _list(place: Path) -> tuple[list[str], list[str]]:
    """Return the names of a folder's files and of its subfolders, without hidden ones."""
    names: list[str] = []
    below: list[str] = []
    with os.scandir(place) as entries:
        for entry in entries:
            if not entry.name.startswith("."):
                (below if entry.is_dir() else names).append(entry.name)
    return names, below


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - once for each of 271,018 pictures
