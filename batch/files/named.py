"""Pictures that a user names one by one."""

import glob
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pmsgan.batch.files.folder import Folder
from pmsgan.batch.files.local import LocalFolder, read_file
from pmsgan.batch.files.local_output import LocalOutput
from pmsgan.batch.files.open import is_on_web
from pmsgan.batch.files.stamp import FileStamp
from pmsgan.errors import ConfigError

VIDEO_SUFFIXES = frozenset({".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"})


@dataclass(frozen=True, slots=True)
class NamedEntry:
    """A named picture, with the methods of os.DirEntry."""

    name: str

    def is_symlink(self) -> bool:
        """Return False: a user who names a link means the file."""
        return False

    def is_dir(self) -> bool:
        """Return False: an entry is never a folder."""
        return False

    def is_file(self) -> bool:
        """Return True; reading it shows what it is."""
        return True


@dataclass(frozen=True)
class NamedPictures(LocalFolder):
    """Pictures anywhere on a disk, each called by the last part of its path."""

    sources: dict[str, Path]
    """Path of each picture by its name."""
    includes_everything = True

    def __str__(self) -> str:
        """Return the first picture, and how many there are beside it."""
        first, *others = self.sources.values()
        return f"{first} and {len(others)} more" if others else str(first)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the paths, which are absolute."""
        return NamedPictures, (self.path, self.sources)

    def identity(self, name: str = "") -> str:
        """Return an identity that differs from that of every folder."""
        return f"named pictures/{name}"

    def parents(self) -> Iterator[str]:
        """Identify the folders that hold a picture, since no result may replace one."""
        for folder in {source.parent for source in self.sources.values()}:
            yield LocalFolder(folder).identity()

    def list(self, name: str) -> list[NamedEntry]:
        """List the pictures."""
        return [NamedEntry(name) for name in self.sources]

    def source(self, name: str) -> str:
        """Return the path of a picture."""
        return str(self.sources[name])

    def read(self, source: str) -> tuple[bytes, FileStamp]:
        """Read a file, see `read_file`; links in its path are followed, since the user named it."""
        return read_file(source)

    def output(
        self,
        run_identity: dict[str, Any],
        pictures: Folder,
        *,
        overwrite: bool,
        verify: bool = False,
    ) -> LocalOutput:
        """Raise ConfigError: results go to a folder."""
        raise ConfigError(f"{self} is not a folder: give a folder for the results")


def name_pictures(places: Sequence[Path | str]) -> NamedPictures:
    """Return the pictures that a user names.

    Args:
        places: paths of pictures, or patterns such as 'pics/*.jpg' that the shell has not expanded.

    Raises:
        ConfigError: there is none, one is a folder or a video, is on the web or is not there, or
            two have the same name.
    """
    sources: dict[str, Path] = {}
    for place in places:
        for path in _expand(place, is_alone=len(places) == 1):
            found = path.resolve()
            if sources.setdefault(path.name, found) != found:
                raise ConfigError(
                    f"two pictures are called {path.name} ({sources[path.name]}, {found}): "
                    "convert them separately, or convert the folder that contains both"
                )
    return NamedPictures(Path.cwd(), sources)


def _expand(place: Path | str, *, is_alone: bool) -> list[Path]:
    """Return the path itself or, if there is no such file, the files that match it as a pattern."""
    text, path = str(place), Path(place)
    if path.is_dir():
        raise ConfigError(f"{text} is a folder: give a single folder, or only pictures")
    if path.suffix.lower() in VIDEO_SUFFIXES:
        raise ConfigError(
            f"{text} is a video: extract its frames first (mkdir frames && ffmpeg -i "
            f"{shlex.quote(text)} frames/%06d.png), and convert the folder frames"
        )
    if path.is_file():
        return [path]
    if path.exists():
        raise ConfigError(f"{text} is a pipe or a device, not a file: give - to read from stdin")
    if is_on_web(text):
        raise ConfigError(f"{text} is on the web: download it first (curl -O {shlex.quote(text)})")
    if text == "-":
        raise ConfigError("- reads one picture from stdin: give no other pictures with it")
    if glob.has_magic(text):
        if found := [it for it in sorted(glob.glob(text, recursive=True)) if Path(it).is_file()]:  # noqa: PTH207 - Path.glob takes no absolute patterns
            return [Path(it) for it in found]
        raise ConfigError(f"nothing matches {text}")
    quotes = "" if is_alone else ", and put names with spaces in quotes"
    raise ConfigError(
        f"{text} does not exist: give a folder, pictures, or a URL such as s3://...{quotes}"
    )
