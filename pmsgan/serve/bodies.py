"""Reads pictures from requests: as a body or as a form, within bounds on memory and time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from pmsgan.batch.files.stamp import MAX_FILE_BYTES
from pmsgan.serve.problems import RefusedError

_FORM_BYTES = 2**16
"""Most bytes of a form besides its picture."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BodyLimits:
    """Bounds on the pictures that clients send."""

    each_bytes: int = MAX_FILE_BYTES
    """One picture: what `convert` reads."""
    all_bytes: int = 2 * MAX_FILE_BYTES
    """All pictures that are being received or waiting."""
    silence_s: float = 20.0
    """How long a client may send nothing [s]."""
    whole_s: float = 300.0
    """How long sending a picture may take [s]."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture that was sent."""

    data: bytes
    name: str
    """Name of the file in a form; empty where there is none."""


class Bodies:
    """Bounds the bodies of all requests; it belongs to the loop's thread."""

    def __init__(self, limits: BodyLimits) -> None:
        """Start with no bodies."""
        self.limits = limits
        self._buffered_bytes = 0

    @asynccontextmanager
    async def upload(self, request: Request) -> AsyncIterator[Upload]:
        """Read the picture of a request, whose memory counts until the block ends.

        Raises:
            RefusedError: it is too large, too slow or no form, or there are too many at a time.
            ClientDisconnect: the client has hung up.
        """
        size = _BodySize()
        try:
            yield await self._read(request, size)
        finally:
            self._buffered_bytes -= size.num_bytes

    async def _read(self, request: Request, size: "_BodySize") -> Upload:
        is_form = request.headers.get("content-type", "").startswith("multipart/form-data")
        max_bytes = self.limits.each_bytes + (_FORM_BYTES if is_form else 0)
        length = request.headers.get("content-length", "")
        if length.isdigit() and int(length) > max_bytes:
            raise self._too_large()
        chunks = self._chunks(request, size, max_bytes)
        if is_form:
            return await _read_form(request, chunks, max_bytes)
        data = bytearray()
        async for chunk in chunks:
            data += chunk
        if not data:
            raise RefusedError(HTTPStatus.BAD_REQUEST, "the body is empty: send a picture's file")
        return Upload(bytes(data), "")

    async def _chunks(
        self, request: Request, size: "_BodySize", max_bytes: int
    ) -> AsyncIterator[bytes]:
        stream = aiter(request.stream())
        end = asyncio.get_running_loop().time() + self.limits.whole_s
        while True:
            left_s = min(self.limits.silence_s, end - asyncio.get_running_loop().time())
            try:
                chunk = await asyncio.wait_for(anext(stream, None), left_s)
            except asyncio.TimeoutError:
                raise RefusedError(
                    HTTPStatus.REQUEST_TIMEOUT, "the picture did not arrive in time", closes=True
                ) from None
            if chunk is None:
                return
            size.num_bytes += len(chunk)
            self._buffered_bytes += len(chunk)
            if size.num_bytes > max_bytes:
                raise self._too_large()
            if self._buffered_bytes > self.limits.all_bytes:
                raise RefusedError(
                    HTTPStatus.SERVICE_UNAVAILABLE,
                    "too many pictures are being sent: try again later",
                    closes=True,
                )
            yield chunk

    def _too_large(self) -> RefusedError:
        return RefusedError(
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            f"the picture is too large: at most {self.limits.each_bytes // 2**20} MiB are read",
            closes=True,
        )


class _BodySize:
    """How much of a request's body is in memory."""

    num_bytes = 0


async def _read_form(request: Request, chunks: AsyncIterator[bytes], max_bytes: int) -> Upload:
    """Return the one file of a form."""
    parser = MultiPartParser(request.headers, chunks, max_files=1, max_fields=8)  # type: ignore[arg-type]
    parser.spool_max_size = max_bytes + 1  # it stays in memory, whose bound is above
    try:
        form = await parser.parse()
    except (MultiPartException, ValueError, KeyError) as error:
        raise RefusedError(HTTPStatus.BAD_REQUEST, f"the form cannot be read: {error}") from error
    try:
        for _, value in form.multi_items():
            if isinstance(value, UploadFile):
                return Upload(await value.read(), value.filename or "")
    finally:
        await form.close()
    raise RefusedError(HTTPStatus.BAD_REQUEST, "the form has no file: send a picture as one")
