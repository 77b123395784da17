"""The page of tools/gpu_smoke.py: short figures as a list, the rest is in the JSON files."""

from collections.abc import Iterator
from typing import Any

MAX_DEPTH = 1
"""Deeper figures, such as those of a whole report, are in the JSON file alone."""


def section(name: str, purpose: str, figures: dict[str, Any]) -> list[str]:
    """Return the lines of one step in Markdown."""
    return [f"## {name}", "", purpose, "", *_lines(figures, 0), ""]


def _lines(figures: dict[str, Any], depth: int) -> Iterator[str]:
    indent = "  " * depth
    for name, value in figures.items():
        if isinstance(value, dict) and value:
            if depth < MAX_DEPTH:
                yield f"{indent}- {name}"
                yield from _lines(value, depth + 1)
        elif _is_text(value):
            lines = value if isinstance(value, list) else value.strip().splitlines()
            yield f"{indent}- {name}"
            yield from ["", f"{indent}  ```", *(f"{indent}  {it}" for it in lines)]
            yield from [f"{indent}  ```", ""]
        else:
            yield f"{indent}- {name}: {_short(value)}"


def _is_text(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(it, str) for it in value)
    return isinstance(value, str) and "\n" in value.strip()


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        shown = ", ".join(_short(it) for it in value[:10])
        return shown + ", ..." if len(value) > 10 else shown
    return str(value).strip()
