"""Find unused entries of a palette: sections that match no picture, parts that no picture has."""

import difflib
import re
from collections.abc import Iterable
from pathlib import PurePosixPath

from pmsgan.styles.palette import Palette

MAX_COMPARED = 10_000
"""Most names that are compared with a pattern to find the nearest."""


def describe_unmatched_sections(palette: Palette, names: Iterable[str]) -> str | None:
    """Say which sections match no picture, each with the nearest name; None if all match one.

    Args:
        palette: one that a user wrote.
        names: paths of the pictures below IN, with slashes.
    """
    unmatched = [section for section in palette.sections if not section.is_default]
    compared: list[str] = []
    for name in names:
        unmatched = [section for section in unmatched if not section.matches(name)]
        if not unmatched:
            return None
        if len(compared) < MAX_COMPARED:
            compared.append(name)
    patterns = [_with_nearest(section.pattern, compared) for section in unmatched]
    return (
        f"these sections of the palette match no picture: {', '.join(patterns)}"
        if patterns
        else None
    )


def describe_missing_parts(palette: Palette, found: Iterable[str]) -> str | None:
    """Say which parts have a colour in the palette and are in no picture; None if there are none.

    Args:
        palette: one that a user wrote.
        found: parts that some picture has.
    """
    coloured = dict.fromkeys(part for section in palette.sections for part in section.colours)
    missing = [part for part in coloured if part not in set(found)]
    return (
        f"the palette colours parts that no picture has: {', '.join(missing)}" if missing else None
    )


def _with_nearest(pattern: str, names: list[str]) -> str:
    """Return a pattern, with a similar name if there is one."""
    start = re.split(r"[*?[]", pattern, maxsplit=1)[0]
    if not start:
        return repr(pattern)
    depth = len(PurePosixPath(pattern).parts)
    starts: dict[str, str] = {}
    for name in names:
        end = "/".join(PurePosixPath(name).parts[-depth:])
        starts.setdefault(end[: len(start)].casefold(), end)
    near = difflib.get_close_matches(start.casefold(), starts, n=1)
    return f"{pattern!r} (the nearest name is {starts[near[0]]!r})" if near else repr(pattern)
