"""The report as a page, in a real browser."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import browser as browser_module
import cv2
import numpy as np
import pytest

from pmsgan.batch.comparison.baseline import Baseline, Timings
from pmsgan.batch.convert import convert_folder
from pmsgan.batch.report import page as page_module
from pmsgan.batch.report import report as report_module
from pmsgan.batch.report.page import make_page
from pmsgan.batch.report.report import NodeWork, Remark, Report
from pmsgan.batch.settings import ConvertSettings
from pmsgan.engine.accuracy import Accuracy
from pmsgan.styles.registry import Style

HOSTILE = "<img src=x onerror=document.title='hacked'>"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    yield from browser_module.open_browser(tmp_path_factory.mktemp("profile"))


@pytest.fixture(scope="module")
def report(style: Style, tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The report of pictures with hostile names, some of them broken, and of the usual shapes."""
    folder = tmp_path_factory.mktemp("hostile") / "in"
    folder.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    for name in (HOSTILE, "plain", "\u202egnp.exe", "\"' onfocus=alert(1) x='"):
        cv2.imwrite(str(folder / "picture.png"), noise)
        (folder / "picture.png").rename(folder / f"{name}.png")
    (folder / f"{HOSTILE}.jpg").write_text("broken")
    (folder / "</title><script>document.title='hacked'</script>".replace("/", "")).touch()
    (folder / "b\udcff.png").write_bytes(b"not UTF-8, not a picture")
    settings = ConvertSettings(fit="pad", output_size="source")
    return convert_folder(folder, folder.parent / "out", style, settings=settings)


@pytest.fixture
def page(report: Report, browser: Any, tmp_path: Path) -> Any:
    (tmp_path / "report.html").write_text(make_page(report), encoding="utf-8")
    browser.set_window_size(1000, 900)
    browser.get((tmp_path / "report.html").as_uri())
    return browser


def test_the_page_needs_nothing_else(report: Report) -> None:
    text = make_page(report)
    sources = re.findall(r'<[^<>]* (?:src|href)="([^"]*)"', text)
    assert len(sources) == 2 * 4
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert "://" not in text
    assert "default-src 'none'" in text


def test_hostile_names_are_text(page: Any, report: Report) -> None:
    assert page.title == "pmsgan: 4 done, 2 failed, style tiny"
    captions = {it.text for it in page.find_elements("css selector", "figcaption")}
    assert f"{HOSTILE}.png" in captions
    failures = [it.text for it in page.find_elements("css selector", "td.name")]
    assert f"{HOSTILE}.jpg" in failures
    assert len(page.find_elements("tag name", "img")) == 2 * 4
    assert len(page.find_elements("tag name", "script")) == 1
    assert not page.find_elements("css selector", "[onerror], [onfocus], img[src=x]")
    assert page.get_log("browser") == []


def test_the_browser_runs_no_other_script(page: Any) -> None:
    page.execute_script("document.body.insertAdjacentHTML('beforeend', arguments[0])", HOSTILE)
    page.implicitly_wait(1)
    assert page.find_elements("css selector", "img[src=x]")
    assert page.title != "hacked"
    assert any("Content Security Policy" in entry["message"] for entry in page.get_log("browser"))


def test_sliders_obey_the_keyboard(page: Any) -> None:
    slider = page.find_element("css selector", ".frame input")
    before = page.find_element("css selector", ".frame .before")
    assert "50%" in before.value_of_css_property("clip-path")
    for _ in range(10):
        slider.send_keys("\ue014")  # arrow right
    assert "40%" in before.value_of_css_property("clip-path")
    assert slider.get_attribute("aria-label").startswith("before and after: ")
    frame = page.find_element("css selector", ".frame:focus-within")
    assert frame.value_of_css_property("outline-style") == "solid"


def test_pictures_keep_their_shape(page: Any) -> None:
    for frame in page.find_elements("css selector", ".frame"):
        assert frame.size["width"] / frame.size["height"] == pytest.approx(90 / 60, rel=0.02)
    sizes = page.execute_script(
        "return [...document.images].map(i => [i.naturalWidth, i.naturalHeight])"
    )
    assert sizes == [[90, 60]] * 8


def test_a_link_leads_to_the_pictures_below_the_tables(
    page: Any, report: Report, tmp_path: Path
) -> None:
    assert not page.find_elements("css selector", "a")
    many = replace(report, thumbnails=3 * report.thumbnails)
    (tmp_path / "many.html").write_text(make_page(many), encoding="utf-8")
    page.get((tmp_path / "many.html").as_uri())
    page.find_element("link text", "8 more pictures").click()
    heading = page.find_element("css selector", ":target")
    assert heading.text == "More pictures"
    assert len(page.find_elements("css selector", ".small figure")) == 8


