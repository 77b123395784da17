"""Python processes that we start import nothing from the current folder.

Python looks for modules there first, and it may be a folder of pictures from strangers, with a
cv2.py among them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SAFE_PATH = {"PYTHONSAFEPATH": "1"}
"""What a process is told by its environment; Python 3.10 does not know it."""


@contextmanager
def safe_path_for_children() -> Iterator[None]:
    """Let processes that are started in the block leave the current folder out."""
    before = {name: os.environ.get(name) for name in SAFE_PATH}
    os.environ.update(SAFE_PATH)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def outside_of_current_folder() -> Iterator[None]:
    """Let the root of the disk be the current folder: nobody else puts modules there."""
    before = Path.cwd()
    os.chdir(before.anchor)
    try:
        yield
    finally:
        os.chdir(before)
