"""Commands that install missing packages; light to import."""

import importlib.metadata
import json
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

NAME = "pmsgan"


def install_command(extra: str) -> str:
    """Return the pip command that adds an extra, such as train, to this installation.

    pmsgan is on no index, so the command names the checkout, the wheel or the repository that it
    was installed from. If that is unknown or gone, the command names the packages of the extra
    instead.
    """
    try:
        installed = importlib.metadata.distribution(NAME)
    except importlib.metadata.PackageNotFoundError:
        return f"{pip_install([f'.[{extra}]'])} in a checkout of {NAME}"
    source = _source(json.loads(installed.read_text("direct_url.json") or "{}"), extra)
    return pip_install(source or _packages(installed.requires or [], extra))


def pip_install(arguments: Sequence[str]) -> str:
    """Return the command that installs packages for the Python that runs now.

    It is `pip install` where `pip` is this Python's, as in an activated virtual environment, and
    names the Python otherwise.
    """
    python = Path(sys.executable)
    pip = shutil.which("pip")
    if pip is None or Path(pip).parent != python.parent:
        place = os.path.relpath(python) if python.is_relative_to(Path.cwd()) else str(python)
        return shlex.join([place, "-m", "pip", "install", *arguments])
    return shlex.join(["pip", "install", *arguments])


def _source(origin: dict[str, Any], extra: str) -> list[str]:
    """Return pip's arguments for the source of pmsgan; empty if it is not available.

    Args:
        origin: the content of direct_url.json, which pip writes beside an installed package.
        extra: the extra to add.
    """
    url = str(origin.get("url", ""))
    if url.startswith("file:"):
        from urllib.request import url2pathname  # which imports all of HTTP

        path = Path(url2pathname(urlsplit(url).path))
        if not path.exists():
            return []
        place = "." if path == Path.cwd() else str(path)
        is_editable = origin.get("dir_info", {}).get("editable", False)
        return [*(["--editable"] if is_editable else []), f"{place}[{extra}]"]
    if "vcs_info" in origin:
        url = f"{origin['vcs_info']['vcs']}+{url}@{origin['vcs_info']['commit_id']}"
    return [f"{NAME}[{extra}] @ {url}"] if url else []


def _packages(requirements: list[str], extra: str) -> list[str]:
    """Return the requirements of one extra without their markers."""
    parts = [requirement.partition(";") for requirement in requirements]
    return [name.strip() for name, _, marker in parts if f'extra == "{extra}"' in marker]
