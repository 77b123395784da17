import itertools
import json
import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import photograph
import pictures as pictures_module
import pytest
from numpy.typing import NDArray
from PIL import Image

import pmsgan.batch
import pmsgan.engine
from pmsgan.batch import run as run_module
from pmsgan.batch.convert import convert_folder
from pmsgan.batch.files import local as local_module
from pmsgan.batch.files.local_output import LocalOutput
from pmsgan.batch.pictures.decode import decode
from pmsgan.batch.pictures.kinds import NOT_A_PICTURE
from pmsgan.batch.pictures.xmp import DIGITAL_SOURCE_TYPE
from pmsgan.batch.pipeline import Outcome
from pmsgan.batch.report.page import make_page
from pmsgan.batch.report.write import write_report
from pmsgan.batch.settings import ConvertSettings, RunSettings, Selection
from pmsgan.batch.timing import Timing
from pmsgan.engine import open as open_module
from pmsgan.engine.open import open_engine
from pmsgan.errors import ConfigError, PmsganError, StyleError
from pmsgan.install import install_command
from pmsgan.styles.registry import Style
from pmsgan.styles.scaling import Scaling, ScalingMode

SINGLE = ConvertSettings(precision="fp32")


def test_a_folder_becomes_a_mirrored_folder(
    style: Style, in_dir: Path, tmp_path: Path, pictures: NDArray[np.uint8]
) -> None:
    before = {path: path.read_bytes() for path in in_dir.rglob("*.png")}
    out = tmp_path / "out"
    report = convert_folder(in_dir, out, style, settings=SINGLE)
    assert report.num_done == 9
    assert report.failures == ()
    assert report.no_baseline == "switched off"
    assert "baseline" not in report.to_text()
    with open_engine(style, precision="fp32") as engine:
        expected = engine.translate(pictures)
    for index, picture in enumerate(expected):
        folder = out / "more" if index >= 6 else out
        np.testing.assert_array_equal(cv2.imread(str(folder / f"picture_{index}.png")), picture)
    assert {path: path.read_bytes() for path in in_dir.rglob("*.png")} == before


@pytest.mark.parametrize(
    ("pattern", "mode", "is_small"),
    [("*_[03].png", "plain", True), ("*_[036].png", "plain", False), ("*_0.png", "tiles", False)],
)
def test_few_pictures_take_a_small_batch(
    style: Style, in_dir: Path, tmp_path: Path, pattern: str, mode: ScalingMode, is_small: bool
) -> None:
    scaled = replace(style, scaling=Scaling(mode=mode, tile_size=64))
    report = convert_folder(
        in_dir, tmp_path / "out", scaled, settings=SINGLE, selection=Selection(include=(pattern,))
    )
    assert report.num_done == pattern.count("0") + pattern.count("3") + pattern.count("6")
    assert (report.equipment.engine.max_batch == 2) == is_small


@pytest.mark.parametrize("image_format", ["jpg", "webp"])
def test_other_formats(style: Style, in_dir: Path, tmp_path: Path, image_format: str) -> None:
    settings = ConvertSettings(output_format=image_format)  # type: ignore[arg-type]
    convert_folder(in_dir, tmp_path / "out", style, settings=settings)
    assert len(list((tmp_path / "out").rglob(f"*.{image_format}"))) == 9


