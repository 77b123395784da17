"""The application: the API for programs, and the page that uses it."""

import functools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import Depends, FastAPI, Query, Request
from fastapi import Path as PathField
from fastapi.responses import HTMLResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.types import ASGIApp

import pmsgan
from pmsgan.batch.settings import ConvertSettings
from pmsgan.formats import PICTURE_SUFFIXES
from pmsgan.serve.bodies import BodyLimits
from pmsgan.serve.guard import Guard
from pmsgan.serve.open_styles import OpenStyles
from pmsgan.serve.options import read_options
from pmsgan.serve.problems import RefusedError, answer_errors
from pmsgan.serve.reference import reference_page
from pmsgan.serve.results import MEDIA_TYPES, ResultFile
from pmsgan.serve.service import Service
from pmsgan.serve.workers import Workers
from pmsgan.styles.registry import Style

_PAGE = Path(__file__).parent / "page"
_FILES: dict[str, Any] = {"content": {kind: {} for kind in MEDIA_TYPES.values()}}
_PROBLEM: dict[str, Any] = {"content": {"application/problem+json": {}}}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The result."} | _FILES,
    400: {"description": "An option is wrong."} | _PROBLEM,
    404: {"description": "There is no such style, or the picture is no longer cached."} | _PROBLEM,
    413: {"description": "The picture is too large."} | _PROBLEM,
    422: {"description": "The picture cannot be read."} | _PROBLEM,
    503: {"description": "Too many pictures are waiting; see Retry-After."} | _PROBLEM,
}
_BINARY = {"type": "string", "format": "binary"}
_BODY = {
    "requestBody": {
        "required": True,
        "description": "A picture's file, either as the body or as the only file of a form.",
        "content": {
            "application/octet-stream": {"schema": _BINARY},
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"picture": _BINARY}}
            },
        },
    }
}

_Wanted = Annotated[ConvertSettings, Depends(read_options)]
_Name = Annotated[
    str,
    Query(
        max_length=500,
        description="Name of the picture. It names the result, and a random palette derives its "
        "colours from it.",
    ),
]
_StyleName = Annotated[str, PathField(description="Name of a style.")]


def make_app(
    styles: OpenStyles,
    default: str,
    *,
    token: str | None = None,
    max_waiting: int = 64,
    limits: BodyLimits | None = None,
) -> ASGIApp:
    """Return the application; it closes the styles when it ends.

    Args:
        styles: the styles that may be asked for.
        default: name of the style that the page begins with.
        token: secret that requests must send; without one, only requests from this machine are
            answered.
        max_waiting: most pictures that may wait for the engine.
        limits: what clients may send.
    """
    service = Service(styles, default, max_waiting, limits or BodyLimits())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = FastAPI(
        title="pmsgan",
        version=pmsgan.__version__,
        summary="Translates pictures into a style.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        openapi_url="/v1/openapi.json" if token is not None else "/openapi.json",
    )
    answer_errors(app)
    _add_pictures(app, service)
    _add_rest(app, service)
    app.mount("/", StaticFiles(directory=_PAGE, html=True))
    return Guard(
        app, token=token, count=lambda status: service.metrics.requests.labels(status).inc()
    )


def _add_pictures(app: FastAPI, service: Service) -> None:
    """Add the routes that make results."""

    async def answer(
        request: Request, workers: Workers, way: str, style: str, work: Callable[[], ResultFile]
    ) -> Response:
        with service.metrics.seconds.labels(style, way).time():
            result = await workers.run(work, request.is_disconnected)
        return Response(result.data, headers=result.headers, media_type=result.media_type)

    @app.post(
        "/v1/styles/{style}",
        response_class=Response,
        responses=_ANSWERS,
        openapi_extra=_BODY,
        summary="Translate a picture",
    )
    async def translate(
        request: Request, style: _StyleName, wanted: _Wanted, name: _Name = ""
    ) -> Response:
        """Send a picture's file as the body, or as a form; the answer is the result's file.

        Headers describe it: Server-Timing has the time of each stage, Pmsgan-Size its size,
        Pmsgan-Note what was left out, Pmsgan-Warning that the picture is hardly one for this style,
        Pmsgan-Palette and Pmsgan-Parts the colours and the parts that were found, and
        Content-Location the address of the same picture in other colours, which the server keeps
        for some time.
        """
        settings = wanted.for_style(service.style(style))
        async with service.bodies.upload(request) as upload:
            shown = name or upload.name

            work = functools.partial(service.translate, style, upload.data, settings, shown)
            return await answer(request, service.translating, "translate", style, work)

    @app.get(
        "/v1/styles/{style}/pictures/{key}",
        response_class=Response,
        responses=_ANSWERS,
        summary="Render a picture again",
    )
    async def render_again(
        request: Request, style: _StyleName, key: str, wanted: _Wanted, name: _Name = ""
    ) -> Response:
        """Make another result of an earlier picture, in other colours or another format.

        Its size and fit stay. A picture is kept for some time; then this answers 404, and the
        client must send the picture again.
        """
        settings = wanted.for_style(service.style(style))
        translated = service.cache.get(key)
        if translated is None:
            raise RefusedError(
                HTTPStatus.NOT_FOUND, "this picture is no longer cached: send it again"
            )
        work = functools.partial(service.render_again, style, translated, settings, name)
        return await answer(request, service.recolouring, "recolour", style, work)


def _add_rest(app: FastAPI, service: Service) -> None:
    """Add the routes that describe the server."""

    @app.get("/v1/styles", summary="List the styles")
    async def list_styles() -> dict[str, Any]:
        """Return the styles, the suffixes of the formats that are read, and the largest file."""
        return {
            "default": service.default,
            "styles": [_describe(style) for style in service.styles.styles.values()],
            "reads": sorted(PICTURE_SUFFIXES),
            "max_bytes": service.bodies.limits.each_bytes,
            "version": pmsgan.__version__,
        }

    @app.get("/healthz", summary="Check that the server is up")
    async def health() -> dict[str, str]:
        """Answer."""
        return {"status": "ok"}

    @app.get("/metrics", response_class=Response, summary="Numbers for Prometheus")
    async def metrics() -> Response:
        """Return counts, times and memory in the text format of Prometheus."""
        return Response(service.metrics.text(), media_type="text/plain; version=0.0.4")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(reference_page(app.openapi(), str(app.openapi_url)))


def _describe(style: Style) -> dict[str, Any]:
    licence = str(style.origin.get("licence", ""))
    return {
        "name": style.name,
        "input": style.input,
        "output": style.output,
        "height": style.height,
        "width": style.width,
        "parts": style.parts,
        "licence": licence,
    }
