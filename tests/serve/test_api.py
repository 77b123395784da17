"""Programs send pictures and get results, or one line that says why not."""

import io
import re
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pictures as picture_cases
import pytest
from PIL import Image
from starlette.testclient import TestClient

from pmsgan.batch.pictures.kinds import NOT_A_PICTURE
from pmsgan.batch.settings import ConvertSettings
from pmsgan.batch.translator import Translator
from pmsgan.errors import EngineError, ImageError
from pmsgan.serve.bodies import BodyLimits
from pmsgan.serve.open_styles import OpenStyles
from pmsgan.serve.picture_cache import PictureCache, picture_id
from pmsgan.serve.service import NUM_TRANSLATING
from pmsgan.serve.workers import PixelBudget
from pmsgan.styles.palette import read_palette
from pmsgan.styles.registry import Style, find_style

ROOT = Path(__file__).parents[2]
URL = "/v1/styles/anime"
PATIENCE_S = 30


def problem(answer: Any) -> tuple[int, str]:
    """Return status and text of a request that was refused."""
    assert answer.headers["content-type"] == "application/problem+json"
    content = answer.json()
    assert content["status"] == answer.status_code
    assert "\n" not in content["detail"]
    return answer.status_code, content["detail"]


def test_a_result_is_that_of_a_conversion(
    client: TestClient, anime: Translator, doodle: bytes
) -> None:
    expected = anime.translate(doodle)
    answer = client.post(URL, content=doodle)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == expected
    assert answer.headers["pmsgan-size"] == "480x480"
    timing = answer.headers["server-timing"]
    assert re.fullmatch(r"load;dur=[\d.]+, translate;dur=[\d.]+, encode;dur=[\d.]+", timing)
    as_form = client.post(URL, files={"file": ("a/b.jpg", doodle)}, data={"other": "1"})
    assert as_form.content == expected
    assert 'filename="b.png"' in as_form.headers["content-disposition"]


@pytest.mark.parametrize("kind", ["TIFF", "WEBP", "GIF", "BMP", "AVIF", "JPEG2000"])
def test_formats_are_those_that_are_converted(client: TestClient, kind: str) -> None:
    answer = client.post(URL, content=picture_cases.encoded(picture_cases.photo(), kind))
    assert answer.status_code == 200, answer.text


def test_options_are_those_of_a_conversion(client: TestClient, doodle: bytes) -> None:
    wanted = {"size": "64", "format": "jpg", "fit": "crop", "quality": "50"}
    answer = client.post(URL, content=doodle, params=wanted)
    assert answer.headers["content-type"] == "image/jpeg"
    assert Image.open(io.BytesIO(answer.content)).size == (64, 64)
    layers = client.post(URL, content=doodle, params={"format": "ora"})
    with zipfile.ZipFile(io.BytesIO(layers.content)) as archive:
        assert b'name="hair"' in archive.read("stack.xml")


def test_a_palette_is_applied_again_without_the_network(client: TestClient, doodle: bytes) -> None:
    colours = {"palette": "hair=#204080,skin=#F0C8A0", "shade": "1"}
    first = client.post(URL, content=doodle)
    again = client.get(first.headers["content-location"], params=colours)
    assert again.status_code == 200
    assert "translate" not in again.headers["server-timing"]
    assert "hair=#204080" in again.headers["pmsgan-palette"].split(",")
    assert "skin" in again.headers["pmsgan-parts"].split(",")
    assert again.content != first.content
    assert again.content == client.post(URL, content=doodle, params=colours).content
    plain = client.get(first.headers["content-location"])
    assert plain.content == first.content
    assert "pmsgan-palette" not in plain.headers


def test_a_picture_of_another_kind_is_warned_of(client: TestClient, doodle: bytes) -> None:
    photo = (ROOT / "samples" / "photos" / "grace_hopper.jpg").read_bytes()
    answer = client.post("/v1/styles/anime", content=photo)
    said = "this does not look like the input of the style anime (line drawing of a face)"
    assert unquote(answer.headers["Pmsgan-Warning"]) == said
    again = client.get(answer.headers["Content-Location"])
    assert unquote(again.headers["Pmsgan-Warning"]) == said
    assert "Pmsgan-Warning" not in client.post("/v1/styles/anime", content=doodle).headers


def test_a_random_palette_depends_on_the_name(client: TestClient, doodle: bytes) -> None:
    style = find_style("anime")
    palette = read_palette("random:7").for_style("anime", style.parts)
    for name in ("a.png", "b.png"):
        answer = client.post(URL, content=doodle, params={"palette": "random:7", "name": name})
        shown = dict(it.split("=") for it in answer.headers["pmsgan-palette"].split(","))
        assert shown == palette.colours(name)


