"""The page, in a real browser."""

import base64
import io
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import browser as browser_module
import cv2
import numpy as np
import pytest
from selenium.webdriver import ActionChains
from served import served

from pmsgan.serve.app import make_app
from pmsgan.serve.open_styles import OpenStyles
from pmsgan.styles.palette import read_palette

PAGE = Path(__file__).parents[2] / "pmsgan" / "serve" / "page"
DOODLES = Path(__file__).parents[2] / "samples" / "doodles"
TOKEN = "0123456789abcdef"
PATIENCE_S = 60
GREEN = (64, 160, 32)
"""Blue, green, red."""

DROP = """
const data = new DataTransfer();
for (const [name, text] of arguments[0]) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  data.items.add(new File([bytes], name, { type: "image/jpeg" }));
}
const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
document.body.dispatchEvent(drop);
"""
PIXELS = """
const image = document.querySelector("#after"), canvas = document.createElement("canvas");
if (!image.complete || !image.naturalWidth) return "";
[canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
canvas.getContext("2d").drawImage(image, 0, 0);
return canvas.toDataURL();
"""


def test_the_page_is_small_and_whole() -> None:
    scripts = [path.read_text("utf-8") for path in PAGE.glob("*.js")]
    assert sum(text.count("\n") for text in scripts) < 600
    for path in PAGE.iterdir():
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, path
        assert not re.search(r' (style|on\w+)="', text), path  # the policy would refuse them


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield from browser_module.open_browser(tmp_path_factory.mktemp("profile"))


@pytest.fixture(scope="module")
def address(make_styles: Callable[..., OpenStyles]) -> Iterator[str]:
    with served(make_app(make_styles(), "anime")) as port:
        yield f"http://127.0.0.1:{port}/"


class Page:
    """The page in a browser, and the folder where it saves files."""

    def __init__(self, driver: Any, folder: Path) -> None:
        self.driver = driver
        self.folder = folder
        driver.execute_cdp_cmd(
            "Browser.setDownloadBehavior",
            {"behavior": "allow", "downloadPath": str(folder), "eventsEnabled": False},
        )

    def script(self, text: str, *arguments: Any) -> Any:
        return self.driver.execute_script(text, *arguments)

    def wait(self, condition: Callable[[], Any]) -> Any:
        end = time.monotonic() + PATIENCE_S
        while not (found := condition()):
            assert time.monotonic() < end, self.driver.get_log("browser")
            time.sleep(0.02)
        return found

    def drop(self, *names: str) -> None:
        files = [(name, base64.b64encode((DOODLES / name).read_bytes()).decode()) for name in names]
        self.wait(lambda: self.script("return document.querySelector('#parts input')"))
        self.script(DROP, files)

    def num_done(self) -> int:
        shown = "#strip button:not(.wait):not(.bad)"
        return int(self.script(f"return document.querySelectorAll('{shown}').length"))

    def result(self) -> Any:
        """Pixels of the result that is shown, uint8 [H, W, 3] BGR."""
        data = base64.b64decode(self.wait(lambda: self.script(PIXELS)).partition(",")[2])
        return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)

    def text(self, selector: str) -> str:
        return str(self.script(f"return document.querySelector('{selector}').textContent"))

    def click(self, selector: str) -> None:
        self.wait(lambda: self.script(f"return !document.querySelector('{selector}').disabled"))
        self.script(f"document.querySelector('{selector}').click()")

    def saved(self, name: str) -> Path:
        return Path(self.wait(lambda: next(self.folder.glob(name), None)))


@pytest.fixture
def page(driver: Any, address: str, tmp_path: Path) -> Iterator[Page]:
    driver.get(address)
    yield Page(driver, tmp_path)
    assert not driver.get_log("browser")  # no error, nothing that the policy refused


NAMES = ("doodle_09.jpg", "doodle_10.jpg", "doodle_04.jpg")


def share(pixels: Any, colour: tuple[int, int, int]) -> float:
    return float((np.abs(pixels.astype(int) - colour).max(axis=2) < 6).mean())


def test_a_photograph_for_a_style_of_drawings_is_warned_of(page: Page) -> None:
    page.drop("../photos/grace_hopper.jpg", "doodle_09.jpg", "../README.md")
    page.wait(lambda: page.num_done() == 2)
    assert page.text("#status") == "2 of 2, 1 left out"
    why = page.script("return document.querySelector('#status').title")
    assert why == "../README.md is not in a supported format"
    assert page.text("#message").endswith("(line drawing of a face): try another style")
    shown = "return getComputedStyle(document.querySelector('#message')).display"
    assert page.script(shown) == "block"
    page.script("document.querySelectorAll('#strip button')[1].click()")
    assert page.script(shown) == "none"


