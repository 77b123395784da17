"""Match the pictures of two folders by their names."""

import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from pmsgan.errors import DataError
from pmsgan.formats import PICTURE_SUFFIXES


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """Pictures in both folders, and those in only one."""

    pairs: dict[str, tuple[Path, Path]]
    """Predicted and true file, by the name that they share: their path without suffix."""
    only_predicted: tuple[str, ...]
    only_true: tuple[str, ...]

    def without(self, left_out: Collection[str]) -> "Match":
        """Return the match without some names of true pictures."""
        return Match(
            pairs={name: files for name, files in self.pairs.items() if name not in left_out},
            only_predicted=self.only_predicted,
            only_true=tuple(name for name in self.only_true if name not in left_out),
        )


def match_folders(predicted: Path, truth: Path) -> Match:
    """Match two folders and their subfolders; suffixes may differ.

    Raises:
        DataError: one is not a folder or holds two pictures with the same name, or no name is in
        both.
    """
    ours, theirs = picture_files(predicted), picture_files(truth)
    common = sorted(ours.keys() & theirs.keys())
    if not common:
        raise DataError(
            f"no picture in {predicted} has the name of one in {truth}: pictures are matched by "
            "their path without the suffix"
        )
    return Match(
        pairs={name: (ours[name], theirs[name]) for name in common},
        only_predicted=tuple(sorted(ours.keys() - theirs.keys())),
        only_true=tuple(sorted(theirs.keys() - ours.keys())),
    )


def picture_files(folder: Path) -> dict[str, Path]:
    """Return the pictures below a folder by their path without suffix, hidden ones left out.

    Raises:
        DataError: it is not a folder, cannot be read, or holds two pictures with the same name.
    """

    def refuse(error: OSError) -> None:
        raise DataError(f"cannot read {error.filename}: {error.strerror}") from error

    if not folder.is_dir():
        raise DataError(f"{folder} is not a folder: give a folder of pictures")
    found: dict[str, Path] = {}
    for place, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for file in sorted(files):
            path = Path(place, file)
            is_picture = path.suffix.lower() in PICTURE_SUFFIXES and not file.startswith(".")
            if not is_picture or not path.is_file():
                continue
            name = path.relative_to(folder).with_suffix("").as_posix()
            if name in found:
                raise DataError(f"{found[name]} and {path.name} have the same name: remove one")
            found[name] = path
    return found


def numbered(names: Iterable[str]) -> list[str]:
    """Make the names of methods unique by numbering equal ones."""
    found: list[str] = []
    for name in names:
        found.append(name if name not in found else f"{name} ({len(found) + 1})")
    return found
