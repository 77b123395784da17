"""Palettes: the colours that the parts of a style's results get; light to import.

A palette is written like one of these:

    hair=#2244aa,skin=#f0c8a0     these parts; the others keep the style's colours
    random:7                      a pleasant choice for each picture, by its name and this seed
    random:7,ground=#ffffff       the same, but for the ground
    cast.toml                     a section for each pattern of picture names, the first match wins

        ["alice_*"]
        hair = "#2244aa"

        [default]
        random = 7
        ground = "#ffffff"
"""

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from pmsgan.errors import ConfigError
from pmsgan.regular_file import read_regular

MAX_FILE_BYTES = 2**20
"""The largest file that is read [bytes]."""
RANDOM = "random"
DEFAULT = "default"
"""Section of a file for pictures that match no pattern."""
EVERY = "*"
"""Pattern of every picture, also of one without a name."""
WAYS = "give PART=#rrggbb,..., random:SEED or FILE.toml"
OWN_COLOURS = "the style's"
"""Text of a palette that keeps the style's colours."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """Colours for some pictures."""

    pattern: str
    """Pattern of the paths below IN that it is for, matched from their end."""
    colours: Mapping[str, str]
    """Colour of each named part, #rrggbb."""
    seed: int | None = None
    """Decides the other parts, with the picture's name; None keeps the style's colours."""

    @property
    def is_default(self) -> bool:
        """Whether it is for all pictures."""
        return self.pattern == EVERY

    def matches(self, picture: str) -> bool:
        """Say whether it is for a picture, whose path is below IN, with slashes."""
        return self.is_default or PurePosixPath(picture).match(self.pattern)


@dataclass(frozen=True, kw_only=True, slots=True)
class Palette:
    """Which colours the parts of each picture's result get."""

    text: str = OWN_COLOURS
    """One line that identifies it: what a user gave or, of a file, its name and its hash."""
    sections: tuple[Section, ...] = ()
    """The first whose pattern matches a picture decides."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """Colours that the style itself gives its parts, #rrggbb; empty until `for_style`."""

    def __str__(self) -> str:
        """Return the text."""
        return self.text

    def for_style(self, name: str, parts: Mapping[str, str]) -> "Palette":
        """Return this palette for a style.

        Args:
            name: name of the style.
            parts: its parts and their colours, #rrggbb.

        Raises:
            ConfigError: the style lacks a part that this palette colours.
        """
        for part in (part for section in self.sections for part in section.colours):
            if part not in parts:
                raise ConfigError(
                    f"the style {name} has no part {part!r}: its parts are {', '.join(parts)}"
                )
        return replace(self, parts=dict(parts))

    def colours(self, picture: str) -> dict[str, str]:
        """Return the colour of each part for a picture, #rrggbb.

        Args:
            picture: its path below IN, with slashes.
        """
        # Random colours and TOML are imported when they are needed: `pmsgan --help` does without.
        from pmsgan.styles.random_colours import choose_colours

        for section in self.sections:
            if section.matches(picture):
                if section.seed is None:
                    return {**self.parts, **section.colours}
                return choose_colours(self.parts, section.colours, f"{section.seed} {picture}")
        return dict(self.parts)


def read_palette(text: str | Path) -> Palette:
    """Return the palette that a user wrote, or that is in a file.

    Args:
        text: PART=#rrggbb,..., random:SEED, or the path of a TOML file.

    Raises:
        ConfigError: it is none of these, or a colour is not #rrggbb, or the file cannot be read.
    """
    if isinstance(text, Path) or text.lower().endswith(".toml"):
        return _read_file(Path(text))
    return parse_palette(text)


def parse_palette(text: str) -> Palette:
    """Return the palette that a client wrote, who may not name files here.

    Args:
        text: PART=#rrggbb,... or random:SEED.

    Raises:
        ConfigError: it is none of these, or a colour is not #rrggbb.
    """
    entries: dict[str, Any] = {}
    for entry in text.split(","):
        is_random = entry.strip().startswith(f"{RANDOM}:")
        part, separator, value = (
            piece.strip() for piece in entry.partition(":" if is_random else "=")
        )
        if not (part and separator):
            raise ConfigError(f"palette is {text!r}: {WAYS}")
        if part in entries:
            raise ConfigError(f"palette is {text!r}: it sets {part} twice")
        is_number = is_random and re.fullmatch("[0-9]{1,18}", value)
        entries[part] = int(value) if is_number else value
    section = _section(EVERY, entries, "palette")
    words = [f"{part}={colour}" for part, colour in sorted(section.colours.items())]
    words[:0] = [] if section.seed is None else [f"{RANDOM}:{section.seed}"]
    return Palette(text=",".join(words), sections=(section,))


def _read_file(path: Path) -> Palette:
    import hashlib

    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib

    try:
        data = read_regular(path, MAX_FILE_BYTES)
        content = tomllib.loads(data.decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"cannot read the palette {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the palette {path} is not UTF-8 text: save it as UTF-8") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"the palette {path} is not TOML: {error}") from error
    sections = []
    for pattern, entries in content.items():
        if not isinstance(entries, dict):
            raise ConfigError(
                f"palette {path}: put {pattern!r} below a pattern of picture names such as "
                f"['alice_*'], or below [{DEFAULT}]"
            )
        if pattern != DEFAULT:
            sections.append(_section(pattern, entries, f"palette {path}, {pattern!r}"))
    if DEFAULT in content:
        sections.append(_section(EVERY, content[DEFAULT], f"palette {path}, [{DEFAULT}]"))
    digest = hashlib.sha256(data).hexdigest()[:8]
    return Palette(text=f"{path.name} ({digest})", sections=tuple(sections))


def _section(pattern: str, entries: Mapping[str, Any], where: str) -> Section:
    try:
        PurePosixPath("name").match(pattern)
    except ValueError as error:
        raise ConfigError(f"{where}: it is not a pattern of picture names") from error
    inner = next((part for part, value in entries.items() if isinstance(value, dict)), None)
    if inner is not None:  # TOML takes the dot of [alice_1.jpg] for the start of a sub-table
        raise ConfigError(f"{where}: put quotes around the pattern: ['{pattern}.{inner}']")
    seed = entries.get(RANDOM)
    if seed is not None and type(seed) is not int:
        raise ConfigError(
            f"{where}: {RANDOM} is {seed!r}: give a number as the seed, such as random:7"
        )
    colours = {part: value for part, value in entries.items() if part != RANDOM}
    return Section(
        pattern=pattern,
        colours={part: check_colour(value, f"{where}: {part}") for part, value in colours.items()},
        seed=seed,
    )


def check_colour(value: object, name: str) -> str:
    """Return a colour in lower case.

    Args:
        value: the colour.
        name: begins the error.

    Raises:
        ConfigError: it is not #rrggbb.
    """
    if isinstance(value, str) and re.fullmatch("#[0-9a-fA-F]{6}", value):
        return value.lower()
    raise ConfigError(f"{name} is {value!r}: a colour is #rrggbb, such as #2244aa")
