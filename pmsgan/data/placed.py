"""Pictures of a tree, described by the names of their folders."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from pmsgan.data.folder_names import PARTS, FolderNames, Part
from pmsgan.data.names import words
from pmsgan.data.tree import Tree, add_picture

MAX_SIDES = 3
"""Most folders with the same picture names that are taken for sides of pairs."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A picture, described by the names of its folders."""

    name: tuple[str, ...]
    """Folders that show neither side nor part, and its own name without suffix."""
    path: Path
    part: Part | None


def place_pictures(tree: Tree, names: FolderNames, num_sides: int = 2) -> list[list[Placed]]:
    """Return the pictures of each side."""
    placed: list[list[Placed]] = [[] for _ in range(num_sides)]
    for folder in tree.folders:
        side = names.side(folder.parts) if num_sides == 2 else 0
        if side is None:
            continue
        name, part = names.name(folder.parts), names.part(folder.parts)
        place = tree.root.joinpath(*folder.parts)
        placed[side] += [
            Placed((*name, picture[: picture.rindex(".")]), place / picture, part)
            for picture in folder.pictures
        ]
    return placed


def keep_parts(placed: list[list[Placed]]) -> list[list[Placed]]:
    """Leave out what lies outside of the parts of a set that has both."""
    if not {picture.part for side in placed for picture in side} >= {"train", "test"}:
        return placed
    return [[picture for picture in side if picture.part is not None] for side in placed]


def by_name(placed: list[list[Placed]]) -> list[dict[str, Placed]]:
    """Return the pictures of each side by name; folders that all share are no part of it."""
    num_shared = _num_shared(picture for side in placed for picture in side)
    named = []
    for side in placed:
        paths: dict[str, Path] = {}
        for picture in side:
            add_picture(paths, "/".join(picture.name[num_shared:]), picture.path)
        named.append(dict(zip(paths, side, strict=True)))
    return named


def drop_twin_folders(placed: list[Placed]) -> tuple[list[Placed], list[str]]:
    """Leave out folders that hold pictures of the same names: they are sides, not pairs.

    Returns:
        The other pictures, and the names of these folders.
    """
    num_shared = _num_shared(picture for picture in placed if len(picture.name) > 1)
    held: dict[str, set[tuple[str, ...]]] = {}
    found: dict[str, list[str]] = {}
    for picture in placed:
        side, folder, rest = _outermost(
            picture.name[num_shared:] if len(picture.name) > 1 else picture.name
        )
        if side:
            held.setdefault(side, set()).add((picture.part or "", *rest))
            found.setdefault(side, []).append(folder)
    first, *others = held.values() or [set()]
    if not 0 < len(others) < MAX_SIDES or any(other != first for other in others):
        return placed, []
    kept = [
        picture
        for picture in placed
        if not _outermost(picture.name[num_shared:])[0] or len(picture.name) == 1
    ]
    return kept, sorted({name for folders in found.values() for name in folders})


def _outermost(name: tuple[str, ...]) -> tuple[str, str, tuple[str, ...]]:
    """Return the words of the outermost folder that names more than a part, it, and the rest."""
    for index, folder in enumerate(name[:-1]):
        kept = [word for word in words(folder) if word.casefold() not in PARTS]
        if kept:
            return "_".join(kept), folder, (*name[:index], *name[index + 1 :])
    return "", "", name


def _num_shared(placed: Iterable[Placed]) -> int:
    """Return how many outer folders all pictures share."""
    folders = {picture.name[:-1] for picture in placed}
    equal = zip(min(folders, default=()), max(folders, default=()), strict=False)
    return sum(1 for _ in takewhile(lambda names: names[0] == names[1], equal))
