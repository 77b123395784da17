"""Clients that misbehave do not keep others out."""

import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from served import served

from pmsgan.batch.translator import Translator
from pmsgan.serve import connections
from pmsgan.serve.app import make_app
from pmsgan.serve.open_styles import OpenStyles

httpx = pytest.importorskip("httpx2")

PATIENCE_S = 30
HEAD = b"POST /v1/styles/anime HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture(scope="module")
def port(make_styles: Callable[..., OpenStyles]) -> Iterator[int]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(connections, "MAX_CONNECTIONS", 10)
        patch.setattr(connections, "CHECK_EVERY_S", 0.02)
        patch.setattr(connections, "REQUEST_S", 0.1)
        patch.setattr(connections, "STUCK_S", 0.1)
        with served(make_app(make_styles(), "anime")) as port:
            yield port


def connect(port: int, data: bytes = b"") -> socket.socket:
    client = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
    client.sendall(data)
    return client


def answer_of(client: socket.socket) -> bytes:
    """Return all that a server sends before it ends the connection."""
    parts = []
    try:
        while part := client.recv(2**16):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def test_many_clients_at_once_get_their_own_results(
    port: int, anime: Translator, doodle: bytes
) -> None:
    pictures = [doodle, anime.translate(doodle)] * 4
    expected = [anime.translate(it) for it in pictures[:2]] * 4

    def post(picture: bytes) -> bytes:
        answer = httpx.post(f"http://127.0.0.1:{port}/v1/styles/anime", content=picture, timeout=60)
        assert answer.status_code == 200
        return bytes(answer.content)

    with ThreadPoolExecutor(8) as pool:
        assert [*pool.map(post, pictures)] == expected


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: loc"])
def test_a_connection_without_a_request_ends(port: int, sent: bytes) -> None:
    with connect(port, sent) as client:
        assert answer_of(client) == b""


def test_garbage_is_one_line(port: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with connect(port, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n") as client:
        assert answer_of(client).startswith(b"HTTP/1.1 400 ")
    assert [it.getMessage() for it in caplog.records if it.levelno >= logging.INFO] == [
        "127.0.0.1 sent a request that is not HTTP"
    ]


def test_a_large_body_is_refused_before_it_is_sent(port: int) -> None:
    with connect(port, HEAD + b"Content-Length: 629145600\r\n\r\n") as client:
        answer = answer_of(client)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"connection: close" in answer.lower()
    assert answer.endswith(b'"the picture is too large: at most 512 MiB are read"}')


def test_idle_connections_make_room(
    port: int, doodle: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "REQUEST_S", PATIENCE_S)
    half = HEAD + b"Content-Length: 1000\r\n\r\nhalf"
    with ExitStack() as stack, httpx.Client(timeout=PATIENCE_S) as good:
        url = f"http://127.0.0.1:{port}/healthz"
        assert good.get(url).status_code == 200
        for number in range(40):
            stack.enter_context(connect(port, half if number % 2 else b""))
            if number % 5 == 0:  # its own connection lives, since it is not silent
                assert good.get(url).status_code == 200
        url = f"http://127.0.0.1:{port}/v1/styles/anime"
        assert good.post(url, content=doodle).status_code == 200


def test_a_client_that_reads_nothing_is_let_go(
    port: int, doodle: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = b"GET /app.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with connect(port) as client:
        client.setblocking(False)
        end = time.monotonic() + PATIENCE_S
        was_ended = False
        while not was_ended and time.monotonic() < end:
            try:
                client.send(request * 1000)
            except BlockingIOError:
                threading.Event().wait(0.01)
            except OSError:
                was_ended = True
        assert was_ended


def test_a_client_that_hangs_up_leaves_no_trace(
    port: int, doodle: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    head = HEAD + b"Content-Length: %d\r\n\r\n" % len(doodle)
    for data in (head + doodle[:1000], head + doodle):
        connect(port, data).close()
    end = time.monotonic() + PATIENCE_S
    lines: list[Any] = []
    while len(lines) < 2 and time.monotonic() < end:
        threading.Event().wait(0.01)
        lines = [it.getMessage() for it in caplog.records if "POST" in it.getMessage()]
    assert len(lines) == 2
    assert any("499" in line and "hung up" in line for line in lines)
    assert all(it.levelno < logging.ERROR for it in caplog.records)
