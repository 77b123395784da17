"""Decide what becomes what, before any work starts."""

import os
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from itertools import chain, count
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from pmsgan.batch.files.bucket import Place, RemoteFolder
from pmsgan.errors import ConfigError
from pmsgan.formats import PICTURE_SUFFIXES, OutputFormat, output_suffix

MAX_NAMED = 1000
"""Entries that are passed over are counted without limit, but named up to this many."""


@dataclass(slots=True)
class Job:
    """One picture: where it is, where its translation goes, and how that ended."""

    source: Path
    """Where it is; below IN, if that is a URL."""
    name: str
    """Path of the source below IN, with slashes."""
    output: str
    """Path of the translation below OUT, with slashes."""
    failure: str | None = None
    """What went wrong, if something did."""
    is_kept: bool = False
    """An earlier run has done it."""
    note: str | None = None
    """What a user should know of the picture, such as that only its first frame counts."""


@dataclass(frozen=True, slots=True)
class PassedOver:
    """Something below IN that is not going to be converted."""

    name: str
    """Path below IN."""
    reason: str


@dataclass(frozen=True, slots=True)
class _Folder:
    """The pictures of one folder; in little memory, since there may be a million."""

    name: str
    """Path below IN, empty or with a slash at its end."""
    output: str
    """Path below OUT, likewise."""
    pictures: str
    """Their names in order, with slashes between them."""
    renamed: dict[str, str]
    """Outputs that are not called as their picture is."""


@dataclass(slots=True)
class Plan:
    """All pictures below a folder, each with its output path."""

    in_dir: Place
    output_format: OutputFormat
    folders: list[_Folder] = field(default_factory=list)
    num_jobs: int = 0
    passed_over: list[PassedOver] = field(default_factory=list)
    """The first of them."""
    num_passed_over: Counter[str] = field(default_factory=Counter)
    """How many, for each reason."""
    unlisted: list[PassedOver] = field(default_factory=list)
    """Folders that cannot be read: their pictures are missing here."""

    def jobs(self) -> Iterator[Job]:
        """Make the jobs, in the order in which they are worked on."""
        root = self.in_dir if isinstance(self.in_dir, Path) else Path()
        for folder in self.folders:
            for picture in _parts(folder.pictures):
                output = folder.renamed.get(picture) or _plain_output(picture, self.output_format)
                yield Job(
                    source=root / folder.name / picture,
                    name=folder.name + picture,
                    output=folder.output + output,
                )

    @property
    def renamed(self) -> list[tuple[str, str]]:
        """Pictures whose output is not called as they are, and what it is called."""
        return [
            (folder.name + picture, folder.output + output)
            for folder in self.folders
            for picture, output in folder.renamed.items()
        ]

    def to_json(self) -> dict[str, Any]:
        """Return what would become what."""
        return {
            "kind": "plan",
            "jobs": [{"name": job.name, "output": job.output} for job in self.jobs()],
            "passed_over": dict(self.num_passed_over),
            "unlisted": [asdict(folder) for folder in self.unlisted],
        }

    def pass_over(self, name: str, reason: str) -> None:
        """Note something that is not going to be converted."""
        self.num_passed_over[reason] += 1
        if len(self.passed_over) < MAX_NAMED:
            self.passed_over.append(PassedOver(name, reason))


def plan_folder(
    in_dir: Place,
    out_dir: Place,
    output_format: OutputFormat = "png",
    *,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
) -> Plan:
    """List the pictures below a folder, each with its output path, in sorted order.

    Sub-folders are mirrored. Hidden entries and links are passed over, and `out_dir` is where it
    lies inside `in_dir`. Pictures whose outputs would have one name, also where case or the
    spelling of accents does not count, keep their suffix: a.jpg and a.png become a.jpg.png and
    a.png.png.

    Args:
        in_dir: the folder to convert.
        out_dir: the folder to write to; need not exist.
        output_format: of the outputs; same keeps JPEG, PNG and WebP, and makes PNG of the rest.
        include: patterns such as *.jpg or faces/*, matched from the end of the path below
            `in_dir`; where there are some, a picture must match one.
        exclude: likewise; pictures and folders that match one are passed over.

    Raises:
        ConfigError: `in_dir` is no folder or holds no pictures, or the two folders overlap in a
            way that could harm originals.
    """
    _check_folders(in_dir, out_dir)
    plan = Plan(in_dir, output_format)
    waiting = [("", "")]
    while waiting:
        name, output = waiting.pop()
        try:
            pictures, folders = _list(plan, name, out_dir)
        except OSError as error:
            if not name:
                raise ConfigError(f"cannot list the folder {in_dir}: {_reason(error)}") from error
            plan.unlisted.append(PassedOver(name, f"cannot be listed: {_reason(error)}"))
            continue
        folder_outputs = _distinct(folders, str, [])
        named = [folder_outputs.get(folder, folder) for folder in folders]
        waiting += [
            (f"{name}{folder}/", f"{output}{new}/")
            for folder, new in reversed(list(zip(folders, named, strict=True)))
            if not _is_excluded(plan, name + folder, exclude)
        ]
        # What is left out has its name as well: a run with other patterns may have written it.
        renamed = _distinct(pictures, lambda picture: _plain_output(picture, output_format), named)
        if include or exclude:
            pictures = [
                picture
                for picture in pictures
                if not _is_excluded(plan, name + picture, exclude)
                and _is_included(plan, name + picture, include)
            ]
            renamed = {picture: renamed[picture] for picture in pictures if picture in renamed}
        if pictures:
            plan.folders.append(_Folder(name, output, "/".join(pictures), renamed))
            plan.num_jobs += len(pictures)
    if not plan.num_jobs and not plan.unlisted:
        raise ConfigError(_nothing_found(plan))
    return plan


