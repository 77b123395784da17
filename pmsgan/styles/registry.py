"""Find and read styles.

A style is a folder:

    style.toml              what goes in, what comes out, size, scaling, looks, parts, network,
                            origin, sha256
    generator.safetensors   the weights
    generator.onnx          the FP16 deployment graph
    generator_fp32.onnx     the FP32 one, instead of weights, where the network came as an
                            ONNX file from elsewhere
    trained_pairs.safetensors
                            hashes of the pairs that it was trained on; not every style has them
    int8.json               what its graph needs to run in INT8; not every style has it
"""

import contextlib
import difflib
import logging
import os
import re
import shlex
import sys
from collections.abc import Collection
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import platformdirs

from pmsgan.errors import ConfigError, StyleError
from pmsgan.model.config import (
    NetworkConfig,
    OnnxConfig,
    StyleNetwork,
    network_table,
    read_style_network,
)
from pmsgan.regular_file import hash_regular, read_regular
from pmsgan.styles.palette import check_colour
from pmsgan.styles.scaling import Scaling, scaling_from

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_log = logging.getLogger(__name__)

DESCRIPTION_NAME = "style.toml"
WEIGHTS_NAME = "generator.safetensors"
GRAPH_NAME = "generator.onnx"
FP32_GRAPH_NAME = "generator_fp32.onnx"
MAX_PARTS = 32
MAX_DESCRIPTION_BYTES = 2**16
"""The largest style.toml that is read [bytes]."""
MAX_DEPTH = 16
"""How many tables and lists of style.toml may lie in each other."""
MAX_FILE_BYTES = 2**31 - 1
"""The largest other file of a style that is read [bytes]."""
MAX_SIDE = 16384
"""The largest side of a style's pictures [pixels]."""
TRAINED_PAIRS_NAME = "trained_pairs.safetensors"
CALIBRATION_NAME = "int8.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Style:
    """A style on disk."""

    name: str
    folder: Path
    input: str
    """Kind of the pictures that go in."""
    output: str
    """Kind of the pictures that come out."""
    height: int
    """Height of a picture [pixels]."""
    width: int
    """Width of a picture [pixels]."""
    scaling: Scaling
    """How results get their size."""
    generator: StyleNetwork
    origin: dict[str, Any]
    """Data set, licence, steps and whatever else the maker wrote down."""
    sha256: dict[str, str]
    """SHA-256 of each file, by its name."""
    expects: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Usual range of each of its `pmsgan.styles.input_statistics`; empty if not measured."""
    parts: dict[str, str] = field(default_factory=dict)
    """Colour of each part of its results, #rrggbb; empty if they are not flat colours."""

    def to_json(self) -> dict[str, Any]:
        """Return the style as values that JSON can hold."""
        return asdict(self) | {
            "folder": str(self.folder),
            "generator": network_table(self.generator),
        }

    @property
    def view(self) -> tuple[int, int]:
        """Height and width of one view of the network: a whole picture, or a tile."""
        return self.scaling.view((self.height, self.width), self.generator.side_multiple)

    @property
    def weights(self) -> Path:
        """The weights file; a style whose network came as an ONNX file has none."""
        return self.folder / WEIGHTS_NAME

    @property
    def is_imported(self) -> bool:
        """Whether its network came as an ONNX file from elsewhere."""
        return isinstance(self.generator, OnnxConfig)

    @property
    def reference_graph(self) -> Path:
        """The graph with the most precise weights."""
        return self.folder / (FP32_GRAPH_NAME if self.is_imported else GRAPH_NAME)

    @property
    def baseline_backend(self) -> Literal["eager", "onnxruntime"]:
        """The backend that others are compared with: as simple as can be, in FP32."""
        return "onnxruntime" if self.is_imported else "eager"

    def native_network(self, task: str) -> NetworkConfig:
        """Return the settings of a network that pmsgan can make.

        Raises:
            ConfigError: the network is an imported ONNX file, which cannot do `task`.
        """
        if isinstance(self.generator, OnnxConfig):
            raise ConfigError(
                f"cannot {task}: the style {self.name} is an imported ONNX file, and pmsgan does "
                "not have the weights of its network"
            )
        return self.generator

    @property
    def graph(self) -> Path:
        """The deployment graph; its weights are FP16, unless it was imported in FP32."""
        return self.folder / GRAPH_NAME

    @property
    def file_names(self) -> tuple[str, ...]:
        """Names of the files that style.toml describes."""
        optional = (TRAINED_PAIRS_NAME, CALIBRATION_NAME)
        first = FP32_GRAPH_NAME if self.is_imported else WEIGHTS_NAME
        return (first, GRAPH_NAME, *(name for name in optional if name in self.sha256))

    def verify(self, leave_out: Collection[str] = ()) -> None:
        """Raise StyleError if a file is missing or differs from its sha256 in style.toml.

        Args:
            leave_out: names of files that are not checked.
        """
        for name in self.file_names:
            if name in leave_out:
                continue
            try:
                found = hash_regular(self.folder / name, MAX_FILE_BYTES)
            except OSError as error:
                cure = "install it again"
                if name == GRAPH_NAME:
                    cure = f"pmsgan styles update {shlex.quote(str(self.folder))} makes it"
                raise StyleError(
                    f"the style {self.name} lacks {self.folder / name} ({error.strerror}): {cure}"
                ) from error
            if found != self.sha256.get(name):
                raise StyleError(
                    f"{self.folder / name} is not the file that {DESCRIPTION_NAME} describes: "
                    "the style is damaged or was changed; install or train it again"
                )