def test_pictures_are_dropped_compared_and_saved(page: Page) -> None:
    page.drop(*NAMES)
    page.wait(lambda: page.num_done() == 3)
    assert page.text("#status") == "3 of 3"
    assert page.text("#caption").startswith("doodle_09.jpg")
    place = "return parseFloat(document.querySelector('#view').style.getPropertyValue('--at'))"
    middle = page.script(place)
    slider = page.driver.find_element("id", "slider")
    slider.send_keys("\ue014" * 20)  # the right arrow
    assert page.script(place) > middle
    view = page.driver.find_element("id", "view")
    ActionChains(page.driver, duration=10).move_to_element(view).click_and_hold().move_by_offset(
        -60, 0
    ).release().perform()
    assert page.script(place) < middle
    page.click("#download")
    assert page.saved("doodle_09.png").stat().st_size > 1000
    page.click("#all")
    with zipfile.ZipFile(io.BytesIO(page.saved("anime.zip").read_bytes())) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [name.replace("jpg", "png") for name in NAMES]
        first = archive.read("doodle_09.png")
    assert first == (page.folder / "doodle_09.png").read_bytes()


def test_a_colour_is_seen_at_once_and_kept(page: Page) -> None:
    page.drop(*NAMES[:1])
    page.wait(lambda: page.num_done() == 1)
    assert share(page.result(), GREEN) == 0
    page.script(
        "const field = document.querySelector('#parts input[name=hair]'); field.value = '#20a040';"
        "field.dispatchEvent(new Event('input', { bubbles: true }));"
    )
    page.wait(lambda: share(page.result(), GREEN) > 0.02)
    page.click("#save")
    palette = read_palette(page.saved("palette.toml"))
    assert palette.sections[0].colours["hair"] == "#20a040"
    assert "--palette palette.toml" in page.text("#command code")
    before = page.result()
    page.click("#surprise")
    page.wait(lambda: share(page.result(), GREEN) == 0)
    hair = page.script("return document.querySelector('#parts input[name=hair]').value")
    page.wait(lambda: share(page.result(), tuple(bytes.fromhex(hair[1:]))[::-1]) > 0.02)
    assert page.result().shape == before.shape
    page.click("#reset")
    page.wait(lambda: page.script("return document.querySelector('#reset').disabled"))


def test_keys_choose_pictures_and_zoom(page: Page) -> None:
    page.drop(*NAMES)
    page.wait(lambda: page.num_done() == 3)
    body = page.driver.find_element("tag name", "body")
    body.send_keys("\ue014")
    assert page.text("#caption").startswith("doodle_10.jpg")
    zoomed = "return document.querySelector('#view').classList.contains('zoomed')"
    body.send_keys("++++++")
    assert page.script(zoomed)
    body.send_keys("0")
    assert not page.script(zoomed)


def test_two_fingers_zoom_and_one_slides(page: Page) -> None:
    page.drop(*NAMES[:1])
    page.wait(lambda: page.num_done() == 1)
    box = page.script("const it = document.querySelector('#view').getBoundingClientRect();"
                      "return [it.x + it.width / 2, it.y + it.height / 2]")  # fmt: skip

    def touch(kind: str, *shifts: float) -> None:
        points = [{"x": box[0] + shift, "y": box[1], "id": id_} for id_, shift in enumerate(shifts)]
        page.driver.execute_cdp_cmd(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": points}
        )

    place = "return parseFloat(document.querySelector('#view').style.getPropertyValue('--at'))"
    middle = page.script(place)
    touch("touchStart", 0)
    touch("touchMove", -50)
    touch("touchEnd")
    assert page.script(place) == pytest.approx(middle - 50, abs=3)
    touch("touchStart", -50, 50)
    touch("touchMove", -150, 150)
    touch("touchEnd")
    assert page.script("return document.querySelector('#view').classList.contains('zoomed')")


def test_what_cannot_be_read_is_told(page: Page) -> None:
    page.wait(lambda: page.script("return document.querySelector('#parts input')"))
    page.script(DROP, [("<b>bad.jpg", "AAAA"), ("notes.txt", "AAAA")])
    page.wait(lambda: page.text("#message"))
    assert page.text("#message").startswith("<b>bad.jpg is not in a supported format (JPEG")
    # The browser notes each answer that is an error.
    assert all("422" in entry["message"] for entry in page.driver.get_log("browser"))


def test_a_token_opens_the_page(driver: Any, make_styles: Any, tmp_path: Path) -> None:
    with served(make_app(make_styles(), "anime", token=TOKEN)) as port:
        page = Page(driver, tmp_path)
        driver.get(f"http://127.0.0.1:{port}/#token={TOKEN}")
        page.wait(lambda: page.script("return document.querySelector('#parts input')"))
        assert driver.current_url == f"http://127.0.0.1:{port}/"
        page.script("sessionStorage.clear()")
        driver.refresh()
        page.wait(lambda: page.script("return document.querySelector('#ask').open"))
        driver.find_element("id", "token").send_keys(TOKEN + "\n")
        page.wait(lambda: page.script("return document.querySelector('#parts input')"))
        assert "401" in driver.get_log("browser")[0]["message"]
