"""Python processes that we start import nothing from the current folder.

Python looks for modules there first, and it may be a folder of pictures from strangers, with a
cv2.py among them.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SAFE_PATH = {"PYTHONSAFEPATH": "1"}
"""Environment variable for child processes; Python 3.10 ignores it."""


@contextmanager
def safe_path_for_children() -> Iterator[None]:
    """Keep the current folder off the import path of processes that are started in the block."""
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
    """Make the root of the disk the current folder, since nobody else can put modules there."""
    before = Path.cwd()
    os.chdir(before.anchor)
    try:
        yield
    finally:
        os.chdir(before)
