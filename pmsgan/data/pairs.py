"""Find pairs of pictures in the layouts that data sets have on disk.

A set has two folders of pictures, or pictures that hold both sides, or either in a tree of folders.
Words in the names of folders show the side and the part of the set (train_photos, test/sketch); the
rest of the path belongs to the name of a pair (AR/1).
"""

import logging
import shlex
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pmsgan.counts import count
from pmsgan.data.folder_names import PARTS, FolderNames, Part
from pmsgan.data.names import Partners, match_names, natural_key
from pmsgan.data.picture_file import PictureFile
from pmsgan.data.placed import Placed, by_name, drop_twin_folders, keep_parts, place_pictures
from pmsgan.data.tree import Tree, walk_pictures
from pmsgan.errors import ConfigError, DataError

MAX_NAMED = 5
"""Number of names that an error gives as examples."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pair:
    """An input and its target."""

    name: str
    input: PictureFile
    target: PictureFile
    part: Part | None = None
    """Part of its set that its folder names; None where no folder does."""


def find_pairs(root: Path, direction: str, halves: str | None = None) -> list[Pair]:
    """List the pairs below a folder, by name, numbers in names by their value.

    Args:
        root: folders of pictures of the same names, or of names that `match_names` can match; or
            side-by-side pictures.
        direction: `FROM:TO`. For side-by-side pictures `left:right` or `right:left`; for folders
            their names or words in their names, such as `sketch:face`.
        halves: direction of side-by-side pictures where no folder has such a word; None: there
            must be folders.

    Raises:
        ConfigError: the direction cannot be read.
        DataError: the folder holds no pairs, or names without a partner.
    """
    sides = read_direction(direction)
    tree = walk_pictures(root)
    if {*sides} == {"left", "right"}:
        return _side_by_side(tree, sides[0])
    placed = place_pictures(tree, FolderNames(root, sides))
    if halves is not None and not any(placed):
        return _side_by_side(tree, read_direction(halves)[0])
    _check_sides(tree, sides, placed)
    named = by_name(_keep_parts(tree, placed))
    matched = match_names(*named)
    if matched.lonely:
        bare = place_pictures(tree, FolderNames(root, sides, without_prepared=True))
        with suppress(DataError):  # two pictures of one name, since these words tell them apart
            named_again = by_name(keep_parts(bare))
            matched_again = match_names(*named_again)
            if len(matched_again.lonely) <= len(matched.lonely):
                named, matched = named_again, matched_again
    _check_partners(tree, direction, matched)
    pairs = [_pair(named, *names) for names in matched.pairs]
    return sorted(pairs, key=lambda pair: natural_key(pair.name))


def find_sides(root: Path, direction: str) -> tuple[list[Path], list[Path]]:
    """List the pictures of both sides in order, whatever their names.

    Args:
        root: see `find_pairs`; not for side-by-side pictures.
        direction: see `find_pairs`.

    Raises:
        ConfigError: the direction cannot be read.
        DataError: one side has no pictures.
    """
    sides = read_direction(direction)
    tree = walk_pictures(root)
    placed = place_pictures(tree, FolderNames(root, sides))
    _check_sides(tree, sides, placed)
    return [picture.path for picture in placed[0]], [picture.path for picture in placed[1]]


def read_direction(direction: str) -> tuple[str, str]:
    """Split `FROM:TO`; raise ConfigError if it has another form."""
    source, separator, target = direction.partition(":")
    if not separator or not source or not target or source == target:
        raise ConfigError(
            f"direction is {direction!r}: write FROM:TO, such as left:right or sketch:face"
        )
    return source, target


def has_parts(pairs: Iterable[Pair]) -> bool:
    """Say whether folders name both parts of a set, for training and for tests."""
    return {pair.part for pair in pairs} >= {"train", "test"}


def some(names: Sequence[str]) -> str:
    """Join the first names for a message."""
    more = len(names) - MAX_NAMED
    return ", ".join(names[:MAX_NAMED]) + (f" and {more} more" if more > 0 else "")


def _check_sides(tree: Tree, sides: tuple[str, str], placed: list[list[Placed]]) -> None:
    """Raise DataError where one side has no pictures."""
    for side, found in zip(sides, placed, strict=True):
        if not found:
            root = tree.root
            if root.name in sides and all((root.parent / name).is_dir() for name in sides):
                raise DataError(f"{root} is one side of the pairs: give {root.parent}")
            raise DataError(f"{root} {_missing_side_reason(tree, side, sides[0])}")


def _missing_side_reason(tree: Tree, side: str, source: str) -> str:
    if tree.unread:
        return f"has no readable pictures of {side}{tree.hint()}"
    if not tree.folders:
        return "holds no pictures: give the folder that holds the pairs"
    halves = (
        "where each picture has both sides, type --direction left:right, or right:left if "
        f"{source} is on the right"
    )
    names = (part for folder in tree.folders for part in folder.parts[-1:])
    folders = list(dict.fromkeys(name for name in names if name.casefold() not in PARTS))
    if not folders:
        return f"has no folder of {side} pictures: {halves}"
    two = "FROM:TO with two of these"
    if len(folders) == 2:
        two = "{0}:{1} if {0} has the {2} side, else {1}:{0}".format(*folders, source)
    return (
        f"has no folder of {side} pictures, only {some(folders)}: type --direction {two}; {halves}"
    )


def _keep_parts(tree: Tree, placed: list[list[Placed]]) -> list[list[Placed]]:
    kept = keep_parts(placed)
    if num_left_out := sum(map(len, placed)) - sum(map(len, kept)):
        _log.warning(
            "%s left out, outside of the folders of %s for training and testing",
            count(num_left_out, "picture is", "pictures are"),
            tree.root,
        )
    return kept


def _check_partners(tree: Tree, direction: str, matched: Partners) -> None:
    if matched.lonely:
        lonely = count(len(matched.lonely), "picture has", "pictures have")
        raise DataError(
            f"{lonely} no partner with the same name ({some(matched.lonely)}): complete "
            f"{tree.root}, or write the names of matching pictures to a FILE, two per line, and "
            f"type pmsgan prepare pairs {shlex.quote(str(tree.root))} OUT --direction {direction} "
            f"--pairs FILE{tree.hint()}"
        )
    if matched.loose:
        _log.info(
            "%s matched although the names differ, such as %s and %s",
            count(len(matched.loose), "pair was", "pairs were"),
            *matched.loose[0],
        )


def _pair(named: list[dict[str, Placed]], ours: str, theirs: str) -> Pair:
    source, target = named[0][ours], named[1][theirs]
    name = min(ours, theirs, key=len)
    return Pair(name, PictureFile(source.path), PictureFile(target.path), source.part)


def _side_by_side(tree: Tree, first: str) -> list[Pair]:
    (placed,) = _keep_parts(tree, place_pictures(tree, FolderNames(tree.root, ()), num_sides=1))
    placed, twins = drop_twin_folders(placed)
    if not placed:
        folders = twins or sorted({folder.parts[0] for folder in tree.folders})
        hint = f"; for two of its folders ({', '.join(folders)}) give --direction FROM:TO"
        raise DataError(
            f"{tree.root} holds no side-by-side pictures{hint if folders else ''}{tree.hint()}"
        )
    (named,) = by_name([placed])
    pairs = []
    for name in sorted(named, key=natural_key):
        left, right = (PictureFile(named[name].path, half) for half in ("left", "right"))
        sides = (left, right) if first == "left" else (right, left)
        pairs.append(Pair(name, *sides, named[name].part))
    return pairs
