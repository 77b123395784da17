"""Lists of pictures in text files, in the forms that sets come with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath
from typing import Generic, TypeVar

from pmsgan.counts import count
from pmsgan.data.pairs import Pair, some
from pmsgan.data.text_lines import read_lines
from pmsgan.data.tree import COMPRESSED_SUFFIXES
from pmsgan.errors import DataError
from pmsgan.formats import PICTURE_SUFFIXES, unsupported_reason

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a list."""

    line: int
    """Number of the line, from 1."""
    fields: list[str]


def read_rows(path: Path, *, can_have_spaces: bool) -> list[Row]:
    """Read the fields of each line but blank ones and comments, see `read_lines`.

    Fields are separated by ||, by tabs, by commas or semicolons, or by spaces.

    Args:
        path: the file.
        can_have_spaces: a line of one field may have commas and spaces; it has several fields if
            two of them end like a picture's name.

    Raises:
        DataError: the file cannot be read, or names nothing.
    """
    rows = [Row(number, _fields(line, can_have_spaces)) for number, line in read_lines(path)]
    if not rows:
        raise DataError(f"{path} names no pairs: write one name per line")
    return rows


def select_pairs(path: Path, pairs: Sequence[Pair]) -> tuple[Pair, ...]:
    """Return the pairs that a list names, in its order.

    A line has the name of a pair, or enough of the path of its input or target to identify it, with
    or without suffix; of several fields the first two count (photo||sketch||...). A line that names
    no pair as a whole may have commas or spaces between its fields.

    Args:
        path: the list.
        pairs: all pairs of the set.

    Raises:
        DataError: the list cannot be read, is empty, or names pairs that are not there.
    """
    rows = read_rows(path, can_have_spaces=True)
    known = [
        (pair, {pair.name, str(pair.input.path.with_suffix("")),
                str(pair.target.path.with_suffix(""))})
        for pair in pairs
    ]  # fmt: skip
    whole = resolve_names([row.fields[0] for row in rows], known)
    rows = [
        Row(row.line, _fields(row.fields[0], can_have_spaces=False))
        if len(row.fields) == 1 and pair is None
        else row
        for row, pair in zip(rows, whole.found, strict=True)
    ]
    first = resolve_names([row.fields[0] for row in rows], known)
    second = resolve_names([row.fields[1] if len(row.fields) > 1 else "" for row in rows], known)
    chosen: dict[str, Pair] = {}
    missing = []
    for row, one, other in zip(rows, first.found, second.found, strict=True):
        if one is not None and other is not None and one is not other:
            raise DataError(
                f"{path}, line {row.line}: {row.fields[0]} and {row.fields[1]} belong to two "
                "pairs: write the two sides of one pair, or one name per line"
            )
        if (pair := one or other) is not None:
            chosen[pair.name] = pair
        else:
            missing.append(f"{row.fields[0]} (line {row.line})")
    if missing:
        several = f"; {first.ambiguous} is ambiguous: add its folder"
        raise DataError(
            f"{path} names {count(len(missing), 'pair that is', 'pairs that are')} not there: "
            f"{some(missing)}"
            f"{several if first.ambiguous else ''}"
        )
    return tuple(chosen.values())


@dataclass(frozen=True, slots=True)
class Resolved(Generic[T]):
    """The pairs that the entries of a list name."""

    found: list[T | None]
    """The object of each entry; None for one that is missing or ambiguous."""
    ambiguous: str
    """An ambiguous entry; empty if there is none."""


def resolve_names(written: Sequence[str], known: Iterable[tuple[T, set[str]]]) -> Resolved[T]:
    """Find objects by their paths in a list that somebody has written.

    A written path may have more or fewer outer folders than ours; the same number of outer folders
    is ignored for all entries. Suffixes and case are ignored.

    Args:
        written: the entries; empty ones are skipped.
        known: objects, each with its paths, without suffix.
    """
    entries = [_parts(without_suffix(entry)) for entry in written]
    objects = list(known)
    paths = [(number, _parts(path)) for number, (_, names) in enumerate(objects) for path in names]
    best: list[set[int]] = [set() for _ in entries]
    for num_dropped in range(max(map(len, entries), default=0)):
        tails = [entry[min(num_dropped, len(entry) - 1) :] if entry else () for entry in entries]
        index: dict[tuple[str, ...], set[int]] = {}
        for depth in {len(tail) for tail in tails} - {0}:
            for number, path in paths:
                index.setdefault(path[-depth:], set()).add(number)
        found = [index.get(tail, set()) for tail in tails]
        if num_dropped and _has_merged(entries, found):  # folders that told two sets apart
            continue
        if _num_found(found) > _num_found(best) or not any(best):
            best = found
        if _num_found(best) == sum(1 for entry in entries if entry):
            break
    return Resolved(
        [objects[next(iter(matches))][0] if len(matches) == 1 else None for matches in best],
        next((text for text, matches in zip(written, best, strict=True) if len(matches) > 1), ""),
    )


def without_suffix(name: str) -> str:
    """Return a written name or path without the suffixes of a picture, compressed or not."""
    while _is_picture(name):
        name = str(PurePosixPath(name).with_suffix(""))
    return name


def _has_merged(entries: Sequence[tuple[str, ...]], found: Sequence[set[int]]) -> bool:
    """Say whether different entries have found the same object."""
    by_object = {
        next(iter(objects)): entry for entry, objects in zip(entries, found, strict=True) if objects
    }
    with_object = {entry for entry, objects in zip(entries, found, strict=True) if objects}
    return len(with_object) > len(by_object)


def _num_found(found: Sequence[set[int]]) -> int:
    return sum(1 for matches in found if len(matches) == 1)


def _fields(line: str, can_have_spaces: bool) -> list[str]:
    for separator in ("||", "\t"):
        if separator in line:
            return _stripped(line.split(separator))
    for fields in map(_stripped, (line.split(","), line.split(";"), line.split())):
        if len(fields) > 1 and (not can_have_spaces or _is_pair(fields)):
            return fields
    return _stripped([line])


def _stripped(fields: Iterable[str]) -> list[str]:
    return [field.strip().strip("'\"").replace("\\", "/") for field in fields]


def _is_pair(fields: Sequence[str]) -> bool:
    return len(fields) > 1 and all(_is_picture(field) for field in fields[:2])


def _is_picture(name: str) -> bool:
    suffix = PurePath(name).suffix.lower()
    return (
        suffix in PICTURE_SUFFIXES
        or suffix in COMPRESSED_SUFFIXES
        or unsupported_reason(suffix) is not None
    )


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.casefold().split("/") if part not in ("", "."))
