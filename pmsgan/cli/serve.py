"""`pmsgan serve`."""

import sys
from typing import Annotated

import typer

from pmsgan.cli.boundary import one_line_errors
from pmsgan.cli.options import config_options
from pmsgan.cli.required_packages import require_packages
from pmsgan.cli.terminal import print_note, show
from pmsgan.serve.settings import ServeSettings


@one_line_errors
@config_options(environment={"token": "PMSGAN_TOKEN"})
def serve(
    style: Annotated[
        str, typer.Option(help="Style that the page starts with; it also offers the others.")
    ] = "anime",
    *,
    settings: ServeSettings,
) -> None:
    """Serve a page to try styles on, and an HTTP API for programs.

    Drop pictures on the page: a slider compares them with their results, and you can pick colours
    for the parts of anime. Programs send a picture to /v1/styles/STYLE; /docs documents the API.

    Ctrl-C and SIGTERM finish the pictures in progress, then end the server.
    """
    require_packages(
        "serve", "serve", "fastapi", "uvicorn", "python_multipart", "prometheus_client"
    )
    from pmsgan.serve.server import serve as serve_style

    serve_style(style, settings, _print_address)


def _print_address(address: str) -> None:
    show(address)
    sys.stdout.flush()
    print_note("open this address in a browser; Ctrl-C ends the server")
