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
            Placed((*name, it[: it.rindex(".")]), place / it, part) for it in folder.pictures
        ]
    return placed


def keep_parts(placed: list[list[Placed]]) -> list[list[Placed]]:
    """Leave out what lies outside of the parts of a set that has both."""
    if not {it.part for side in placed for it in side} >= {"train", "test"}:
        return placed
    return [[it for it in side if it.part is not None] for side in placed]


def by_name(placed: list[list[Placed]]) -> list[dict[str, Placed]]:
    """Return the pictures of each side by name; folders that all share are no part of it."""
    num_shared = _num_shared(it for side in placed for it in side)
    named = []
    for side in placed:
        paths: dict[str, Path] = {}
        for it in side:
            add_picture(paths, "/".join(it.name[num_shared:]), it.path)
        named.append(dict(zip(paths, side, strict=True)))
    return named


def drop_twin_folders(placed: list[Placed]) -> tuple[list[Placed], list[str]]:
    """Leave out folders that hold pictures of the same names: they are sides, not pairs.

    Returns:
        The other pictures, and the names of these folders.
    """
    num_shared = _num_shared(it for it in placed if len(it.name) > 1)
    held: dict[str, set[tuple[str, ...]]] = {}
    found: dict[str, list[str]] = {}
    for it in placed:
        side, folder, rest = _outermost(it.name[num_shared:] if len(it.name) > 1 else it.name)
        if side:
            held.setdefault(side, set()).add((it.part or "", *rest))
            found.setdefault(side, []).append(folder)
    first, *others = held.values() or [set()]
    if not 0 < len(others) < MAX_SIDES or any(it != first for it in others):
        return placed, []
    kept = [it for it in placed if not _outermost(it.name[num_shared:])[0] or len(it.name) == 1]
    return kept, sorted({it for folders in found.values() for it in folders})


def _outermost(name: tuple[str, ...]) -> tuple[str, str, tuple[str, ...]]:
    """Return the words of the outermost folder that names more than a part, it, and the rest."""
    for index, folder in enumerate(name[:-1]):
        kept = [it for it in words(folder) if it.casefold() not in PARTS]
        if kept:
            return "_".join(kept), folder, (*name[:index], *name[index + 1 :])
    return "", "", name


def _num_shared(placed: Iterable[Placed]) -> int:
    """Return how many outer folders all pictures share."""
    folders = {it.name[:-1] for it in placed}
    equal = zip(min(folders, default=()), max(folders, default=()), strict=False)
    return sum(1 for _ in takewhile(lambda names: names[0] == names[1], equal))
