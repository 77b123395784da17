"""Runs a server until it is stopped."""

import logging
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp

from pmsgan.batch.pictures.decode import quiet_decoders
from pmsgan.batch.translator import Translator, open_style
from pmsgan.errors import ConfigError
from pmsgan.serve.app import make_app
from pmsgan.serve.connections import BoundedProtocol
from pmsgan.serve.open_styles import OpenStyles
from pmsgan.serve.settings import ServeSettings
from pmsgan.styles.registry import Style, find_style, list_styles

KEEP_ALIVE_S = 15
BACKLOG = 128
"""Connections that are accepted in one go; more than the limit of open files would stop
accepting."""
PATIENCE_S = 60
"""How long current requests may take when the server ends [seconds]."""


def serve(style: str, settings: ServeSettings, started: Callable[[str], None]) -> None:
    """Serve a page and an API until Ctrl-C or SIGTERM, which lets current requests finish.

    Args:
        style: name of the style that the page begins with, or the path of its folder. Those of the
            user and those that ship can be chosen, too.
        settings: where to listen.
        started: is called with the page's address as soon as it answers.

    Raises:
        ConfigError: the address cannot be listened on.
        StyleError: there is no such style, or it is damaged.
        EngineError: the backend cannot run here.
    """
    first = find_style(style)
    styles = {it.name: it for it in list_styles()} | {first.name: first}

    def open_one(wanted: Style) -> Translator:
        return open_style(wanted.folder, backend=settings.backend)

    with _listen(settings) as listening, quiet_decoders():
        opened = OpenStyles([*styles.values()], open_one)
        opened.open(first.name)
        app = make_app(opened, first.name, token=settings.token, max_waiting=settings.max_waiting)
        logging.getLogger("python_multipart").setLevel(logging.ERROR)  # each request is told
        # uvicorn finishes current requests, and then raises the signal again, which would end the
        # process by it.
        for number in (signal.SIGINT, signal.SIGTERM):
            with suppress(ValueError):  # another thread than the main one
                signal.signal(number, lambda *_: None)
        started(_address(settings, listening.getsockname()[1]))
        uvicorn.Server(server_config(app)).run(sockets=[listening])


def server_config(app: ASGIApp) -> uvicorn.Config:
    """Return uvicorn's settings for an application: with bounds, and without a log of its own."""
    return uvicorn.Config(
        app,
        http=BoundedProtocol,
        ws="none",
        lifespan="on",
        loop="asyncio",
        log_config=None,
        log_level="error",
        access_log=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=PATIENCE_S,
    )


def _listen(settings: ServeSettings) -> socket.socket:
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        # Python adds the address to what the system says; names that are not found have no errno.
        number = error.errno or 0
        reason = os.strerror(number) if number > 0 else error.strerror
        raise ConfigError(
            f"cannot listen on {settings.host}, port {settings.port}: {reason}; choose another "
            "--port or --host"
        ) from error


def _address(settings: ServeSettings, port: int) -> str:
    """Return the address to open in a browser, which keeps the part after # to itself."""
    host = socket.gethostname() if settings.host in ("0.0.0.0", "::") else settings.host
    shown = f"[{host}]" if ":" in host else host
    token = "" if settings.token is None else f"#token={settings.token}"
    return f"http://{shown}:{port}/{token}"
