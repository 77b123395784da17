"""`--json`, the same for every command that reports."""

import json
from typing import Annotated, Any

import typer

JsonOption = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def to_json(content: Any) -> str:
    """Return JSON as all commands print it."""
    return json.dumps(content, indent=2)