def user_styles_folder() -> Path:
    """Return the folder where the user's own styles live; it may not exist yet.

    Raises:
        StyleError: this user has no home folder.
    """
    with contextlib.suppress(RuntimeError):  # there is no home
        data = Path(platformdirs.user_data_dir("pmsgan", appauthor=False))
        if data.is_absolute():  # some versions of platformdirs leave the ~ of a home that is not
            return data / "styles"
    raise StyleError("there is no folder for your own styles: set HOME or XDG_DATA_HOME")


def shipped_styles_folder() -> Path:
    """Return the folder of the styles that come with the package."""
    return Path(__file__).parent


def list_styles() -> list[Style]:
    """Read all styles, by name; the user's own come before shipped ones of the same name.

    One that cannot be read is skipped with a warning.
    """
    found: dict[str, Style] = {}
    for root in _roots():
        for folder in _folders(root):
            try:
                found.setdefault(folder.name, read_style(folder))
            except StyleError as error:
                _log.warning("skipped: %s", error)
    return [found[name] for name in sorted(found)]


def find_style(style: Style | Path | str) -> Style:
    """Read a style by its name, or by the path of its folder; return one that is read as it is.

    Raises:
        StyleError: there is none, or it is incomplete or damaged.
    """
    if isinstance(style, Style):
        return style
    found = _read_named(os.fspath(style))
    found.verify()
    return found


def find_editable_style(style: Style | Path | str) -> Style:
    """Read a style whose files will be written again; they are not checked.

    Raises:
        StyleError: there is none, its style.toml is damaged, or it ships with the package and was
            not given as the path of its folder.
    """
    if isinstance(style, Style):
        return style
    name = os.fspath(style)
    found = _read_named(name)
    if not is_path(name) and found.folder.parent == shipped_styles_folder():
        raise StyleError(
            f"the style {name} ships with pmsgan and is not changed: add a copy with pmsgan styles "
            f"add {shlex.quote(str(found.folder))} --name NAME, or give that path"
        )
    return found


def _read_named(name: str) -> Style:
    """Read the style of a name or a path, without checking its files; raise StyleError if none."""
    named = [root / name for root in _roots()]
    for folder in [Path(name)] if is_path(name) else [*named, Path(name)]:
        if is_style(folder):
            return read_style(folder)
    known = [style.name for style in list_styles()]
    likely = [] if is_path(name) else difflib.get_close_matches(name.lower(), known, n=1)
    if likely:
        raise StyleError(f"there is no style {name!r}: did you mean {likely[0]}?")
    raise StyleError(
        f"there is no style {name!r} (known: {', '.join(known) or 'none'}): give one of them, the "
        "path of a style folder, or train one with pmsgan train"
    )


