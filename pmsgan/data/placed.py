"""The pictures of a tree, with what the names of their folders say of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from pmsgan.data.folder_names import PARTS, FolderNames, Part
from pmsgan.data.tree import Tree, add_picture

MAX_SIDES = 3
"""Number of folders with pictures of the same names that are taken for sides of pairs."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A picture, as its folder names it."""

    name: tuple[str, ...]
    """Folders that tell neither side nor part, and its own name without suffix."""
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


def twin_folders(placed: list[Placed]) -> set[str]:
    """Return folders that hold pictures of the same names: they are sides, not pairs."""
    placed = [it for it in placed if len(it.name) > 1]
    num_shared = _num_shared(placed)
    held: dict[str, set[tuple[str, ...]]] = {}
    for it in placed:
        *folders, name = it.name[num_shared:]
        inner = [folder for folder in folders if folder.casefold() not in PARTS]
        if inner:
            held.setdefault(inner[0], set()).add((it.part or "", *inner[1:], name))
    first, *others = held.values() or [set()]
    return {*held} if 0 < len(others) < MAX_SIDES and all(it == first for it in others) else set()


def _num_shared(placed: Iterable[Placed]) -> int:
    """Return how many outer folders all pictures share."""
    folders = {it.name[:-1] for it in placed}
    equal = zip(min(folders, default=()), max(folders, default=()), strict=False)
    return sum(1 for _ in takewhile(lambda names: names[0] == names[1], equal))
