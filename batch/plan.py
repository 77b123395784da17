"""Decide which result each picture gets, before any work starts."""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import chain, count
from pathlib import PurePosixPath
from typing import Any

import numpy as np

from pmsgan.batch.files.folder import Folder
from pmsgan.batch.job import Job
from pmsgan.batch.pictures.kinds import HEAD_BYTES, KINDS, kind_of
from pmsgan.batch.settings import Selection
from pmsgan.errors import ConfigError
from pmsgan.formats import PICTURE_SUFFIXES, OutputFormat, output_suffix, unsupported_reason

MAX_NAMED = 1000
"""Most skipped entries that are named; all of them are counted."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """Something below IN that is not converted."""

    name: str
    """Path below IN."""
    reason: str


@dataclass(frozen=True, slots=True)
class _SubFolder:
    """The pictures of one folder; in little memory, since there may be a million."""

    name: str
    """Path below IN, empty or with a slash at its end."""
    output: str
    """Path below OUT, empty or with a slash at its end."""
    pictures: str
    """Their names in order, with slashes between them."""
    renamed: dict[str, str]
    """Outputs whose name differs from that of their picture."""


@dataclass(slots=True)
class Plan:
    """All pictures below a folder, each with its output path."""

    pictures: Folder
    """IN."""
    output_format: OutputFormat
    folders: list[_SubFolder] = field(default_factory=list)
    num_jobs: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    """The first of them."""
    num_skipped: Counter[str] = field(default_factory=Counter)
    """Number of skipped entries, for each reason."""
    num_unread: Counter[str] = field(default_factory=Counter)
    """Number of those that are pictures, for each reason."""
    unlisted: list[Skipped] = field(default_factory=list)
    """Folders that cannot be read: their pictures are missing here."""

    def jobs(self) -> Iterator[Job]:
        """Make the jobs, in the order in which they are worked on."""
        for folder in self.folders:
            for picture in _parts(folder.pictures):
                output = folder.renamed.get(picture) or _plain_output(picture, self.output_format)
                name = folder.name + picture
                yield Job(self.pictures.source(name), name, folder.output + output)

    @property
    def renamed(self) -> list[tuple[str, str]]:
        """Pictures whose output has another name, and that name."""
        return [
            (folder.name + picture, folder.output + output)
            for folder in self.folders
            for picture, output in folder.renamed.items()
        ]

    def to_json(self) -> dict[str, Any]:
        """Return the plan for JSON."""
        return {
            "kind": "plan",
            "jobs": [{"name": job.name, "output": job.output} for job in self.jobs()],
            "skipped": dict(self.num_skipped),
            "unlisted": [asdict(folder) for folder in self.unlisted],
        }

    def skip(self, name: str, reason: str) -> None:
        """Count an entry that is not converted."""
        self.num_skipped[reason] += 1
        if len(self.skipped) < MAX_NAMED:
            self.skipped.append(Skipped(name, reason))

    def list_reasons(self, numbers: Counter[str]) -> str:
        """Return the count for each reason, as text, with the name of the first entry."""
        first = {it.reason: it.name for it in reversed(self.skipped)}
        return "; ".join(
            f"{number} {reason}"
            + (f", {'such as ' * (number > 1)}{first[reason]}" if reason in first else "")
            for reason, number in numbers.items()
        )


def plan_folder(
    pictures: Folder,
    out: Folder,
    output_format: OutputFormat = "png",
    selection: Selection | None = None,
) -> Plan:
    """List the pictures below a folder, each with its output path, in sorted order.

    Sub-folders are mirrored. Hidden entries and links are skipped, and so is `out` if it lies
    inside `pictures`. Pictures whose outputs would have the same name, even on disks that ignore
    case or the spelling of accents, keep their suffix: a.jpg and a.png become a.jpg.png and
    a.png.png.

    Args:
        pictures: the folder to convert.
        out: the folder to write to; need not exist.
        output_format: format of the outputs; same keeps JPEG, PNG and WebP, and turns the rest into
            PNG.
        selection: which pictures to take; by default all. Patterns such as *.jpg or faces/* are
            matched from the end of the path below `pictures`.

    Raises:
        ConfigError: `pictures` is not a folder or holds no pictures, or the two folders overlap in
            a way that could harm originals.
    """
    selection = selection or Selection()
    _check_folders(pictures, out)
    plan = Plan(pictures, output_format)
    out_identity = out.identity()
    waiting = [("", "")]
    while waiting:
        name, output = waiting.pop()
        try:
            names, folders = _list(plan, name, out_identity, selection)
        except OSError as error:
            if not name:
                raise ConfigError(f"cannot list the folder {pictures}: {_reason(error)}") from error
            plan.unlisted.append(Skipped(name, f"cannot be listed: {_reason(error)}"))
            continue
        folder_outputs = _distinct(folders, str, [])
        named = [folder_outputs.get(folder, folder) for folder in folders]
        waiting += [
            (f"{name}{folder}/", f"{output}{new}/")
            for folder, new in reversed(list(zip(folders, named, strict=True)))
            if not _is_excluded(plan, name + folder, selection)
        ]
        # A skipped picture has its name as well: a run with other patterns may have written it.
        renamed = _distinct(names, lambda picture: _plain_output(picture, output_format), named)
        if selection != Selection():
            names = [it for it in names if _is_selected(plan, name + it, selection)]
            renamed = {picture: renamed[picture] for picture in names if picture in renamed}
        if names:
            plan.folders.append(_SubFolder(name, output, "/".join(names), renamed))
            plan.num_jobs += len(names)
    if not plan.num_jobs and not plan.unlisted:
        raise ConfigError(_nothing_found(plan))
    return plan


def _check_folders(pictures: Folder, out: Folder) -> None:
    if pictures.path is not None and not pictures.path.is_dir():
        raise ConfigError(f"{pictures} is not a folder: give the folder that holds the pictures")
    identity = out.identity()
    if identity == pictures.identity():
        raise ConfigError(f"OUT is the same folder as IN ({pictures}): give another one")
    if identity in pictures.parents():
        raise ConfigError(f"IN ({pictures}) lies inside OUT ({out}): give another OUT")


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _list(
    plan: Plan, name: str, out_identity: str, selection: Selection
) -> tuple[list[str], list[str]]:
    """Return the sorted names of pictures and of folders in one folder."""
    pictures, folders = [], []
    for entry in plan.pictures.list(name):
        path = name + entry.name
        if plan.pictures.includes_everything:
            pictures.append(entry.name)
        elif entry.name.startswith("."):
            plan.skip(path, "hidden")
        elif entry.is_symlink():
            plan.skip(path, "linked")
        elif entry.is_dir():
            if plan.pictures.identity(path) != out_identity:
                folders.append(entry.name)
        elif _suffix(entry.name) in PICTURE_SUFFIXES:
            if entry.is_file():
                pictures.append(entry.name)
            else:
                plan.skip(path, "not a file")
        elif entry.is_file() and (why := _skip_reason(plan, path)):
            if _is_selected(plan, path, selection):
                plan.num_unread[why] += 1
                plan.skip(path, why)
        else:
            plan.skip(path, "not named like a picture")
    pictures.sort()
    folders.sort()
    return pictures, folders


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()  # noqa: PTH122 - a million of them


def _skip_reason(plan: Plan, path: str) -> str | None:
    """Say why a picture that does not have the name of a readable one is not converted.

    Returns:
        The reason why it is not converted; None if it is not a picture.
    """
    if reason := unsupported_reason(_suffix(path)):
        return reason
    kind = kind_of(plan.pictures.head(plan.pictures.source(path), HEAD_BYTES))
    if kind is None:
        return None
    suffix = KINDS.get(kind)
    if suffix in PICTURE_SUFFIXES:
        return f"{kind} by content, but not by name: rename it to {suffix}"
    return unsupported_reason(suffix or "") or f"in an unsupported format: {kind}"


def _parts(joined: str) -> Iterator[str]:
    """Return names with slashes between them, one at a time; none is empty."""
    return (found.group() for found in re.finditer("[^/]+", joined))


def _is_excluded(plan: Plan, path: str, selection: Selection) -> bool:
    found = _matches(path, selection.exclude)
    if found:
        plan.skip(path, "excluded")
    return found


def _is_selected(plan: Plan, path: str, selection: Selection) -> bool:
    if _is_excluded(plan, path, selection):
        return False
    found = not selection.include or _matches(path, selection.include)
    if not found:
        plan.skip(path, "not included")
    return found


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return bool(patterns) and any(PurePosixPath(path).match(pattern) for pattern in patterns)


def _plain_output(picture: str, output_format: OutputFormat) -> str:
    stem, suffix = os.path.splitext(picture)  # noqa: PTH122 - a million of them
    return stem + output_suffix(suffix, output_format)


def _distinct(
    names: Sequence[str], rename: Callable[[str], str], taken: Iterable[str]
) -> dict[str, str]:
    """Return other names if `rename` would return one twice, or one in `taken`.

    Names are compared by hashes in an array, so that a million of them need little memory.
    """
    hashes = np.fromiter(map(_hash, chain(map(rename, names), taken)), np.int64)
    values, counts = np.unique(hashes, return_counts=True)
    if len(values) == len(hashes):
        return {}
    twice = set(values[counts > 1].tolist())
    used = set(values.tolist())
    renamed = {}
    for name, value in zip(names, hashes.tolist(), strict=False):
        if value in twice:
            renamed[name] = next(new for new in _others(name, rename) if _hash(new) not in used)
            used.add(_hash(renamed[name]))
    return renamed


def _others(name: str, rename: Callable[[str], str]) -> Iterator[str]:
    """Make up names: a.jpg.png, a.jpg.1.png, a.jpg.2.png ..."""
    suffix = os.path.splitext(rename(name))[1]  # noqa: PTH122
    yield name + suffix
    for number in count(1):
        yield f"{name}.{number}{suffix}"


def _hash(name: str) -> int:
    """Return the same number for all names that some disk cannot tell apart."""
    return hash(unicodedata.normalize("NFC", name).casefold())


def _nothing_found(plan: Plan) -> str:
    skipped = plan.list_reasons(plan.num_skipped)
    return f"{plan.pictures} holds no pictures ({', '.join(sorted(PICTURE_SUFFIXES))})" + (
        f"; skipped: {skipped}" if skipped else ""
    )
