"""The page that describes the API, made of its OpenAPI description."""

from typing import Any

from pmsgan.html_page import escape

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>pmsgan: the API</title>
<link rel="stylesheet" href="/reference.css">
</head>
<body>
"""


def reference_page(description: dict[str, Any], url: str) -> str:
    """Return a page of HTML.

    Args:
        description: the API in OpenAPI 3.
        url: where the description itself is.
    """
    operations = [
        _operation(method.upper(), path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    return (
        f"{_HEAD}<h1>The API of pmsgan {escape(description['info']['version'])}</h1>\n"
        f'<p>For programs: <a href="{escape(url)}">OpenAPI description</a>. For people: '
        f'<a href="/">web page</a>.</p>\n{"".join(operations)}</body>\n</html>\n'
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    text = "".join(
        f"<p>{escape(paragraph)}</p>" for paragraph in operation["description"].split("\n\n")
    )
    options = "".join(map(_option, operation.get("parameters", [])))
    body = operation.get("requestBody", {})
    sent = ", ".join(body.get("content", {}))
    answers = "".join(
        f"<dt>{escape(status)}</dt><dd>{escape(answer['description'])}</dd>"
        for status, answer in operation["responses"].items()
    )
    return (
        f"<section><h2>{escape(operation['summary'])}</h2>\n"
        f"<pre>{method} {escape(path)}</pre>\n{text}\n"
        + (f"<p>{escape(body['description'])} <small>{escape(sent)}</small></p>" if sent else "")
        + (f"<h3>Options</h3><dl>{options}</dl>\n" if options else "")
        + f"<h3>Answers</h3><dl>{answers}</dl></section>\n"
    )


def _option(parameter: dict[str, Any]) -> str:
    schema = parameter["schema"]
    values = "|".join(map(str, schema.get("enum", ()))) or schema.get("type", "text")
    default = schema.get("default")
    usual = "" if default in (None, "") else f"; {default} by default"
    return (
        f"<dt>{escape(parameter['name'])}</dt><dd>{escape(parameter.get('description', ''))} "
        f"<small>{escape(f'{values}{usual}')}</small></dd>"
    )
