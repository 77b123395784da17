"""Write a report as JSON for programs, and as a page for people."""

import itertools
import json
from pathlib import Path

from pmsgan.atomic import write_whole
from pmsgan.batch.report.page import make_page
from pmsgan.batch.report.report import Report
from pmsgan.directory import Directory
from pmsgan.errors import PmsganError


def write_report(report: Report, path: Path) -> None:
    """Write a report as JSON, and beside it as a page.

    An interrupted write leaves no partial file.

    Raises:
        PmsganError: it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, json.dumps(report.to_json(), indent=2) + "\n")
        _write(page_path(path), make_page(report))
    except OSError as error:
        raise PmsganError(f"cannot write the report {path}: {error.strerror}") from error


def page_path(path: Path) -> Path:
    """Return the path of the page of a report."""
    return path.with_suffix(".html") if path.suffix == ".json" else Path(f"{path}.html")


def free_report_path(folder: Path, name: str = "report") -> Path:
    """Return the path of a report in a folder: NAME.json, or pmsgan-NAME.json and so on.

    An existing file that is not the report of a run belongs to somebody, and stays.
    """
    names = itertools.chain(
        (name, f"pmsgan-{name}"), (f"pmsgan-{name}-{number}" for number in itertools.count(2))
    )
    places = (folder / f"{name}.json" for name in names)
    return next(
        path for path in places if _is_free(path, _JSON) and _is_free(page_path(path), _PAGE)
    )


_JSON, _PAGE = b'"kind": "conversion"', b"<title>pmsgan: "
"""Text near the beginning of the files that pmsgan writes."""


def _is_free(path: Path, words: bytes) -> bool:
    """Say whether there is no file, or only one that a run has written."""
    try:
        with Directory(path.parent) as folder, folder.read(path.name) as file:
            return words in file.read(1024)
    except FileNotFoundError:
        return True
    except OSError:  # a link, a folder, a pipe
        return False


def _write(path: Path, text: str) -> None:
    write_whole(path, text.encode("utf-8", "backslashreplace"))