@pytest.mark.parametrize(
    ("options", "status", "detail"),
    [
        ({"fit": "cover"}, 400, "fit: Input should be 'stretch', 'pad' or 'crop'"),
        ({"size": "0"}, 400, "output_size is 0: it must be at least 1"),
        ({"size": "huge"}, 400, "size is 'huge': it must be source, style, or a number"),
        ({"size": "²"}, 400, "size is '²': it must be"),
        ({"size": "99999"}, 422, "is too large for a result of 99999x99999"),
        ({"sise": "512"}, 400, "there is no option sise: /docs lists the options"),
        ({"quality": "0"}, 400, "quality: Input should be greater than or equal to 1"),
        ({"palette": "nose=#112233"}, 400, "the style anime has no part 'nose'"),
        ({"palette": "hair=blue"}, 400, "hair is 'blue': a colour is #rrggbb"),
        ({"palette": "/etc/palette.toml"}, 400, "palette is '/etc/palette.toml': give PART="),
        ({"palette": "a" * 2001}, 400, "palette: String should have at most 2000"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(
    client: TestClient, doodle: bytes, options: dict[str, str], status: int, detail: str
) -> None:
    found = problem(client.post(URL, content=doodle, params=options))
    assert found[0] == status
    assert detail in found[1]


def test_what_is_no_picture_is_told_in_the_words_of_a_conversion(client: TestClient) -> None:
    said = problem(client.post(URL, content=b"no picture", params={"name": "a.png"}))
    assert said == (422, f"a.png {NOT_A_PICTURE}")
    assert problem(client.post(URL, content=b""))[0] == 400
    bomb = picture_cases.encoded(np.zeros((1, 1, 3), np.uint8), "PNG")
    bomb = bomb[:16] + (60_000).to_bytes(4, "big") * 2 + bomb[24:]
    status, detail = problem(client.post(URL, content=bomb))
    assert status == 422
    assert detail.startswith("the picture is ")
    assert problem(client.post("/v1/styles/ink", content=b"x", params={"palette": "random:1"})) == (
        400,
        "cannot give its results a palette: the style ink has no coloured parts like those of "
        "anime",
    )


@pytest.mark.parametrize("style", ["nope", "..", "%2e%2e", "anime%2f..%2fanime", "%00"])
def test_styles_are_those_that_are_listed(client: TestClient, style: str) -> None:
    answer = client.post(f"/v1/styles/{style}", content=b"x")
    assert answer.status_code in (404, 405)
    listed = client.get("/v1/styles").json()
    assert [it["name"] for it in listed["styles"]] == ["anime", "ink"]
    assert listed["default"] == "anime"
    assert ".jpg" in listed["reads"]


def test_a_form_has_one_picture(client: TestClient, doodle: bytes) -> None:
    assert problem(client.post(URL, data={"a": "b"}, files=None, headers={
        "content-type": "multipart/form-data; boundary=x"}))[0] == 400  # fmt: skip
    said = problem(client.post(URL, files={"a": (None, "b")}))
    assert said == (400, "the form has no file: send a picture as one")
    both = [("a", ("a.jpg", doodle)), ("b", ("b.jpg", doodle))]
    assert "Too many files" in problem(client.post(URL, files=both))[1]
    kind = "multipart/form-data"
    assert problem(client.post(URL, content=b"x", headers={"content-type": kind}))[0] == 400


def test_a_name_is_harmless_where_it_comes_back(client: TestClient, doodle: bytes) -> None:
    names = {
        "../../etc/passwd": "passwd.png",
        'a"b\r\nX-Evil: 1.png': "a_b__X-Evil_ 1.png",
        "\x1b[31m.jpg": "_[31m.png".replace("[", "_"),
        "...": "picture.png",
        "": "picture.png",
        "C:\\tmp\\é.jpg": "_.png",
    }
    for name, plain in names.items():
        answer = client.post(URL, content=doodle, params={"name": name, "size": "style"})
        assert answer.headers["content-disposition"].startswith(f'inline; filename="{plain}";')
        assert "x-evil" not in answer.headers


def test_a_body_has_a_bound(make_client: Callable[..., TestClient], doodle: bytes) -> None:
    client = make_client(limits=BodyLimits(each_bytes=2**20, all_bytes=2**20))
    assert client.post(URL, content=doodle).status_code == 200
    told = (413, "the picture is too large: at most 1 MiB are read")
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 2**16
            yield bytes(2**16)

    assert problem(client.post(URL, headers={"content-length": str(600 * 2**20)})) == told
    large = bytes(2**20 + 2**17)
    for answer in (client.post(URL, content=large), client.post(URL, files={"a": ("b", large)})):
        assert problem(answer) == told
        assert answer.headers["connection"] == "close"
    small = make_client(limits=BodyLimits(each_bytes=2**20, all_bytes=2**10))
    status, _ = problem(small.post(URL, content=doodle))
    assert status == 503
    assert client.post(URL, content=doodle).status_code == 200


class Held:
    """A translator that waits until it is let go, and then refuses every picture."""

    def __init__(self) -> None:
        self.let_go = threading.Event()

    def run_network(self, *_: Any) -> Any:
        assert self.let_go.wait(PATIENCE_S)
        raise ImageError("is let go")

    def close(self) -> None:
        pass


def test_a_full_queue_is_told(
    make_client: Callable[..., TestClient], make_styles: Callable[..., OpenStyles], doodle: bytes
) -> None:
    held = Held()
    client = make_client(make_styles(lambda _: held), max_waiting=2)
    most = NUM_TRANSLATING + 2
    full = threading.Event()

    def post(number: int) -> Any:
        answer = client.post(URL, content=doodle + bytes(number))
        if answer.status_code == 503:
            full.set()
        return answer

    with ThreadPoolExecutor(most + 1) as pool:
        answers = [pool.submit(post, number) for number in range(most + 1)]
        try:
            assert full.wait(PATIENCE_S)
            shown = client.get("/metrics").text
            assert client.get("/healthz").json() == {"status": "ok"}
        finally:
            held.let_go.set()
        results = [it.result() for it in answers]
    (refused,) = [it for it in results if it.status_code == 503]
    assert refused.headers["retry-after"] == "2"
    assert problem(refused)[1] == f"{most} pictures are waiting already: try again later"
    assert {it.status_code for it in results} == {422, 503}
    assert f"pmsgan_pictures_in_work {most}.0" in shown


def test_an_engine_that_is_lost_is_opened_anew(
    make_client: Callable[..., TestClient],
    make_styles: Callable[..., OpenStyles],
    anime: Translator,
    doodle: bytes,
) -> None:
    class Lost:
        def run_network(self, *_: Any) -> Any:
            raise EngineError("the device is lost")

    opened: list[Any] = [anime, Lost()]
    client = make_client(make_styles(lambda _: opened.pop()))
    assert problem(client.post(URL, content=doodle)) == (500, "the device is lost")
    assert client.post(URL, content=doodle).status_code == 200


def test_a_style_that_cannot_be_opened_is_told_each_time(
    make_client: Callable[..., TestClient], make_styles: Callable[..., OpenStyles], doodle: bytes
) -> None:
    def fail(style: Style) -> Any:
        raise EngineError(f"no backend can run {style.name}")

    client = make_client(make_styles(fail))
    for _ in range(2):
        assert problem(client.post(URL, content=doodle)) == (500, "no backend can run anime")


def test_a_bug_is_told_in_one_line_and_logged(
    make_client: Callable[..., TestClient],
    make_styles: Callable[..., OpenStyles],
    doodle: bytes,
    caplog: pytest.LogCaptureFixture,
) -> None:
    client = make_client(make_styles(lambda _: [][0]))
    assert problem(client.post(URL, content=doodle)) == (
        500, "the server failed: see its log"
    )  # fmt: skip
    assert "bug: IndexError" in caplog.text


def test_pictures_are_kept_within_a_bound(anime: Translator, doodle: bytes) -> None:
    settings = ConvertSettings(output_size="style")
    translated = anime.run_network(doodle, settings)
    cache = PictureCache(5 * translated.num_bytes)
    for number in range(7):
        cache.put(str(number), translated)
        cache.get("0")
    assert cache.num_bytes == 5 * translated.num_bytes
    assert [key for key in map(str, range(7)) if cache.get(key)] == ["0", "3", "4", "5", "6"]
    cache.put("0", translated)
    assert len(cache) == 5
    assert cache.num_bytes == 5 * translated.num_bytes
    small = PictureCache(translated.num_bytes)
    small.put("large", translated)
    assert len(small) == 0
    ids = {picture_id(style, data, how) for style in "ab" for data in (b"", b"c")
           for how in (settings, ConvertSettings(fit="crop"))}  # fmt: skip
    assert len(ids) == 8


def test_large_pictures_wait_for_each_other() -> None:
    budget = PixelBudget(100)
    has_room = threading.Event()

    def hold() -> None:
        with budget.hold(60):
            has_room.set()

    with ThreadPoolExecutor(1) as pool:
        with budget.hold(1000):
            waiting = pool.submit(hold)
            assert not has_room.wait(0.05)
        waiting.result(PATIENCE_S)
        with budget.hold(40):
            pool.submit(hold).result(PATIENCE_S)


def test_a_picture_that_is_not_kept_is_asked_for_again(client: TestClient) -> None:
    said = problem(client.get(f"{URL}/pictures/0123"))
    assert said == (404, "this picture is no longer cached: send it again")


def test_numbers_and_the_api_are_shown(client: TestClient, doodle: bytes) -> None:
    client.post(URL, content=doodle)
    shown = client.get("/metrics").text
    assert 'pmsgan_requests_total{status="200"}' in shown
    assert 'pmsgan_picture_seconds_count{style="anime",way="translate"}' in shown
    described = client.get("/openapi.json").json()
    operation = described["paths"]["/v1/styles/{style}"]["post"]
    assert {it["name"] for it in operation["parameters"]} >= {"style", "size", "format", "palette"}
    assert set(operation["requestBody"]["content"]) >= {"multipart/form-data"}
    page = client.get("/docs").text
    for path in described["paths"]:
        assert path in page
    assert "<script" not in page
    assert "://" not in page