def _check_folders(in_dir: Place, out_dir: Place) -> None:
    if isinstance(in_dir, RemoteFolder) or isinstance(out_dir, RemoteFolder):
        source, target = f"{in_dir}/", f"{out_dir}/"
        if source.startswith(target):
            raise ConfigError(f"IN ({in_dir}) is OUT, or lies inside it: give another OUT")
        return
    if not in_dir.is_dir():
        raise ConfigError(f"{in_dir} is not a folder: give the folder that holds the pictures")
    real_in, real_out = in_dir.resolve(), out_dir.resolve()
    if _is_same(real_out, real_in):
        raise ConfigError(f"OUT is the same folder as IN ({in_dir}): give another one")
    if any(_is_same(real_out, parent) for parent in real_in.parents):
        raise ConfigError(f"IN ({in_dir}) lies inside OUT ({out_dir}): give another OUT")


def _is_same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:  # one does not exist yet
        return path == other


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _scan(in_dir: Place, name: str) -> Any:
    if isinstance(in_dir, RemoteFolder):
        return nullcontext(in_dir.list(name))
    return os.scandir(in_dir / name)


def _list(plan: Plan, name: str, out_dir: Place) -> tuple[list[str], list[str]]:
    """Return the sorted names of pictures and of folders in one folder."""
    pictures, folders = [], []
    with _scan(plan.in_dir, name) as entries:
        for entry in entries:
            path = name + entry.name
            if entry.name.startswith("."):
                plan.pass_over(path, "hidden")
            elif entry.is_symlink():
                plan.pass_over(path, "a link")
            elif entry.is_dir():
                if not _is_out(entry, out_dir):
                    folders.append(entry.name)
            elif os.path.splitext(entry.name)[1].lower() not in PICTURE_SUFFIXES:  # noqa: PTH122
                plan.pass_over(path, "not named like a picture")
            elif not entry.is_file():
                plan.pass_over(path, "not a file")
            else:
                pictures.append(entry.name)
    pictures.sort()
    folders.sort()
    return pictures, folders


def _is_out(entry: Any, out_dir: Place) -> bool:
    if isinstance(out_dir, RemoteFolder):
        return bool(entry.path == out_dir.url)
    return _is_same(Path(entry.path), out_dir)


def _parts(joined: str) -> Iterator[str]:
    start = 0
    while (end := joined.find("/", start)) >= 0:
        yield joined[start:end]
        start = end + 1
    yield joined[start:]


def _is_excluded(plan: Plan, path: str, exclude: Sequence[str]) -> bool:
    found = _matches(path, exclude)
    if found:
        plan.pass_over(path, "excluded")
    return found


def _is_included(plan: Plan, path: str, include: Sequence[str]) -> bool:
    found = not include or _matches(path, include)
    if not found:
        plan.pass_over(path, "not included")
    return found


def _matches(path: str, patterns: Sequence[str]) -> bool:
    return bool(patterns) and any(PurePosixPath(path).match(pattern) for pattern in patterns)


def _plain_output(picture: str, output_format: OutputFormat) -> str:
    stem, suffix = os.path.splitext(picture)  # noqa: PTH122 - a million of them
    return stem + output_suffix(suffix, output_format)


def _distinct(
    names: Sequence[str], rename: Callable[[str], str], taken: Iterable[str]
) -> dict[str, str]:
    """Return other names where `rename` would give one of its results twice, or one in `taken`.

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
    """Return one number for all names that some disk takes for one."""
    return hash(unicodedata.normalize("NFC", name).casefold())


def _nothing_found(plan: Plan) -> str:
    reasons: Mapping[str, int] = plan.num_passed_over
    passed = ", ".join(f"{number} {reason}" for reason, number in reasons.items())
    return f"{plan.in_dir} holds no pictures ({', '.join(sorted(PICTURE_SUFFIXES))})" + (
        f"; passed over: {passed}" if passed else ""
    )
