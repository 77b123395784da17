"""The style anime, opened once, and clients of an application that serves it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from pmsgan.batch.translator import Translator, open_style
from pmsgan.styles.registry import Style, find_style

pytest.importorskip("fastapi")

from starlette.testclient import TestClient

from pmsgan.serve.app import make_app
from pmsgan.serve.open_styles import OpenStyles

DOODLE = Path(__file__).parents[2] / "samples" / "doodles" / "doodle_09.jpg"


@pytest.fixture(scope="session")
def anime() -> Iterator[Translator]:
    with open_style("anime") as translator:
        yield translator


@pytest.fixture(scope="session")
def doodle() -> bytes:
    return DOODLE.read_bytes()


class LeftOpen:
    """A translator that stays open when an application closes its styles."""

    def __init__(self, translator: Translator) -> None:
        self.run_network = translator.run_network

    def close(self) -> None:
        pass


@pytest.fixture(scope="session")
def make_styles(anime: Translator) -> Callable[..., OpenStyles]:
    """Make the styles of an application: anime, opened by `open_one` or not at all."""

    def make(open_one: Callable[[Style], Any] = lambda _: LeftOpen(anime)) -> OpenStyles:
        return OpenStyles([find_style("anime"), find_style("ink")], open_one)

    return make


@pytest.fixture(scope="session")
def make_client(make_styles: Callable[..., OpenStyles]) -> Iterator[Callable[..., TestClient]]:
    """Make a client of a new application."""
    with ExitStack() as stack:

        def make(styles: OpenStyles | None = None, **options: Any) -> TestClient:
            app = make_app(styles or make_styles(), "anime", **options)
            client = TestClient(app, "http://localhost:8000", raise_server_exceptions=False)
            return stack.enter_context(client)

        yield make


@pytest.fixture(scope="session")
def client(make_client: Callable[..., TestClient]) -> TestClient:
    return make_client()
