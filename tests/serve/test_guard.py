"""Who may use a server, and what its log says of them."""

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from pmsgan.errors import ConfigError
from pmsgan.serve.app import make_app
from pmsgan.serve.bodies import BodyLimits
from pmsgan.serve.open_styles import OpenStyles
from pmsgan.serve.settings import ServeSettings

URL = "/v1/styles/anime"
TOKEN = "0123456789abcdef"


def detail(answer: Any) -> str:
    return str(answer.json()["detail"])


def test_a_page_of_another_name_reaches_nothing(client: TestClient) -> None:
    for host in ("evil.example", "evil.example:8000", "localhost.evil.example", "", "[", "a@b"):
        answer = client.get("/v1/styles", headers={"host": host})
        assert answer.status_code == 421, host
        assert "only accepts requests from its own machine" in detail(answer)
    for host in ("localhost", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST:1"):
        assert client.get("/v1/styles", headers={"host": host}).status_code == 200


def test_a_page_of_another_site_may_send_nothing(client: TestClient) -> None:
    for headers in (
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:9000"},
        {"sec-fetch-site": "cross-site"},
    ):
        answer = client.post(URL, content=b"x", headers=headers)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    own = {"origin": "http://localhost:8000", "sec-fetch-site": "same-origin"}
    assert client.post(URL, content=b"x", headers=own).status_code == 422


def test_every_answer_tells_browsers_what_they_may_do(client: TestClient) -> None:
    answers = [
        client.get("/"), client.get("/app.js"), client.get("/nowhere"), client.post(URL),
        client.get("/v1/styles", headers={"host": "evil.example"}), client.get("/metrics"),
    ]  # fmt: skip
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
    for path in ("/..%2fapp.py", "/%2e%2e/app.py", "/../app.py"):
        assert client.get(path).status_code == 404


def test_a_token_is_asked_for(make_client: Callable[..., TestClient]) -> None:
    client = make_client(token=TOKEN)
    bearer = {"authorization": f"Bearer {TOKEN}", "host": "server.example:8000"}
    for path in ("/v1/styles", "/v1/openapi.json", "/metrics", f"{URL}/pictures/1"):
        for wrong in ("", TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN[:-1]}", "Bearer \xe9"):
            given = {"authorization": wrong.encode("latin-1")} if wrong else {}
            answer = client.get(path, headers=given)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"] == "Bearer"
        assert client.get(path, headers=bearer).status_code in (200, 404)
    assert client.get("/healthz").status_code == client.get("/").status_code == 200


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"host": "0.0.0.0"}, "host is 0.0.0.0: everybody who can reach it could use this machine"),
        ({"host": "example.org"}, "give a --token"),
        ({"token": "short"}, "token is too short"),
        ({"token": "a b" * 10}, "has characters other"),
        ({"port": 65536}, "port is 65536"),
        ({"max_waiting": 0}, "max_waiting is 0"),
    ],
)
def test_settings_that_would_open_the_machine_are_refused(
    given: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        ServeSettings(**given)
    for host in ("localhost", "::1", "127.0.0.2"):
        assert ServeSettings(host=host).is_loopback
    assert ServeSettings(host="0.0.0.0", token=TOKEN).token == TOKEN


def test_each_request_is_one_harmless_line(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "pmsgan.serve.guard")
    client.post(URL, content=b"x", params={"name": "\x1b[31m\nfake line"})
    client.get("/%1b[2J%0afake")
    client.get("/" + "a" * 5000)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == 3
    assert "POST /v1/styles/anime 422" in messages[0]
    assert r"\x1b[31m\nfake line" in messages[0]
    for message in messages:
        assert message.isprintable()
        assert len(message) < 500


def exchange(app: Any, messages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Let an application have a request whose client then stays silent; return what it sends."""
    sent: list[dict[str, Any]] = []
    scope = {
        "type": "http", "method": "POST", "path": URL, "raw_path": URL.encode(), "root_path": "",
        "scheme": "http", "query_string": b"", "headers": [(b"host", b"localhost")],
        "client": ("192.0.2.1", 1), "server": ("localhost", 8000), "http_version": "1.1",
    }  # fmt: skip

    async def receive() -> dict[str, Any]:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(app(scope, receive, send))
    return sent


@pytest.mark.parametrize(
    ("then", "line"),
    [
        ([], "408 .* the picture did not arrive in time"),
        ([{"type": "http.disconnect"}], "499 .* the client hung up"),
    ],
)
def test_half_a_body_is_one_line(
    make_styles: Callable[..., OpenStyles],
    caplog: pytest.LogCaptureFixture,
    then: list[dict[str, Any]],
    line: str,
) -> None:
    caplog.set_level(logging.INFO, "pmsgan.serve")
    app = make_app(make_styles(), "anime", limits=BodyLimits(silence_s=0.05))
    half = {"type": "http.request", "body": b"half", "more_body": True}
    sent = exchange(app, [half, *then])
    assert [it["type"] for it in sent] == ["http.response.start", "http.response.body"]
    (record,) = caplog.records
    assert re.fullmatch(f"192.0.2.1 POST {URL} {line}", record.getMessage())