def test_a_phone_needs_no_sideways_scrolling(page: Any) -> None:
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True},
    )
    assert page.execute_script("return document.documentElement.scrollWidth") == 360
    tables = "[...document.querySelectorAll('.scroll')]"
    assert page.execute_script(f"return {tables}.every(it => it.scrollWidth <= it.clientWidth)")
    page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_the_figures_are_said_in_words(report: Report, browser: Any, tmp_path: Path) -> None:
    engine = replace(report.equipment.engine, backend="eager", precision="fp32")
    baseline = Baseline(
        title="eager, fp32",
        compared=engine,
        in_memory=Timings(num_pictures=4, engine_s=(1.0,), compared_s=(5.0,)),
        files_to_files=Timings(num_pictures=4, engine_s=(1.0,), compared_s=(4.1,)),
        engine_accuracy=Accuracy(max_difference=3, mean_difference=0.2, psnr_db=59.04),
        compared_accuracy=None,
    )
    timing = replace(report.timing, wall_s=41.0)
    compared = replace(report, baselines=(baseline,), timing=timing)
    (tmp_path / "report.html").write_text(make_page(compared), encoding="utf-8")
    browser.get((tmp_path / "report.html").as_uri())
    assert browser.find_element("css selector", ".summary").text.splitlines() == [
        "4 pictures", "in 41.0 s",
        "4.10 times as fast", "as eager PyTorch in FP32",
        "looks the same", "59.0 dB PSNR to eager PyTorch",
    ]  # fmt: skip
    for seconds, text in ((3 * 3600.0, "in 3.0 hours"), (180.0, "in 3 minutes")):
        assert text in make_page(replace(report, timing=replace(timing, wall_s=seconds)))
    poor = replace(
        baseline, engine_accuracy=Accuracy(max_difference=90, mean_difference=9.0, psnr_db=29.0)
    )
    assert "looks different" in make_page(replace(compared, baselines=(poor,)))


def test_a_run_without_new_pictures_counts_the_earlier_ones(report: Report) -> None:
    page = make_page(replace(report, num_done=0, num_done_before=24))
    assert "<b>24 pictures</b> done before" in page
    assert "<b>0 pictures</b>" not in page


def test_a_run_of_one_picture_blames_no_stage(report: Report) -> None:
    assert "the fullest bar is the bottleneck" in make_page(report)
    one = make_page(replace(report, num_done=1))
    assert "fullest bar" not in one
    assert "One picture goes through the stages one after the other." in one


def test_dark_mode_is_dark(page: Any) -> None:
    def brightness(name: str) -> float:
        color = page.find_element("tag name", "body").value_of_css_property(name)
        return sum(map(float, re.findall(r"\d+", color)[:3])) / 3

    for scheme, is_dark in (("light", False), ("dark", True)):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        paper, ink = brightness("background-color"), brightness("color")
        assert (paper < 60 < 200 < ink) if is_dark else (ink < 60 < 200 < paper)
    page.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_the_text_ends_with_the_failures(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_module, "MAX_FAILURES", 1)
    failures = (Remark(name="a.png", text="is damaged"), Remark(name="b.png", text="is empty"))
    lines = replace(report, failures=failures).to_text().splitlines()
    assert lines[-3:] == ["failed:", "a.png is damaged", "and 1 more, which report.json names"]
    assert "failed:" not in replace(report, failures=()).to_text()


def test_long_lists_are_cut(report: Report, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_module, "MAX_REMARKS", 1)
    assert "report.json lists 1 more." in make_page(report)


def test_machines_have_rows_of_their_own(report: Report, browser: Any, tmp_path: Path) -> None:
    there = NodeWork(
        name="studio1 (abcdef01)",
        num_workers=2,
        num_done=1500,
        num_failed=1,
        busy_s=12.34,
        engine="openvino bf16, a CPU",
        is_lost=False,
    )
    lost = replace(there, name=HOSTILE, num_workers=1, num_done=500, num_failed=0, is_lost=True)
    nothing = replace(lost, name="studio3", num_workers=0, num_done=0, engine="")
    equipment = replace(report.equipment, nodes=(there, lost, nothing), num_engines=3)
    clustered = replace(report, equipment=equipment)
    text = clustered.to_text()
    assert "studio1 (abcdef01): 1500 done, 1 failed by 2 workers, busy 12.3 s" in text
    assert f"{HOSTILE}: LOST after 500 done, 0 failed by 1 worker" in text
    assert "studio3: lost before it finished any picture" in text
    assert [node["is_lost"] for node in clustered.to_json()["nodes"]] == [False, True, True]
    (tmp_path / "report.html").write_text(make_page(clustered), encoding="utf-8")
    browser.get((tmp_path / "report.html").as_uri())
    cells = browser.find_elements("css selector", "h2 + .scroll td:nth-child(1)")
    assert [cell.text for cell in cells][:3] == ["studio1 (abcdef01)", HOSTILE, "studio3"]
    assert browser.title != "hacked"
    assert "Machines" not in make_page(report)
