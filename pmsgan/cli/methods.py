"""Methods that a user names: METHOD=FOLDER."""

from collections.abc import Sequence
from pathlib import Path

from pmsgan.errors import ConfigError


def named_folders(arguments: Sequence[str]) -> dict[str, Path]:
    """Read METHOD=FOLDER of each method; raise ConfigError if one is not that, or given twice."""
    folders: dict[str, Path] = {}
    for text in arguments:
        name, separator, folder = text.partition("=")
        if not separator or not name or not folder:
            raise ConfigError(f"{text!r}: write METHOD=FOLDER, such as ours=out")
        if name in folders:
            raise ConfigError(f"method {name!r} is given twice")
        folders[name] = Path(folder)
    return folders
