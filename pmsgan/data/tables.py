"""Pair pictures of different names by a table."""

from collections.abc import Sequence
from pathlib import Path

from pmsgan.counts import count
from pmsgan.data.lists import Row, read_rows, resolve_names
from pmsgan.data.names import singular
from pmsgan.data.pairs import Pair, find_sides, read_direction, some
from pmsgan.data.picture_file import PictureFile
from pmsgan.errors import DataError


def pair_by_table(root: Path, direction: str, table: Path) -> list[Pair]:
    """Pair the pictures of two sides by a table, in its order.

    A line names a picture of each side, in any order of the two, which may differ from line to
    line. A line may also name a picture of one side alone, and then the other side's pictures
    follow in the order of their names. Each pair has the shorter name of its pictures, or, if that
    of another is the same, its input's path.

    Args:
        root: see `pmsgan.data.pairs.find_sides`.
        direction: `FROM:TO`, see there.
        table: a text file, see `pmsgan.data.lists.read_rows`.

    Raises:
        ConfigError: the direction cannot be read.
        DataError: a side has no pictures, the table cannot be read, names pictures that are not
            there or one twice, or does not have as many lines as a side has pictures.
    """
    sources, targets = find_sides(root, direction)
    rows = read_rows(table, can_have_spaces=False)
    if {singular(field) for field in rows[0].fields} & {
        singular(it) for it in read_direction(direction)
    }:
        rows = rows[1:]  # a heading
    one_column = all(len(row.fields) == 1 for row in rows)
    matched = (_by_order if one_column else _by_columns)(table, rows, sources, targets)
    for side in zip(*matched, strict=True):
        if len(set(side)) < len(side):
            twice = next(path for path in side if side.count(path) > 1)
            raise DataError(f"{table} names {twice} twice: remove a line")
    names = [min(source.stem, target.stem, key=len) for source, target in matched]
    if len(set(names)) < len(names):
        names = [it.relative_to(root).with_suffix("").as_posix() for it, _ in matched]
    return [
        Pair(name, PictureFile(source), PictureFile(target))
        for name, (source, target) in zip(names, matched, strict=True)
    ]


def _by_columns(
    table: Path, rows: Sequence[Row], sources: Sequence[Path], targets: Sequence[Path]
) -> list[tuple[Path, Path]]:
    """Pair by two columns; which of them has the inputs may change from line to line.

    A picture whose name or folder shows its side decides it; otherwise the majority of lines does.
    """
    first = [row.fields[0] for row in rows]
    second = [row.fields[1] if len(row.fields) > 1 else "" for row in rows]
    straight = list(zip(_find(first, sources), _find(second, targets), strict=True))
    turned = list(zip(_find(second, sources), _find(first, targets), strict=True))
    if _num_missing(turned) < _num_missing(straight):
        straight, turned = turned, straight
    anywhere = _find([*first, *second], [*sources, *targets])
    inputs = set(sources)
    matched, missing = [], []
    for number, row in enumerate(rows):
        known = [path for path in (anywhere[number], anywhere[len(rows) + number]) if path]
        by_side = sorted(known, key=lambda path: path not in inputs)
        if len({path in inputs for path in known}) == 2:
            matched.append((by_side[0], by_side[1]))
        elif len(known) == 2:
            raise DataError(
                f"{table}, line {row.line}: {known[0]} and {known[1]} are on the same side: name a "
                "picture of each side"
            )
        elif pair := _whole(straight[number]) or _whole(turned[number]):
            matched.append(pair)
        else:
            missing.append(f"{first[number]} {second[number]}".strip() + f" (line {row.line})")
    if missing:
        raise DataError(
            f"{table} names {count(len(missing), 'pair')} with a picture that is missing or "
            f"ambiguous: {some(missing)}"
        )
    return matched


def _num_missing(pairs: Sequence[tuple[Path | None, Path | None]]) -> int:
    return sum(pair.count(None) for pair in pairs)


def _whole(pair: tuple[Path | None, Path | None]) -> tuple[Path, Path] | None:
    source, target = pair
    return None if source is None or target is None else (source, target)


def _by_order(
    table: Path, rows: Sequence[Row], sources: Sequence[Path], targets: Sequence[Path]
) -> list[tuple[Path, Path]]:
    names = [row.fields[0] for row in rows]
    ours, theirs = _find(names, sources), _find(names, targets)
    turned = ours.count(None) > theirs.count(None)
    found, others = (theirs, sources) if turned else (ours, targets)
    named = [path for path in found if path is not None]
    if len(named) < len(names):
        missing = [
            f"{row.fields[0]} (line {row.line})"
            for row, path in zip(rows, found, strict=True)
            if path is None
        ]
        raise DataError(f"{table} names pictures that are not there: {some(missing)}")
    if len(named) != len(others):
        raise DataError(
            f"{table} has {count(len(named), 'line')} for {count(len(others), 'picture')} "
            f"({others[0]}, ...): write two names on each line"
        )
    return list(zip(others, named, strict=True) if turned else zip(named, others, strict=True))


def _find(names: Sequence[str], pictures: Sequence[Path]) -> list[Path | None]:
    return resolve_names(names, [(path, {str(path.with_suffix(""))}) for path in pictures]).found
