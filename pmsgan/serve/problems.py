"""Send errors to clients as application/problem+json (RFC 9457), with the library's messages."""

import logging
import traceback
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from pmsgan.errors import ConfigError, ImageError, PmsganError

_log = logging.getLogger(__name__)

RETRY_AFTER_S = 2
CLIENT_GONE = 499
"""Status of a request whose client hung up, which only the log sees."""


class RefusedError(Exception):
    """A request that gets no result, and why."""

    def __init__(self, status: HTTPStatus, detail: str, *, closes: bool = False) -> None:
        """Say why.

        Args:
            status: of the answer.
            detail: one line that says what failed, and what to do.
            closes: whether the connection ends, as where the rest of a body is not read.
        """
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.closes = closes


def problem(refused: RefusedError) -> JSONResponse:
    """Return the answer to a request that is refused."""
    headers = {"connection": "close"} if refused.closes else {}
    if refused.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["retry-after"] = str(RETRY_AFTER_S)
    if refused.status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = "Bearer"
    content = {"title": refused.status.phrase, "status": refused.status, "detail": refused.detail}
    return JSONResponse(content, refused.status, headers, "application/problem+json")


def answer_errors(app: FastAPI) -> None:
    """Make an application answer each error with a problem, and log it."""

    async def answer(request: Request, error: Exception) -> JSONResponse:
        refused = _refused(error)
        request.state.remark = refused.detail
        return problem(refused)

    async def note(request: Request, error: Exception) -> Response:
        request.state.remark = "the client hung up"
        return Response(status_code=CLIENT_GONE)

    app.add_exception_handler(ClientDisconnect, note)
    for kind in (RefusedError, PmsganError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, answer)


def _refused(error: Exception) -> RefusedError:
    if isinstance(error, RefusedError):
        return error
    if isinstance(error, RequestValidationError):
        first = error.errors()[0]
        return RefusedError(HTTPStatus.BAD_REQUEST, f"{first['loc'][-1]}: {first['msg']}")
    if isinstance(error, HTTPException):
        return RefusedError(HTTPStatus(error.status_code), str(error.detail))
    if isinstance(error, ConfigError):
        return RefusedError(HTTPStatus.BAD_REQUEST, str(error))
    if isinstance(error, ImageError):
        return RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, str(error))
    if isinstance(error, PmsganError):
        return RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, str(error))
    if isinstance(error, MemoryError):
        return RefusedError(
            HTTPStatus.SERVICE_UNAVAILABLE, "there is not enough memory: try again later"
        )
    frame = traceback.extract_tb(error.__traceback__)[-1]
    _log.error("bug: %r at %s, line %s", error, frame.filename, frame.lineno, exc_info=error)
    return RefusedError(HTTPStatus.INTERNAL_SERVER_ERROR, "the server failed: see its log")
