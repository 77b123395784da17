"""Write a report: for programs as JSON, for people as a page."""

import json
from pathlib import Path

from pmsgan.atomic import replacing
from pmsgan.batch.report.page import make_page
from pmsgan.batch.report.report import Report
from pmsgan.errors import PmsganError


def write_report(report: Report, path: Path) -> None:
    """Write a report as JSON, and beside it as a page.

    An interrupted write leaves no half file.

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
    """Return where the page of a report goes."""
    return path.with_suffix(".html") if path.suffix == ".json" else Path(f"{path}.html")


def _write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
