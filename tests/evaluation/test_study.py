"""The user study, filled in by a real browser."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser as browser_module
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from pmsgan.cli.app import app
from pmsgan.errors import DataError
from pmsgan.evaluation.study import make_study
from pmsgan.evaluation.tally import tally_answers

HOSTILE = "<img src=x onerror=document.title='hacked'>"
BOLD = "<b>\"'&"


def study(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["study", *map(str, arguments)])


@pytest.fixture
def folders(tmp_path: Path) -> dict[str, Path]:
    """Six pictures of each: three methods, the truth and the input."""
    found = {}
    for level, name in enumerate(("ours", "pix2pix", BOLD, "truth", "input")):
        folder = found[name] = tmp_path / f"folder{level}"
        folder.mkdir()
        for number in range(6):
            picture = np.full((80, 64, 3), 40 * level + number, np.uint8)
            cv2.imwrite(str(folder / f"{number}{HOSTILE if number == 0 else ''}.png"), picture)
    return found


def methods(folders: dict[str, Path]) -> dict[str, Path]:
    return {name: path for name, path in folders.items() if name not in ("truth", "input")}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield from browser_module.open_browser(tmp_path_factory.mktemp("profile"))


def shown_order(page: str) -> list[str]:
    return re.findall(r'data-method="([^"]*)"', page)


def test_the_page_needs_nothing_else_and_hides_who_made_what(folders: dict[str, Path]) -> None:
    page = make_study(methods(folders), folders["truth"], folders["input"], 5)
    assert "://" not in page
    assert "default-src 'none'" in page
    sources = re.findall(r'<[^<>]* src="([^"]*)"', page)
    assert len(sources) == 5 * (2 + 3)
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    questions = page[page.index("<section") : page.index("<script>")]
    assert "pix2pix" not in questions
    ends = "<span>1 very unsatisfactory</span><span>5 very satisfactory</span>"
    assert questions.count(ends) == 5 * 3
    assert "from <b>1 very unsatisfactory</b> to <b>5 very satisfactory</b>" in page


def test_the_seed_orders_methods(folders: dict[str, Path]) -> None:
    page, again, other = (
        make_study(methods(folders), folders["truth"], folders["input"], 5, seed)
        for seed in (0, 0, 1)
    )
    assert page == again
    assert shown_order(page) != shown_order(other)
    orders = [tuple(shown_order(page)[place : place + 3]) for place in range(0, 15, 3)]
    assert len(set(orders)) > 1  # not the same in each question


def test_a_browser_fills_it_in_by_keyboard_and_the_answers_are_tallied(
    folders: dict[str, Path], browser: Any, tmp_path: Path
) -> None:
    from selenium.webdriver import ActionChains

    arguments = [f"{name}={path}" for name, path in methods(folders).items()]
    made = study(
        "make", *arguments, "--truth", folders["truth"], "--input", folders["input"],
        "--questions", 5, "-o", tmp_path / "study.html",
    )  # fmt: skip
    assert made.exit_code == 0, made.output
    assert "5 questions, 15 pictures to rate" in made.stdout
    downloads = tmp_path / "downloads"
    downloads.mkdir()
    browser.execute_cdp_cmd(
        "Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(downloads)}
    )
    browser.get((tmp_path / "study.html").as_uri())
    assert "hacked" not in browser.title
    status = browser.find_element("id", "status")
    fields = browser.find_elements("css selector", "fieldset")
    levels = {"ours": "5", "pix2pix": "2", BOLD: "1"}
    order = json.loads(browser.find_element("css selector", "form").get_attribute("data-plan"))
    browser.find_element("css selector", "button").click()
    assert status.text == "15 pictures left to rate"  # nothing is saved yet
    assert browser.switch_to.active_element == fields[0].find_element("css selector", "input")
    for field in fields:  # each key goes on to the next picture
        ActionChains(browser).send_keys(
            levels[order["methods"][int(field.get_attribute("data-method"))]]
        ).perform()
    assert status.text == "All pictures are rated"
    browser.switch_to.active_element.click()
    deadline = time.monotonic() + 20
    # The browser holds the name with an empty file until the download is complete.
    while not (saved := [path for path in downloads.glob("*.json") if path.stat().st_size]):
        assert time.monotonic() < deadline, "nothing was saved"
        time.sleep(0.05)
    answers = json.loads(saved[0].read_text())
    assert len(answers["answers"]) == 15
    assert browser.get_log("browser") == []

    tallied = study("tally", saved[0], "--json")
    assert tallied.exit_code == 0, tallied.output
    opinions = json.loads(tallied.stdout)["opinions"]
    assert [(it["method"], it["mean"]) for it in opinions] == [
        ("ours", 5.0), ("pix2pix", 2.0), (BOLD, 1.0),
    ]  # fmt: skip
    assert opinions[1]["percent"] == {"1": 0.0, "2": 100.0, "3": 0.0, "4": 0.0, "5": 0.0}
    again = study("tally", saved[0], saved[0])
    assert again.exit_code == 2
    assert "already counted" in again.stderr


@pytest.mark.parametrize("width", [360, 1000])
def test_the_page_fits_a_phone(
    folders: dict[str, Path], browser: Any, tmp_path: Path, width: int
) -> None:
    page = make_study(methods(folders), folders["truth"], folders["input"], 2)
    (tmp_path / "study.html").write_text(page, encoding="utf-8")
    browser.set_window_size(max(width, 500), 900)  # Chromium's windows are no narrower
    browser.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    browser.get((tmp_path / "study.html").as_uri())
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def answers(person: str, levels: dict[str, list[int]]) -> dict[str, Any]:
    return {
        "kind": "answers",
        "person": person,
        "methods": sorted(levels),
        "questions": len(next(iter(levels.values()))),
        "seed": 0,
        "answers": [
            {"picture": str(number), "method": method, "level": level}
            for method, votes in levels.items()
            for number, level in enumerate(votes)
        ],
    }


def write(folder: Path, *people: dict[str, Any]) -> list[Path]:
    paths = []
    for number, person in enumerate(people):
        paths.append(folder / f"{number}.json")
        paths[-1].write_text(json.dumps(person))
    return paths


def test_votes_are_counted_by_level_and_method(tmp_path: Path) -> None:
    tally = tally_answers(
        write(
            tmp_path,
            answers("p", {"a": [5, 4], "b": [1, 1]}),
            answers("q", {"a": [5, 5], "b": [1, 3]}),
        )
    )
    first, second = tally.opinions
    assert (first.method, first.num_votes, first.mean) == ("a", 4, 4.75)
    assert first.percent == {1: 0.0, 2: 0.0, 3: 0.0, 4: 25.0, 5: 75.0}
    assert second.percent == {1: 75.0, 2: 0.0, 3: 25.0, 4: 0.0, 5: 0.0}
    assert first.low == pytest.approx(4.75 - 12.706 * 0.25, abs=1e-3)  # Student's t of 1 degree
    assert first.high == 5.0
    assert "2 people; 1 very unsatisfactory .. 5 very satisfactory" in tally.to_text()
    assert "75.0%" in tally.to_text()


def test_one_person_has_no_interval(tmp_path: Path) -> None:
    tally = tally_answers(write(tmp_path, answers("p", {"a": [5, 4]})))
    assert tally.opinions[0].low is None
    assert tally.to_text().endswith("4.50")


def test_the_interval_covers_the_mean_as_often_as_it_says(tmp_path: Path) -> None:
    """Five people with tastes of their own, who vote alike on all pictures."""
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(200):
        people = [
            answers(str(number), {"a": [int(rng.choice([2, 3, 4]))] * 5}) for number in range(5)
        ]
        (opinion,) = tally_answers(write(tmp_path, *people)).opinions
        assert opinion.low is not None
        assert opinion.high is not None
        covered += opinion.low <= 3.0 <= opinion.high
    assert 0.88 * 200 <= covered < 200


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON: give files that the questionnaire saved"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "holds no answers"),
        (json.dumps({"kind": "tally"}), "holds no answers"),
        (json.dumps(answers("p", {"a": [7]})), "is invalid"),
        (json.dumps(answers("p", {"a": [True]})), "is invalid"),
        (json.dumps(answers("p", {"a": [1, 2], "b": []}) | {"questions": 1}), "is invalid"),
        (json.dumps(answers("p", {"a": [1, 2]}) | {"questions": 3}), "is invalid"),
    ],
)
def test_files_that_are_no_answers_are_refused(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(DataError, match=message):
        tally_answers([tmp_path / "x.json"])


def test_answers_about_other_methods_are_refused(tmp_path: Path) -> None:
    files = write(tmp_path, answers("p", {"a": [1]}), answers("q", {"b": [1]}))
    with pytest.raises(DataError, match="different methods"):
        tally_answers(files)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ours"], "'ours': write METHOD=FOLDER"),
        (["a=x", "a=y"], "method 'a' is given twice"),
        (["a=nowhere"], "is not a folder"),
    ],
)
def test_wrong_usage_is_one_line(
    folders: dict[str, Path], arguments: list[str], message: str
) -> None:
    result = study("make", *arguments, "--truth", folders["truth"], "--input", folders["input"])
    assert result.exit_code == 2
    assert message in result.stderr.splitlines()[-1]


def test_more_questions_than_pictures_are_an_error(folders: dict[str, Path]) -> None:
    with pytest.raises(DataError, match="only 6 pictures are in all folders"):
        make_study(methods(folders), folders["truth"], folders["input"], 7)
