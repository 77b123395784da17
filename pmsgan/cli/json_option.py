"""`--json`, the same for every command that reports."""

import datetime
import json
from typing import Annotated, Any

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def to_json(content: Any) -> str:
    """Return JSON as all commands print it."""
    return json.dumps(content, indent=2, default=_date)


def _date(value: object) -> str:
    """Return a date or a time as text: a style.toml may hold some, and JSON has none."""
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not for JSON")
