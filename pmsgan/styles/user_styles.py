"""Add and remove the user's own styles."""

import logging
import shlex
import shutil
import tempfile
from pathlib import Path

from pmsgan.errors import StyleError
from pmsgan.styles.registry import (
    DESCRIPTION_NAME,
    Style,
    is_path,
    is_style,
    read_style,
    shipped_styles_folder,
    user_style_folder,
)

_log = logging.getLogger(__name__)

_CHECKPOINT_NAME = "checkpoint.pt"
"""The file that marks the folder of a training."""


def add_style(source: Path, name: str | None = None) -> Style:
    """Copy a style folder to the user's styles; warn if it then hides one that ships.

    Args:
        source: the folder; its files are checked first.
        name: of the copy, by default that of the folder.

    Raises:
        StyleError: it is not a style or is damaged, the name is not a plain name or is taken, or it
            cannot be copied.
    """
    style = read_source(source)
    name = name or source.resolve().name
    folder = user_style_folder(name)
    try:
        if folder.exists():
            raise StyleError(
                f"you already have a style {name!r}: remove it, or give another --name"
            )
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{name}.") as scratch:
            draft = Path(scratch) / name
            draft.mkdir()
            for file in (DESCRIPTION_NAME, *style.file_names):
                shutil.copyfile(source / file, draft / file)
            read_style(draft).verify()  # they may have changed meanwhile
            draft.rename(folder)
    except OSError as error:
        raise StyleError(f"cannot write {folder}: {error.strerror}") from error
    warn_of_hidden_style(name)
    return read_style(folder)


def read_source(source: Path) -> Style:
    """Read a style before adding it, and check its files.

    Raises:
        StyleError: it is not a style, or is damaged.
    """
    _refuse_other_things(source)
    style = read_style(source)
    style.verify()
    return style


def warn_of_hidden_style(name: str) -> None:
    """Warn in one line that a style of the user would hide one that ships.

    Args:
        name: what the user calls the new style; the path of a folder hides nothing.
    """
    if not is_path(name) and is_style(shipped_styles_folder() / name):
        _log.warning(
            "your style %s hides the shipped style of the same name: choose another name, or "
            "restore the shipped one later with pmsgan styles remove %s",
            name, name,
        )  # fmt: skip


def _refuse_other_things(source: Path) -> None:
    """Refuse anything but a style's folder; the error says what it is and what to do with it.

    Raises:
        StyleError: it is not a folder with a style.toml.
    """
    if is_style(source):
        return
    given, suffix = shlex.quote(str(source)), source.suffix.lower()
    if not source.exists():
        raise StyleError(f"{source} does not exist: give the folder of a style")
    if source.is_dir():
        if (source / _CHECKPOINT_NAME).is_file():
            raise StyleError(
                f"{source} is the run folder of a training: repeat its command with --resume "
                "--style NAME to make a style of it"
            )
        networks = sorted(source.glob("*.onnx"))
        hint = f"pmsgan styles import {shlex.quote(str(networks[0]))} --name NAME"
        raise StyleError(
            f"{source} is not a style, since it has no {DESCRIPTION_NAME}"
            + (f": to import an ONNX file, type {hint}" if networks else "")
        )
    if suffix == ".onnx":
        raise StyleError(f"{source} is an ONNX file: pmsgan styles import {given} --name NAME")
    if suffix in (".pth", ".pt", ".ckpt", ".pt2", ".safetensors", ".bin"):
        raise StyleError(
            f"{source} holds weights for PyTorch: import those of pix2pix or CycleGAN with pmsgan "
            "styles import --from; export other networks with torch.onnx.export first"
        )
    if source.name == DESCRIPTION_NAME:
        raise StyleError(f"{source} is part of a style: give its folder, {source.parent}")
    raise StyleError(f"{source} is not a style: give a folder with a {DESCRIPTION_NAME}")


def remove_style(name: str) -> Path:
    """Delete one of the user's styles; return the folder that is gone.

    Raises:
        StyleError: the user has no such style, or it cannot be deleted.
    """
    folder = user_style_folder(name)
    if not is_style(folder):
        raise StyleError(f"you have no style {name!r}; those that ship cannot be removed")
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise StyleError(f"cannot remove {folder}: {error.strerror}") from error
    return folder
