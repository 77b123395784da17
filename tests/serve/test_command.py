"""`pmsgan serve` as a user meets it."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pmsgan.batch.translator import Translator
from pmsgan.cli.app import app
from pmsgan.serve import server as server_module
from pmsgan.serve.settings import ServeSettings

PATIENCE_S = 60


def serve(*arguments: object, **options: Any) -> Result:
    return CliRunner().invoke(app, ["serve", *map(str, arguments)], **options)


def test_what_cannot_be_served_is_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = serve("--port", port)
    assert result.exit_code == 2
    assert result.stderr == (
        f"error: cannot listen on 127.0.0.1, port {port}: Address already in use; choose another "
        "--port or --host\n"
    )
    result = serve("--host", "0.0.0.0")
    assert result.exit_code == 2
    assert result.stderr.startswith(
        "error: --host is 0.0.0.0: everybody who can reach it could use"
    )
    result = serve("--style", "nope")
    assert result.exit_code == 3
    assert "there is no style 'nope'" in result.stderr
    result = serve(env={"PMSGAN_TOKEN": "short"})
    assert result.exit_code == 2
    assert "--token is too short" in result.stderr
    assert "short'" not in result.stderr


@pytest.mark.parametrize("way", ["option", "environment"])
def test_with_a_token_other_machines_may_be_served(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, served = "0123456789abcdef", []
    monkeypatch.setattr(server_module, "serve", lambda style, settings, _: served.append(settings))
    given = ["--token", token] if way == "option" else []
    environment = {} if given else {"PMSGAN_TOKEN": token}
    result = serve("--host", "0.0.0.0", *given, env=environment)
    assert result.exit_code == 0, result.stderr
    assert served == [ServeSettings(host="0.0.0.0", token=token)]


def test_what_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name == "uvicorn" else find(name)
    )
    result = serve()
    assert result.exit_code == 3
    assert "pmsgan serve needs uvicorn, which is not installed: " in result.stderr


def test_sigterm_finishes_what_is_in_work(anime: Translator, doodle: bytes, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as file:
        server = subprocess.Popen(
            [sys.executable, "-m", "pmsgan", "serve", "--port", "0"],
            stdout=subprocess.PIPE, stderr=file, env=os.environ | {"COLUMNS": "200"},
        )  # fmt: skip
    watchdog = threading.Timer(PATIENCE_S, server.kill)
    watchdog.start()
    try:
        assert server.stdout is not None
        address = server.stdout.readline().decode()  # the log would hold why there is none
        port = int(address.strip().removeprefix("http://127.0.0.1:").rstrip("/"))
        with socket.create_connection(("127.0.0.1", port)) as client:
            head = f"POST /v1/styles/anime HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: "
            client.sendall(f"{head}{len(doodle)}\r\n\r\n".encode() + doodle[:1000])
            with socket.create_connection(("127.0.0.1", port)) as other:  # it has begun
                other.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
                assert other.recv(1000).startswith(b"HTTP/1.1 200 ")
            server.send_signal(signal.SIGTERM)
            client.sendall(doodle[1000:])
            answer = b"".join(iter(lambda: client.recv(2**16), b""))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert answer.endswith(anime.translate(doodle))
        assert server.wait(PATIENCE_S) == 0, log.read_text()
    finally:
        watchdog.cancel()
        server.kill()
        server.communicate()
    assert "Traceback" not in log.read_text()
    assert "127.0.0.1 POST /v1/styles/anime 200 " in log.read_text()
