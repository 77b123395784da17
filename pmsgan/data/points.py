"""Eye centres of pictures, from a table or from the files of points that come with sets."""

import csv
import logging
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from pmsgan.counts import count
from pmsgan.data.config import Eyes
from pmsgan.data.lists import without_suffix
from pmsgan.data.names import match_names
from pmsgan.data.text_lines import read_lines
from pmsgan.errors import ConfigError, DataError

_log = logging.getLogger(__name__)

POINT_SUFFIXES = frozenset({".3pts", ".dat", ".pos", ".pts", ".txt"})
"""Suffixes of files that hold the points of one picture."""

COLUMNS = ("left_x", "left_y", "right_x", "right_y")
"""Columns of a CSV file of eyes, besides the name."""

NUM_CUHK_POINTS = 35
"""Number of points in the files of CUHK, AR and XM2VTS, of which the 17th and 19th are eyes."""


def read_eyes(path: Path) -> dict[str, Eyes]:
    """Read eye centres from a CSV file with the columns name, left_x, left_y, right_x, right_y.

    Returns:
        The eyes of each picture, by the path that the file gives it.

    Raises:
        DataError: the file cannot be read, lacks a column, or has no line that is right; others
            are left out with a warning.
    """
    heading, *lines = read_lines(path) or [(1, "")]
    names = [name.strip() for name in _csv_fields(path, *heading)]
    if missing := sorted({"name", *COLUMNS} - set(names)):
        raise DataError(f"{path} lacks the column {missing[0]}: see --help")
    found: dict[str, Eyes] = {}
    faults = []
    for number, line in lines:
        try:
            row = dict(zip(names, _csv_fields(path, number, line), strict=False))
            left_x, left_y, right_x, right_y = (
                _number(f"{path}, line {number}", row, column) for column in COLUMNS
            )
        except DataError as error:
            faults.append(str(error))
            continue
        found[row["name"]] = ((left_x, left_y), (right_x, right_y))
    if faults and not found:
        raise DataError(faults[0])
    for fault in faults:
        _log.warning("left out: %s", fault)
    return found


def _csv_fields(path: Path, number: int, line: str) -> list[str]:
    try:
        return next(csv.reader([line]))
    except csv.Error as error:
        raise DataError(f"{path}, line {number}, is not a line of CSV") from error


def _number(where: str, row: Mapping[str, str], column: str) -> float:
    text = row.get(column, "").strip()
    if not text:
        raise DataError(f"{where}: {column} is missing")
    numbers = _numbers([text])
    if not numbers or not math.isfinite(numbers[0]):
        raise DataError(f"{where}: {column} is {text[:100]!r}, which is not a number")
    return numbers[0]


def read_points(path: Path, eye_points: tuple[int, int] | None = None) -> Eyes:
    """Read the eye centres from a file of points of one picture.

    A line holds a point, x and y [pixels], after its name or number if it has one. Lines that are
    called leye and reye are the eyes; a single line may hold both eyes.

    Args:
        path: the file.
        eye_points: numbers of the two points, from 1; by default the 17th and 19th of 35 points, as
            CUHK has them, else the first and the second.

    Raises:
        DataError: the file cannot be read or lacks the points.
    """
    rows = [line.replace(",", " ").split() for _, line in read_lines(path)]
    named = [row for row in rows if "eye" in row[0].casefold()]
    numbers = [it for it in map(_numbers, named if len(named) == 2 else rows) if len(it) > 1]
    if len(numbers) == 1 and len(numbers[0]) > 3:
        numbers = [numbers[0][:2], numbers[0][2:4]]
    points = [(it[-2], it[-1]) for it in numbers]
    if eye_points is None:
        eye_points = (17, 19) if len(points) == NUM_CUHK_POINTS else (1, 2)
    if max(eye_points) > len(points):
        wanted = f"{eye_points[0]},{eye_points[1]}"
        raise DataError(
            f"{path} has {count(len(points), 'point')}, but the eyes should be {wanted}"
        )
    first, second = sorted((points[eye_points[0] - 1], points[eye_points[1] - 1]))
    return first, second


def parse_eye_points(text: str | None) -> tuple[int, int] | None:
    """Read the numbers of two points, such as 17,19; raise ConfigError if that fails."""
    if text is None:
        return None
    numbers = [int(part) for part in text.split(",") if part.isdecimal()]
    if len(numbers) != 2 or min(numbers) < 1 or text != f"{numbers[0]},{numbers[1]}":
        raise ConfigError(f"eye_points is {text!r}: write two numbers, such as 17,19")
    return numbers[0], numbers[1]


def find_eyes(
    eyes: Path, pictures: Mapping[str, Path], eye_points: tuple[int, int] | None = None
) -> Callable[[str], Eyes]:
    """Look up the eyes of pictures.

    Args:
        eyes: a CSV file, see `read_eyes`, or a folder of files of points, see `read_points`, whose
            names are those of the pictures, or begin with them.
        pictures: by their path below the folder of pictures, without suffix.
        eye_points: see `read_points`.

    Returns: A function from that path to the eyes; it raises DataError if they are unknown.

    Raises:
        DataError: `eyes` cannot be read.
    """
    if not eyes.is_dir():
        known = {without_suffix(name): found for name, found in read_eyes(eyes).items()}
        named = _assign(pictures, known)
        return lambda name: known[_of(named, name, pictures, eyes)]
    files = {
        path.relative_to(eyes).with_suffix("").as_posix(): path
        for path in sorted(eyes.rglob("*"))
        if path.suffix.lower() in POINT_SUFFIXES
    }
    if not files:
        raise DataError(f"{eyes} holds no files of points ({', '.join(sorted(POINT_SUFFIXES))})")
    assigned = _assign(pictures, files)
    return lambda name: read_points(files[_of(assigned, name, pictures, eyes)], eye_points)


def _of(assigned: Mapping[str, str], name: str, pictures: Mapping[str, Path], eyes: Path) -> str:
    if name not in assigned:
        raise DataError(f"{eyes} says nothing about {pictures[name].name}")
    return assigned[name]


def _assign(pictures: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Assign to each picture the value for its path, or else for its last name."""
    ours, theirs = _by_last_name(pictures), _by_last_name(known)
    found = {ours[one]: theirs[other] for one, other in match_names(ours, theirs).pairs}
    return found | dict(match_names(pictures, known).pairs)


def _by_last_name(paths: Iterable[str]) -> dict[str, str]:
    """Return paths by their last name, where that occurs once."""
    names = [(path.rpartition("/")[2], path) for path in paths]
    times = Counter(name for name, _ in names)
    return {name: path for name, path in names if times[name] == 1}


def _numbers(row: list[str]) -> list[float]:
    numbers = []
    for text in row:
        try:
            number = float(text)
        except ValueError:
            continue
        if math.isfinite(number):
            numbers.append(number)
    return numbers
