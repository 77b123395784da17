"""How Sphinx builds the site: `make docs`."""

import posixpath
import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

import pmsgan

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PYPROJECT = tomllib.loads(Path(__file__, "../../pyproject.toml").resolve().read_text("utf-8"))
REPOSITORY = PYPROJECT["project"]["urls"]["Source"]

project = "pmsgan"
author = copyright = "The pmsgan developers"
version = release = pmsgan.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
default_role = "literal"  # docstrings write `name`, as Markdown does

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"

html_theme = "furo"
html_title = f"pmsgan {release}"
html_theme_options = {
    "source_repository": REPOSITORY,
    "source_branch": "main",
    "source_directory": "docs/",
}
linkcheck_timeout = 20


def link_to_repository(_app: Sphinx, page: str, source: list[str]) -> None:
    """Let links to files outside docs/ lead to the repository."""

    def absolute(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), match[1]))
        if target.startswith("docs/"):
            return match[0]
        return f"]({REPOSITORY}/blob/main/{target})"

    source[0] = re.sub(r"\]\((\.\./[^)\s]*)\)", absolute, source[0])


def setup(app: Sphinx) -> None:
    """Connect what rewrites links."""
    app.connect("source-read", link_to_repository)