@pytest.mark.usefixtures("patient_baseline")
def test_the_report_tells_of_failures_and_of_the_baseline(
    style: Style, in_dir: Path, tmp_path: Path
) -> None:
    (in_dir / "bad.jpg").write_text("no picture")
    report = convert_folder(in_dir, tmp_path / "out", style, settings=SINGLE, with_baseline=True)
    write_report(report, tmp_path / "deep" / "report.json")
    content = json.loads((tmp_path / "deep" / "report.json").read_text())
    assert content["pictures_done"] == 9
    assert content["failures"] == [{"name": "bad.jpg", "reason": NOT_A_PICTURE}]
    assert content["engine"]["backend"] == "openvino"
    wall_s = content["seconds"]["wall"]
    assert content["pictures_per_s"] == pytest.approx(9 / wall_s)
    assert content["seconds"]["warm_up"] > 0
    stages = content["stages"]
    assert list(stages) == ["read", "decode", "resize", "run", "encode", "write"]
    assert [stages[name]["count"] for name in ("read", "decode", "resize")] == [10, 10, 9]
    assert [stages[name]["count"] for name in ("encode", "write")] == [9, 9]
    assert stages["run"]["count"] >= 2  # nine pictures are at least three batches of four
    for stage in stages.values():
        assert 0 < stage["share"] < 1
        assert 0 < stage["median_ms"] <= stage["p95_ms"] <= stage["p99_ms"]
    assert sum(content["throughput"]["pictures"]) == 10
    assert content["peak_memory_bytes"] > 50e6
    assert content["machine"]["cores"] >= 1
    (measured,) = content["baselines"]
    assert measured["engine_accuracy"]["psnr_db"] > 50
    assert measured["compared"]["backend"] == "eager"
    assert measured["in_memory"]["speedup"]["median"] > 0
    assert measured["files_to_files"]["num_pictures"] <= 9
    assert str(tmp_path) not in json.dumps(content)
    text = report.to_text()
    assert "9 done, 1 failed" in text
    assert "times as fast" in text
    assert "eager, fp32" in text


