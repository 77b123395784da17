"""Guard the application: check requests, restrict browsers, and log each request in one line."""

import hmac
import logging
import time
from collections.abc import Callable
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pmsgan.serve.problems import RefusedError, problem
from pmsgan.terminal import printable

_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_SECRET = ("/v1/", "/metrics")
"""Paths that need the token, if there is one; the page itself reveals nothing."""
_MAX_SHOWN = 200
"""Most characters of a path or a remark in the log."""

_log = logging.getLogger(__name__)


class Guard:
    """Wraps an application, and checks and logs its requests."""

    def __init__(
        self, app: ASGIApp, *, token: str | None, count: Callable[[int], None] = lambda _: None
    ) -> None:
        """Guard an application.

        Args:
            app: the application.
            token: secret that requests must send; None accepts only requests from this machine.
            count: called with the status of each answer.
        """
        self._app = app
        self._token = token
        self._count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http":
            await self._answer(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        begin, status, num_bytes = time.monotonic(), 0, 0
        state = scope.setdefault("state", {})

        async def send_guarded(message: Message) -> None:
            nonlocal status, num_bytes
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message).update(_HEADERS)
            num_bytes += len(message.get("body", b""))
            await send(message)

        try:
            refused = self._refusal(scope)
            if refused is None:
                await self._app(scope, receive, send_guarded)
            else:
                state["remark"] = refused.detail
                await problem(refused)(scope, receive, send_guarded)
        except Exception:
            if not status:  # else Starlette raises again what has been answered and logged
                raise
        finally:
            self._count(status)
            took_s = time.monotonic() - begin
            _log.log(_level(scope, status), "%s", _line(scope, status, num_bytes, took_s))

    def _refusal(self, scope: Scope) -> RefusedError | None:
        """Return why a request is refused; None if it is not."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._token is None and _host_name(host) not in _LOOPBACK:
            return RefusedError(
                HTTPStatus.MISDIRECTED_REQUEST,
                "this server only accepts requests from its own machine: open it as localhost, or "
                "start it with --token",
                closes=True,
            )
        origin = headers.get("origin")
        is_foreign = origin is not None and urlsplit(origin).netloc != host
        is_cross_site = headers.get("sec-fetch-site") == "cross-site"
        if scope["method"] not in ("GET", "HEAD") and (is_foreign or is_cross_site):
            return RefusedError(
                HTTPStatus.FORBIDDEN, "pages of other sites may not use this server", closes=True
            )
        if self._token is not None and scope["path"].startswith(_SECRET):
            kind, _, given = headers.get("authorization", "").partition(" ")
            is_right = hmac.compare_digest(given.strip().encode(), self._token.encode())
            if kind.lower() != "bearer" or not is_right:
                return RefusedError(
                    HTTPStatus.UNAUTHORIZED,
                    "this server requires a token: send it as Authorization: Bearer TOKEN",
                    closes=True,
                )
        return None


def _host_name(host: str) -> str | None:
    """Return the name in a Host header; None if it is none."""
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _level(scope: Scope, status: int) -> int:
    """Return the log level of a request: requests that only read are quiet."""
    is_quiet = status < 400 and not scope["path"].startswith("/v1/styles/")
    return logging.DEBUG if is_quiet else logging.INFO


def _line(scope: Scope, status: int, num_bytes: int, took_s: float) -> str:
    client = (scope.get("client") or ("?",))[0]
    remark = scope["state"].get("remark", "")
    text = printable(f"{scope['method']} {scope['path']}")[:_MAX_SHOWN]
    end = f": {printable(remark)[:_MAX_SHOWN]}" if remark else ""
    return f"{client} {text} {status or 'no answer'} {num_bytes} bytes {took_s:.3f} s{end}"
