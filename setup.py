"""Makes the links of README.md absolute for the description on PyPI.

All else is in pyproject.toml.
"""

import re
from pathlib import Path

from setuptools import setup

ROOT = Path(__file__).parent


def find(pattern: str, name: str) -> str:
    """Return what the group of a pattern matches in a file beside this one."""
    return re.findall(pattern, (ROOT / name).read_text(encoding="utf-8"))[0]


def describe() -> str:
    """Return README.md with links to the repository, as it is at this version's tag."""
    source = find('(?m)^Source = "(.*)"$', "pyproject.toml")
    tag = "v" + find('(?m)^__version__ = "(.*)"$', "pmsgan/__init__.py")
    pictures = source.replace("github.com", "raw.githubusercontent.com")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    text = re.sub(r"(!\[[^]]*\]\()(?!\w+:)", rf"\g<1>{pictures}/{tag}/", text)
    return re.sub(r"(\]\()(?!\w+:|#)", rf"\g<1>{source}/blob/{tag}/", text)


setup(long_description=describe(), long_description_content_type="text/markdown")
