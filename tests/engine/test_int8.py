"""INT8: a calibrated graph is accurate in every runtime, or it is refused."""

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from pmsgan.batch.calibrate import calibrate_style
from pmsgan.engine import cache
from pmsgan.engine import open as open_module
from pmsgan.engine.accuracy import compare
from pmsgan.engine.graph import read_graph
from pmsgan.engine.int8 import calibrate as calibrate_module
from pmsgan.engine.int8.calibrate import calibrate
from pmsgan.engine.int8.calibration import (
    Calibration,
    cache_calibration,
    find_calibration,
    write_into_style,
)
from pmsgan.engine.int8.quantise import quantise
from pmsgan.engine.open import open_engine
from pmsgan.engine.openvino import OpenVinoEngine
from pmsgan.errors import ConfigError, EngineError, StyleError
from pmsgan.styles.registry import CALIBRATION_NAME, Style, find_style, read_style
from pmsgan.styles.user_styles import add_style

ROOT = Path(__file__).parents[2]
Pictures = NDArray[np.uint8]


@pytest.fixture(scope="module")
def calibration(style: Style, pictures: Pictures) -> Calibration:
    return calibrate(read_graph(style.graph), pictures)


@pytest.fixture
def copied(style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Style:
    """A style with an empty cache, on a CPU that is fast in INT8."""
    monkeypatch.setattr(cache.platformdirs, "user_cache_dir", lambda *args, **kwargs: tmp_path)
    monkeypatch.setattr(open_module, "cpu_flags", lambda: ("avx2",))
    shutil.copytree(style.folder, tmp_path / "styles" / "tiny")
    return read_style(tmp_path / "styles" / "tiny")


def test_a_trained_graph_in_int8_agrees_in_two_runtimes_and_with_fp32() -> None:
    graph = read_graph(find_style("anime").graph, (64, 64))
    files = sorted((ROOT / "samples" / "sketches").iterdir())[:8]
    sketches = np.stack([cv2.resize(cv2.imread(str(file)), (64, 64)) for file in files])
    calibration = calibrate(graph, sketches)
    graph = replace(graph, calibration=calibration)
    data = graph.read()
    onnx.checker.check_model(onnx.load_model_from_string(data), full_check=True)
    assert len(data) < 0.6 * graph.path.stat().st_size
    (in_runtime,) = onnxruntime.InferenceSession(data).run(None, {"image": sketches})
    with OpenVinoEngine(graph, precision="int8") as engine:
        translated = engine.translate(sketches)
        assert engine.info.precision == "int8"
        assert engine.info.psnr_db == calibration.psnr_db
    assert compare(translated, in_runtime).psnr_db > 45
    assert 40 < calibration.psnr_db < 70


def test_weights_have_seven_bits_and_a_scale_for_each_output(
    style: Style, calibration: Calibration
) -> None:
    before = {it.name: it for it in onnx.load(style.graph).graph.initializer}
    quantised = onnx.load_model_from_string(quantise(style.graph.read_bytes(), calibration.ranges))
    after = {it.name: numpy_helper.to_array(it) for it in quantised.graph.initializer}
    names = [name for name in before if f"{name}_int8" in after]
    assert names
    for name in names:
        assert name not in after  # it is not stored twice
        weight, levels = numpy_helper.to_array(before[name]), after[f"{name}_int8"]
        scale = after[f"{name}_scale"].astype(np.float64)[:, None, None, None]
        assert levels.dtype == np.int8
        assert np.abs(levels).max() == 63
        assert np.abs(levels * scale - weight).max() <= scale.max() / 2 * 1.001


def test_a_calibration_is_the_same_each_time_and_needs_each_range(
    style: Style, pictures: Pictures, calibration: Calibration
) -> None:
    assert calibrate(read_graph(style.graph), pictures).to_text() == calibration.to_text()
    assert calibration.num_pictures == 7  # of nine; two check it
    ranges = dict(list(calibration.ranges.items())[1:])
    with pytest.raises(EngineError, match="the INT8 calibration has no range of"):
        quantise(style.graph.read_bytes(), ranges)


def test_int8_that_is_not_accurate_is_refused(
    style: Style, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    graph = read_graph(style.graph)
    with pytest.raises(EngineError, match="3 pictures are too few to calibrate on"):
        calibrate(graph, pictures[:3])
    monkeypatch.setattr(calibrate_module, "MIN_PSNR_DB", 99.0)
    with pytest.raises(EngineError, match=r"INT8 gives only \d+\.\d dB PSNR to FP32 with .*onnx"):
        calibrate(graph, pictures)


def test_int8_that_gives_flat_pictures_is_refused(
    style: Style, pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    translate = OpenVinoEngine.translate

    def flat_in_int8(engine: OpenVinoEngine, images: Pictures) -> Pictures:
        result = translate(engine, images)
        return np.full_like(result, 7) if engine.info.precision == "int8" else result

    monkeypatch.setattr(OpenVinoEngine, "translate", flat_in_int8)
    with pytest.raises(EngineError, match="INT8 gives pictures of one colour with"):
        calibrate(read_graph(style.graph), pictures)


def test_auto_takes_int8_where_the_style_is_calibrated_and_the_cpu_is_fast_in_it(
    copied: Style, in_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def precision(wanted: str = "auto") -> str:
        with open_engine(copied, backend="openvino", precision=wanted) as engine:  # type: ignore[arg-type]
            return engine.info.precision

    assert precision() != "int8"
    with pytest.raises(EngineError, match="not calibrated for INT8: pmsgan build-engine --style"):
        precision("int8")
    calibrate_style(copied, in_dir)
    assert precision() == "int8"
    assert precision("fp32") == "fp32"
    monkeypatch.setattr(open_module, "cpu_flags", lambda: ("asimdhp",))
    assert precision() != "int8"
    assert precision("int8") == "int8"
    with pytest.raises(EngineError, match="the eager backend does not run in int8"):
        open_engine(copied, backend="eager", precision="int8")


def test_a_style_carries_its_calibration(
    copied: Style, calibration: Calibration, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(2):
        write_into_style(calibration, copied)
        carrying = read_style(copied.folder)
        carrying.verify()
        assert find_calibration(carrying) == calibration
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert find_calibration(add_style(copied.folder, "again")) == calibration
    own = replace(calibration, psnr_db=41.0)
    cache_calibration(own, carrying)
    assert find_calibration(carrying) == own
    (copied.folder / CALIBRATION_NAME).write_text("{}")
    with pytest.raises(StyleError, match=r"int8\.json is not the file that style\.toml"):
        carrying.verify()


def change(**values: object) -> Callable[[str], str]:
    return lambda text: json.dumps(json.loads(text) | values)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda text: text[:50], "Unterminated string"),
        (lambda text: "[]", "has no attribute 'get'"),
        (change(graph_sha256="0" * 64), "it belongs to another graph"),
        (change(version=0), "another version of pmsgan wrote it"),
        (change(ranges={"add": -1.0}), "values that are not ranges"),
        (change(ranges={"add": "x"}), "values that are not ranges"),
        (change(more=1), "unexpected keyword argument 'more'"),
    ],
)
def test_a_calibration_that_cannot_be_used_is_named_and_skipped(
    copied: Style,
    calibration: Calibration,
    caplog: pytest.LogCaptureFixture,
    damage: Callable[[str], str],
    reason: str,
) -> None:
    path = cache_calibration(calibration, copied)
    assert find_calibration(copied) == calibration
    path.write_text(damage(path.read_text()))
    assert find_calibration(copied) is None
    assert str(path) in caplog.text
    assert reason in caplog.text


def test_a_folder_without_pictures_is_no_calibration(copied: Style, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"no picture")
    with pytest.raises(ConfigError, match="contains no readable picture"):
        calibrate_style(copied, tmp_path / "broken")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
@pytest.mark.parametrize("kind", ["pipe", "deep", "large"])
def test_a_strangers_calibration_is_skipped(style: Style, tmp_path: Path, kind: str) -> None:
    copied = replace(style, folder=tmp_path)
    path = tmp_path / CALIBRATION_NAME
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "deep":
        path.write_text("[" * 100_000)
    else:
        path.touch()
        os.truncate(path, 2**40)
    assert find_calibration(copied) is None
