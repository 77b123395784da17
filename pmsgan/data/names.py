"""Sort names of files and folders, split them into words, and match those of two sides."""

import os
import re
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass

_NUMBER = re.compile(r"(\d+)")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_CUHK_NAME = re.compile(r"(.*/)?([a-z])[a-z0-9]?([-_]\d+[-_]\d+)(?:[-_]sz1)?")
"""Name of a picture of CUFS: a letter, the number of the person and that of the picture.

The sketch alone may have another sign after the letter: F2-005-01-sz1 belongs to f-005-01,
Mp-002-1-sz1 to m-002-1.
"""


def natural_key(name: str) -> tuple[tuple[int | str, ...], str]:
    """Return a sort key that puts 2.png before 10.png."""
    pieces = _NUMBER.split(name.casefold())
    # Text and numbers take turns, so that no number is compared with a text.
    return tuple(int(piece) if i % 2 else piece for i, piece in enumerate(pieces)), name


def words(name: str) -> list[str]:
    """Split a name into its words: CUHK_training-photos, trainA, Test Sketches."""
    return _WORD.findall(name)


def singular(word: str) -> str:
    """Return a word in lower case and without the s or es of a plural."""
    word = word.casefold()
    if word.endswith(("ches", "shes", "xes", "sses")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


@dataclass(frozen=True, slots=True)
class Partners:
    """Names of two sides, matched."""

    pairs: list[tuple[str, str]]
    lonely: list[str]
    """Names on either side without a partner."""
    loose: list[tuple[str, str]]
    """Pairs, some of `pairs`, whose two names are not the same."""


def match_names(ours: Iterable[str], theirs: Iterable[str]) -> Partners:
    """Match names that are paths below two folders, without suffix.

    First, equal names are matched. Of the rest, names are matched that are equal apart from upper
    and lower case, then those where one is the beginning of the other (f-039-01 and
    f-039-01-sz1, 00001 and 00001fa010_930831), then those that follow the rules of CUFS. A name
    that could be matched with several stays alone.
    """
    left, right = dict.fromkeys(ours), dict.fromkeys(theirs)
    pairs = [(name, name) for name in left if name in right]
    for name, _ in pairs:
        del left[name], right[name]
    loose: list[tuple[str, str]] = []
    for rule in (_same_letters, _same_beginning, _same_in_cuhk):
        if not left or not right:
            break
        for one, other in rule(list(left), list(right)):
            del left[one], right[other]
            loose.append((one, other))
    lonely = sorted([*left, *right], key=natural_key)
    return Partners([*pairs, *loose], lonely, loose)


def _same_letters(ours: list[str], theirs: list[str]) -> Iterator[tuple[str, str]]:
    yield from _match_by(str.casefold, ours, theirs)


def _same_in_cuhk(ours: list[str], theirs: list[str]) -> Iterator[tuple[str, str]]:
    if any(all(name.casefold().endswith("sz1") for name in side) for side in (ours, theirs)):
        yield from _match_by(_cuhk_key, ours, theirs)


def _cuhk_key(name: str) -> str:
    found = _CUHK_NAME.fullmatch(name.casefold())
    return "".join(filter(None, found.groups())) if found else name


def _match_by(
    key: Callable[[str], str], ours: list[str], theirs: list[str]
) -> Iterator[tuple[str, str]]:
    """Match names whose keys are equal and occur once on each side."""
    left, right = (
        {key(name): name for name in side if counts[key(name)] == 1}
        for side, counts in ((names, Counter(map(key, names))) for names in (ours, theirs))
    )
    yield from ((left[it], right[it]) for it in left if it in right)


def _same_beginning(ours: list[str], theirs: list[str]) -> Iterator[tuple[str, str]]:
    left, right = ({name.casefold(): name for name in side} for side in (ours, theirs))
    found = [(left[long], right[short]) for long, short in _shortened(left, right)]
    found += [(left[short], right[long]) for long, short in _shortened(right, left)]
    times_left, times_right = (Counter(pair[i] for pair in found) for i in (0, 1))
    for one, other in found:
        if times_left[one] == times_right[other] == 1:
            yield one, other


def _shortened(names: Iterable[str], known: Container[str]) -> Iterator[tuple[str, str]]:
    """Yield each name together with each known name that it begins with."""
    yield from (
        (name, beginning) for name in names for beginning in _beginnings(name) if beginning in known
    )


def _beginnings(name: str) -> Iterator[str]:
    """Yield the beginnings of a path's last name that end where letters or digits end."""
    first = len(os.path.dirname(name)) + 2 if "/" in name else 1  # noqa: PTH120 - a name, no path
    for end in range(first, len(name)):
        if _kind(name[end - 1]) != _kind(name[end]):
            yield name[:end]


def _kind(sign: str) -> int:
    return 0 if sign.isdigit() else 1 if sign.isalpha() else 2