def _roots() -> list[Path]:
    """Return the folders in which styles are looked for, the user's before the shipped one."""
    with contextlib.suppress(StyleError):
        return [user_styles_folder(), shipped_styles_folder()]
    return [shipped_styles_folder()]


def _folders(root: Path) -> list[Path]:
    """Return the style folders in a folder; none if it cannot be read, as a stranger's home."""
    try:
        names = [path for path in root.iterdir() if not path.name.startswith(".")]
    except OSError:
        return []
    return [path for path in names if is_style(path)]


def is_style(folder: Path) -> bool:
    """Whether a folder has a style.toml, and may be looked at."""
    try:
        return (folder / DESCRIPTION_NAME).is_file()
    except OSError:  # no permission to look
        return False


def is_path(name: str) -> bool:
    """Say whether the user gave a style as the path of a folder, and not as a name."""
    return "/" in name or "\\" in name


def user_style_folder(name: str) -> Path:
    """Return where a style of the user lives; raise StyleError if `name` is not a plain name."""
    if not name or name.startswith(".") or Path(name).name != name:
        raise StyleError(f"{name!r} is not a name for a style: use letters, digits, - and _")
    return user_styles_folder() / name


def read_style(folder: Path) -> Style:
    """Read style.toml without checking the other files.

    Raises:
        StyleError: it cannot be read or lacks something.
    """
    path = folder / DESCRIPTION_NAME
    try:
        content = read_description(folder)
        return Style(
            name=folder.resolve().name,
            folder=folder,
            input=str(content["input"]),
            output=str(content["output"]),
            height=_side(content["height"]),
            width=_side(content["width"]),
            scaling=scaling_from(
                content.get("scaling", {}), (int(content["height"]), int(content["width"]))
            ),
            generator=read_style_network(content["generator"]),
            origin=dict(content.get("origin", {})),
            sha256={str(name): str(value) for name, value in content["sha256"].items()},
            expects={
                str(name): (float(low), float(high))
                for name, (low, high) in content.get("expects", {}).items()
            },
            parts=_parts(content.get("parts", {})),
        )
    except KeyError as error:
        raise StyleError(f"{path} lacks {error.args[0]!r}") from error
    except (OSError, ValueError, TypeError, AttributeError, OverflowError, ConfigError) as error:
        raise StyleError(f"{path} cannot be read: {error}") from error


def read_description(folder: Path) -> dict[str, Any]:
    """Return style.toml as it is.

    Raises:
        OSError: it cannot be read, is not a regular file, or is too large.
        ValueError: it is not TOML, is nested too deeply, or has a number beyond TOML's 64 bits.
    """
    data = read_regular(folder / DESCRIPTION_NAME, MAX_DESCRIPTION_BYTES)
    try:
        content = tomllib.loads(data.decode("utf-8"))
    except RecursionError as error:  # brackets in brackets
        raise ValueError("it is nested too deeply") from error
    _check_values(content, MAX_DEPTH)
    return content


def _check_values(value: object, depth: int) -> None:
    """Raise ValueError for what Python's parser takes, and JSON or a printed line does not."""
    if isinstance(value, dict | list):
        if not depth:
            raise ValueError("it is nested too deeply")
        for inner in value.values() if isinstance(value, dict) else value:
            _check_values(inner, depth - 1)
    elif isinstance(value, int) and not -(2**63) <= value < 2**63:
        raise ValueError("a number has more than 64 bits")


def _side(value: Any) -> int:
    if not 1 <= int(value) <= MAX_SIDE:
        raise ConfigError(f"a side is {value}: it must lie within 1..{MAX_SIDE}")
    return int(value)


def _parts(table: dict[str, Any]) -> dict[str, str]:
    if len(table) > MAX_PARTS:
        raise ConfigError(f"{len(table)} parts are too many: at most {MAX_PARTS} are supported")
    for name in table:  # they go to terminals and into files
        if not re.fullmatch("[A-Za-z0-9_-]{1,40}", name):
            raise ConfigError(f"a part is called {name!r}: use letters, digits, - and _")
    return {
        name: check_colour(colour, f"the colour of the part {name}")
        for name, colour in table.items()
    }