def test_without_torch_the_report_says_how_to_have_a_baseline(
    style: Style,
    in_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    real = open_module.importlib.util.find_spec
    monkeypatch.setattr(
        open_module.importlib.util,
        "find_spec",
        lambda name: None if name == "torch" else real(name),
    )
    report = convert_folder(in_dir, tmp_path / "out", style, with_baseline=True)
    assert report.baselines == ()
    assert f"not measured: torch is not installed: {install_command('train')}" in report.to_text()
    assert "measuring" not in caplog.text


def test_no_good_picture_means_no_baseline(style: Style, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "bad.png").write_text("no picture")
    report = convert_folder(tmp_path / "in", tmp_path / "out", style, with_baseline=True)
    assert (report.num_done, report.no_baseline) == (0, "no picture was converted")


def test_a_run_with_nothing_to_do_reports_no_work(
    style: Style, in_dir: Path, tmp_path: Path
) -> None:
    convert_folder(in_dir, tmp_path / "out", style, settings=SINGLE)
    report = convert_folder(in_dir, tmp_path / "out", style, settings=SINGLE, with_baseline=True)
    assert report.num_done_before == 9
    for absent in ("pictures/s", "megapixels", "warm-up", "baseline"):
        assert absent not in report.to_text()
    page = make_page(report)
    assert "Where the time went" not in page
    assert "Compared with" not in page


@pytest.mark.parametrize(
    ("error", "reason"), [(KeyboardInterrupt(), "interrupted"), (OSError("no space"), "no space")]
)
def test_a_finished_run_keeps_its_report_whatever_the_baseline_does(
    style: Style,
    in_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    reason: str,
) -> None:
    def fail(*arguments: object) -> None:
        raise error

    monkeypatch.setattr(run_module, "measure_baselines", fail)
    report = convert_folder(in_dir, tmp_path / "out", style, with_baseline=True)
    assert (report.num_done, report.no_baseline) == (9, reason)


def test_wrong_arguments_are_refused_before_anything_is_written(
    style: Style, in_dir: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    with pytest.raises(StyleError, match="no style 'nonesuch'"):
        convert_folder(in_dir, out, "nonesuch")
    with pytest.raises(ConfigError, match="OUT is the same"):
        convert_folder(in_dir, in_dir, style)
    assert not out.exists()
    out.write_text("a file")
    with pytest.raises(ConfigError, match="cannot write to"):
        convert_folder(in_dir, out, style)


def test_a_report_that_cannot_be_written_is_named(
    style: Style, in_dir: Path, tmp_path: Path
) -> None:
    report = convert_folder(in_dir, tmp_path / "out", style)
    (tmp_path / "report.json").mkdir()
    with pytest.raises(PmsganError, match="cannot write the report"):
        write_report(report, tmp_path / "report.json")


def test_the_public_names_are_where_the_readme_says(
    style: Style, in_dir: Path, tmp_path: Path, pictures: NDArray[np.uint8]
) -> None:
    assert pmsgan.batch.convert_folder(str(in_dir), str(tmp_path / "out"), style).num_done == 9
    with pmsgan.engine.open_engine(style) as engine:
        assert engine.translate(pictures).shape == pictures.shape
    for package in (pmsgan.batch, pmsgan.engine):
        with pytest.raises(AttributeError, match="no attribute 'nonesuch'"):
            _ = package.nonesuch


def test_a_second_run_says_what_was_done_before(style: Style, in_dir: Path, tmp_path: Path) -> None:
    for number, (done, before) in enumerate([(9, 0), (1, 8), (9, 0)]):
        run = RunSettings(overwrite=number == 2)
        report = convert_folder(in_dir, tmp_path / "out", style, run=run)
        assert (report.num_done, report.num_done_before, report.num_left) == (done, before, 0)
        assert ("8 done before" in report.to_text()) == (before == 8)
        (tmp_path / "out" / "picture_0.png").unlink()


@pytest.mark.parametrize("image_format", ["png", "jpg", "webp"])
def test_metadata_changes_no_pixel_and_is_kept_from_the_first_run_on(
    style: Style, in_dir: Path, tmp_path: Path, image_format: Any
) -> None:
    taken = 1_500_000_000 * 10**9
    photo = in_dir / "photo.jpg"
    photo.write_bytes(photograph.photograph("JPEG"))
    os.utime(photo, ns=(taken, taken))
    bare, full = (
        ConvertSettings(output_format=image_format, metadata="strip", mark=False),
        ConvertSettings(output_format=image_format),
    )
    convert_folder(in_dir, tmp_path / "bare", style, settings=bare)
    convert_folder(in_dir, tmp_path / "full", style, settings=full)
    assert convert_folder(in_dir, tmp_path / "full", style, settings=full).num_done_before == 10
    with pytest.raises(ConfigError, match="made with"):
        convert_folder(in_dir, tmp_path / "full", style, settings=bare)
    names = {it.name for it in (tmp_path / "bare").glob(f"*.{image_format}")}
    assert len(names) == 7
    for name in names:
        one, other = (cv2.imread(str(tmp_path / it / name), -1) for it in ("bare", "full"))
        np.testing.assert_array_equal(one, other)
    found, stripped = (tmp_path / it / f"photo.{image_format}" for it in ("full", "bare"))
    assert found.stat().st_mtime_ns == taken
    assert stripped.stat().st_mtime_ns > taken
    assert photograph.CAMERA_TEXT in found.read_bytes()
    assert photograph.CAMERA_TEXT not in stripped.read_bytes()
    for name in names:
        marked = DIGITAL_SOURCE_TYPE.encode() in (tmp_path / "full" / name).read_bytes()
        assert marked
        assert b"DigitalSourceType" not in (tmp_path / "bare" / name).read_bytes()


def test_all_kinds_of_pictures_end_as_stated(style: Style, tmp_path: Path) -> None:
    cases = pictures_module.cases()
    pictures_module.write(cases, tmp_path / "in")
    report = convert_folder(tmp_path / "in", tmp_path / "out", style)
    failed = {failure.name: failure.text for failure in report.failures}
    assert {case.name for case in cases if case.failure} == failed.keys()
    for case in cases:
        if case.failure:
            assert case.failure in failed[case.name]
    noted = {note.name: note.text for note in report.notes}
    # What its result does not carry is noted, though its pixels are read without a remark.
    assert noted.pop("bad-exif.jpg") == "its EXIF data is damaged and is left out"
    assert {case.name for case in cases if case.note} == noted.keys()
    results = [path for path in (tmp_path / "out").rglob("*") if path.suffix == ".png"]
    assert len(results) == report.num_done == len(cases) - len(failed)
    json.dumps(report.to_json())


def test_a_run_that_is_stopped_says_how_much_is_left_and_needed(
    style: Style, in_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(
        engine: object,
        jobs: object,
        folder: object,
        out: LocalOutput,
        *others: object,
        **options: object,
    ) -> Outcome:
        out.num_written, out.bytes_written = 2, 4_000_000
        return Outcome(Timing(wall_s=1.0), stopped="OUT is full", is_disk_full=True)

    monkeypatch.setattr(run_module, "run_jobs", stop)
    report = convert_folder(in_dir, tmp_path / "out", style, with_baseline=True)
    assert report.stopped is not None
    assert report.stopped.startswith("OUT is full; free: ")
    assert report.stopped.endswith("needed for the 9 pictures left: about 18.0 MB")
    assert (report.num_left, report.no_baseline) == (9, "the run was stopped")
    assert "9 left" in report.to_text()
    assert report.to_json()["stopped"] == report.stopped


def test_folders_that_cannot_be_listed_count_as_failures(
    style: Style, in_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def refuse(path: Path) -> object:
        if isinstance(path, Path) and path.name == "more":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    monkeypatch.setattr(local_module.os, "scandir", refuse)
    report = convert_folder(in_dir, tmp_path / "out", style)
    assert report.num_done == 6
    assert [failure.name for failure in report.failures] == ["more/"]


@pytest.mark.parametrize("mode", ["plain", "guided", "tiles"])
def test_every_result_has_the_size_of_its_source(
    mode: ScalingMode, style: Style, tmp_path: Path
) -> None:
    (tmp_path / "in").mkdir()
    sizes = [(64, 64), (1, 1), (40, 300), (301, 97), (1200, 900), (20, 2000)]
    expected: dict[str, tuple[int | str, ...]] = {}
    for number, ((height, width), kind, turn) in enumerate(
        itertools.product(sizes, ["JPEG", "PNG", "WEBP"], [1, 6])
    ):
        image = pictures_module.photo(height, width)
        if kind != "JPEG":
            image = np.dstack([image, image[:, :, 0]])
        exif = Image.Exif()
        exif[0x0112] = turn
        name = f"{number:03}.{kind.lower()}"
        Image.fromarray(image).save(tmp_path / "in" / name, kind, exif=exif)
        is_sideways = turn == 6
        size = (width, height) if is_sideways else (height, width)
        expected[name] = size if kind == "JPEG" else (*size, "alpha")
    scaled = replace(style, scaling=Scaling(mode=mode, working_size=100))
    report = convert_folder(tmp_path / "in", tmp_path / "out", scaled)
    assert report.num_done == len(expected)
    found = {}
    for path in (tmp_path / "out").glob("*.png"):
        picture = decode(path.read_bytes())
        (source,) = (name for name in expected if name.startswith(path.stem))
        found[source] = picture.full_size + (("alpha",) if picture.alpha is not None else ())
    assert found == expected


def test_a_working_size_is_for_tiles(style: Style, in_dir: Path, tmp_path: Path) -> None:
    settings = ConvertSettings(working_size=100)
    with pytest.raises(ConfigError, match="sees all of a picture at 64x64: leave out working_size"):
        convert_folder(in_dir, tmp_path / "out", style, settings=settings)
    tiled = replace(style, scaling=Scaling(mode="tiles", tile_size=64))
    report = convert_folder(in_dir, tmp_path / "out", tiled, settings=settings)
    assert report.num_done == 9
    assert report.num_pixels == 9 * 64 * 64
    assert report.to_json()["megapixels"] == pytest.approx(9 * 64 * 64 / 1e6)
    with pytest.raises(ConfigError, match="holds results made with working size 100, not source"):
        other = ConvertSettings(working_size="source")
        convert_folder(in_dir, tmp_path / "out", tiled, settings=other)
