"""`pmsgan serve`."""

import sys
from dataclasses import replace
from typing import Annotated

import typer

from pmsgan.cli.boundary import one_line_errors
from pmsgan.cli.options import config_options
from pmsgan.cli.required_packages import require_packages
from pmsgan.cli.terminal import print_note, show
from pmsgan.serve.settings import ServeSettings


@one_line_errors
@config_options()
def serve(
    style: Annotated[
        str, typer.Option(help="Style that the page starts with; it also offers the others.")
    ] = "anime",
    token: Annotated[
        str | None,
        typer.Option(
            envvar="PMSGAN_TOKEN",
            help="Secret of at least 16 letters and digits that programs and the page must send. "
            "Other users of this machine can read it on the command line, so prefer to set "
            "PMSGAN_TOKEN.",
        ),
    ] = None,
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

    serve_style(style, replace(settings, token=token), _print_address)


def _print_address(address: str) -> None:
    show(address)
    sys.stdout.flush()
    print_note("open this address in a browser; Ctrl-C ends the server")
