"""Write style.toml, and find the place of a new style; this needs no torch."""

import hashlib
import os
from dataclasses import asdict
from pathlib import Path
from typing import Any

import tomli_w

import pmsgan
from pmsgan.atomic import replacing
from pmsgan.errors import StyleError
from pmsgan.styles.registry import (
    DESCRIPTION_NAME,
    is_path,
    read_description,
    user_style_folder,
)
from pmsgan.styles.scaling import Scaling


def style_folder(name: str) -> Path:
    """Return the folder of a new style: one of the user's styles, or `name` itself if it is a path.

    Raises:
        StyleError: the folder exists and is not a style, it could not be written, or the name is
            not a plain name.
    """
    folder = Path(name).resolve() if is_path(name) else user_style_folder(name)
    there = next(path for path in folder.parents if os.access(path, os.F_OK))
    if not (there.is_dir() and os.access(there, os.W_OK)):  # rather now than after the training
        raise StyleError(f"cannot write the style {folder}: give a folder such as ./{folder.name}")
    if folder.exists() and not (folder / DESCRIPTION_NAME).is_file():
        raise StyleError(f"{folder} exists and is not a style: choose another name")
    return folder


def write_description(folder: Path, description: dict[str, Any]) -> None:
    """Write a new style.toml, with the version of pmsgan that made it.

    Raises:
        OSError: it cannot be written.
    """
    content = {**description, "made_by": f"pmsgan {pmsgan.__version__}"}
    (folder / DESCRIPTION_NAME).write_text(tomli_w.dumps(content), encoding="utf-8")


def write_scaling(folder: Path, scaling: Scaling) -> None:
    """Set the scaling of a style's results in its style.toml; the rest stays unchanged.

    Raises:
        StyleError: the folder holds no style, or cannot be written.
    """
    path = folder / DESCRIPTION_NAME
    try:
        description = read_description(folder) | {"scaling": asdict(scaling)}
        with replacing(path) as temporary:
            temporary.write_text(tomli_w.dumps(description), encoding="utf-8")
    except OSError as error:
        raise StyleError(f"cannot write {path}: {error.strerror}") from error
    except ValueError as error:
        raise StyleError(f"{path} cannot be read: {error}") from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, as style.toml states it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
