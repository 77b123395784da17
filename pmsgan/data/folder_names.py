"""Words in the names of folders that show the side of a pair and the part of a set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pmsgan.data.names import singular, words

Part = Literal["train", "test"]

PARTS: dict[str, Part] = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "test",
    "valid": "test",
    "validation": "test",
}
"""Words that name a part of a set; validation pairs are also held out."""

_PREPARED = frozenset({"original", "cropped", "crop", "aligned"})
"""Words for how pictures were prepared, in which the folders of two sides may differ."""


class FolderNames:
    """Understands the folders below one folder, for one pair of sides.

    A folder is given as the names that lead from the root to it. The name of a side is that of a
    subfolder of the root, or else a word: photo is in photos, train_photos and Training Photos.
    """

    def __init__(self, root: Path, sides: Sequence[str], *, without_prepared: bool = False) -> None:
        """Take the sides.

        Args:
            root: the folder.
            sides: names of the sides; none where each picture holds both.
            without_prepared: leave words such as cropped and original out of `name`.
        """
        self._sides = tuple(sides)
        self._words = {singular(side) for side in sides}
        self._left_out = _PREPARED if without_prepared else frozenset[str]()
        exact = all((root / side).is_dir() for side in sides)
        self._places = [Path(side).parts for side in sides] if exact else None

    def side(self, folder: tuple[str, ...]) -> int | None:
        """Return the number of a folder's side, by the innermost name that shows it."""
        if self._places is not None:
            for number, place in enumerate(self._places):
                if folder[: len(place)] == place:
                    return number
            return None
        for name in reversed(folder):
            told = [number for number, side in enumerate(self._sides) if _has_word(name, side)]
            if len(told) == 1:
                return told[0]
        return None

    def part(self, folder: tuple[str, ...]) -> Part | None:
        """Return the part of the set that a folder holds, by the innermost name that shows it.

        A folder that is called test_single is none: the name is a word for a part, or has the
        word of a side as well.
        """
        for name in reversed(folder):
            named = {PARTS[word] for word in map(str.casefold, words(name)) if word in PARTS}
            alone = name.casefold() in PARTS
            if len(named) == 1 and (alone or any(_has_word(name, side) for side in self._sides)):
                return named.pop()
        return None

    def name(self, folder: tuple[str, ...]) -> tuple[str, ...]:
        """Return the names of a folder without the words of the sides."""
        side = self.side(folder) if self._places else None
        inner = folder[len(self._places[side]) :] if self._places and side is not None else folder
        return tuple(filter(None, map(self._without_side, inner)))

    def _without_side(self, name: str) -> str:
        if name in self._sides:
            return ""
        all_words = words(name)
        kept = [
            word
            for word in all_words
            if singular(word) not in self._words and word.casefold() not in self._left_out
        ]
        return name if len(kept) == len(all_words) else "_".join(kept)


def _has_word(name: str, side: str) -> bool:
    return name == side or singular(side) in map(singular, words(name))
