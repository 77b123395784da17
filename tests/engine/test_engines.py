"""Both engines keep the same promises."""

import math
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from pmsgan.engine import cache
from pmsgan.engine import open as open_module
from pmsgan.engine import openvino as openvino_module
from pmsgan.engine.accuracy import Accuracy, compare
from pmsgan.engine.blobs import MAGIC
from pmsgan.engine.build_ahead import prepare_engine
from pmsgan.engine.choices import Device
from pmsgan.engine.graph import read_graph
from pmsgan.engine.interface import Engine
from pmsgan.engine.open import choose_backend, open_engine
from pmsgan.engine.openvino import OpenVinoEngine
from pmsgan.engine.sealed import read_sealed, write_sealed
from pmsgan.engine.tensorrt import check
from pmsgan.errors import CheckpointError, ConfigError, EngineError
from pmsgan.styles.registry import Style

Pictures = NDArray[np.uint8]


@pytest.fixture(scope="module")
def reference(style: Style, pictures: Pictures) -> Pictures:
    """The style's graph in ONNX Runtime, which is no part of pmsgan."""
    session = onnxruntime.InferenceSession(style.graph)
    result: Pictures = session.run(None, {"image": pictures})[0]
    return result


@pytest.mark.parametrize(
    ("backend", "precision", "least_psnr_db"),
    [
        ("openvino", "fp32", 50),
        ("openvino", "auto", 40),
        ("eager", "fp32", 50),
        ("eager", "bf16", 35),
        ("onnxruntime", "fp32", 60),
    ],
)
@pytest.mark.parametrize("max_batch", [1, 4, 16])
def test_an_engine_agrees_with_onnx_runtime(
    style: Style,
    pictures: Pictures,
    reference: Pictures,
    backend: Literal["openvino", "eager", "onnxruntime"],
    precision: Literal["auto", "fp32", "bf16"],
    least_psnr_db: float,
    max_batch: int,
) -> None:
    with open_engine(style, backend=backend, precision=precision, max_batch=max_batch) as engine:
        result = engine.translate(pictures)
        assert engine.info.backend == backend
        assert (engine.info.height, engine.info.width) == (64, 64)
    assert compare(result, reference).psnr_db > least_psnr_db


@pytest.mark.parametrize("size", [(32, 96), (64, 64), (128, 4)])
@pytest.mark.parametrize("backend", ["openvino", "eager", "onnxruntime"])
def test_an_engine_is_opened_at_any_size(
    style: Style, backend: Literal["openvino", "eager", "onnxruntime"], size: tuple[int, int]
) -> None:
    pictures = np.random.default_rng(2).integers(0, 256, (3, *size, 3), dtype=np.uint8)
    wanted = onnxruntime.InferenceSession(style.graph).run(None, {"image": pictures})[0]
    with open_engine(style, size=size, backend=backend, precision="fp32") as engine:
        assert (engine.info.height, engine.info.width) == size
        assert compare(engine.translate(pictures), wanted).psnr_db > 50
        with pytest.raises(ConfigError, match="this engine takes"):
            engine.translate(pictures[:, :, :-4])
    with pytest.raises(ConfigError, match="height 30 is not a multiple of 4: try 32"):
        open_engine(style, size=(30, 64), backend=backend)


@pytest.fixture(params=["openvino", "eager", "onnxruntime"])
def engine(request: pytest.FixtureRequest, style: Style) -> Engine:
    return open_engine(style, backend=request.param, precision="fp32", max_batch=3)


def test_a_partial_batch_leaves_the_other_rows_alone(engine: Engine, pictures: Pictures) -> None:
    with engine:
        (slot,) = engine.slots(1)
        slot.input[:] = pictures[:3]
        slot.output[:] = 7
        engine.submit(slot, 2)
        engine.wait(slot)
        assert slot.output[:2].std() > 5
        assert (slot.output[2] == 7).all()


def test_slots_in_flight_do_not_mix(
    engine: Engine, pictures: Pictures, reference: Pictures
) -> None:
    with engine:
        slots = engine.slots(3)
        for _ in range(2):
            for index, slot in enumerate(slots):
                slot.input[:] = pictures[3 * index : 3 * index + 3]
                engine.submit(slot, 3)
            for index, slot in reversed(list(enumerate(slots))):
                engine.wait(slot)
                expected = reference[3 * index : 3 * index + 3]
                assert compare(slot.output, expected).psnr_db > 50
                slot.output[:] = 0


def test_an_engine_may_be_left_while_it_works(engine: Engine, pictures: Pictures) -> None:
    with engine:
        (slot,) = engine.slots(1)
        slot.input[:] = pictures[:3]
        engine.submit(slot, 3)


def test_an_engine_may_be_used_without_with_and_closed_twice(
    engine: Engine, pictures: Pictures, reference: Pictures
) -> None:
    result = engine.translate(pictures)
    engine.close()
    engine.close()
    assert compare(result, reference).psnr_db > 50


def test_a_closed_engine_refuses_every_call(engine: Engine, pictures: Pictures) -> None:
    engine.translate(pictures)
    (slot,) = engine.slots(1)
    engine.close()
    for call in (
        lambda: engine.translate(pictures),
        lambda: engine.translate(pictures[:0]),
        lambda: engine.slots(1),
        lambda: engine.cached_slots(1),
        lambda: engine.submit(slot, 1),
        lambda: engine.wait(slot),
    ):
        with pytest.raises(EngineError, match="the engine is closed: open another one"):
            call()


def test_closing_twice_ends_what_was_running(engine: Engine) -> None:
    (slot,) = engine.slots(1)
    engine.submit(slot, 3)
    engine.close()
    engine.close()


def test_translate_takes_any_number_but_no_other_shape(engine: Engine, pictures: Pictures) -> None:
    with engine:
        assert engine.translate(pictures[:0]).shape == (0, 64, 64, 3)
        np.testing.assert_array_equal(
            engine.translate(pictures[:7]), engine.translate(pictures)[:7]
        )
        with pytest.raises(ConfigError, match=r"takes an array uint8 \[N, 64, 64, 3\]"):
            engine.translate(pictures[:, :32])
        with pytest.raises(ConfigError, match="float64"):
            engine.translate(pictures.astype(np.float64))  # type: ignore[arg-type]
        for other in (list(pictures), Image.fromarray(pictures[0])):
            with pytest.raises(ConfigError, match="takes an array uint8") as caught:
                engine.translate(other)  # type: ignore[arg-type]
            assert f"of type {type(other).__name__}: " in str(caught.value)


def test_auto_takes_the_first_that_can_run_and_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    assert choose_backend().backend == "openvino"
    assert choose_backend("eager").reason == "asked for"
    installed = {"torch"}
    monkeypatch.setattr(
        open_module.importlib.util, "find_spec", lambda name: name if name in installed else None
    )
    choice = choose_backend()
    assert choice.backend == "eager"
    assert "openvino is not installed: pip install openvino" in choice.reason
    with pytest.raises(EngineError, match="backend openvino cannot run here"):
        choose_backend("openvino")
    installed.clear()
    with pytest.raises(EngineError, match="no backend can run here"):
        choose_backend()


def test_wrong_requests_are_refused(style: Style, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="max_batch is 0"):
        open_engine(style, max_batch=0)
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(EngineError, match="runs in fp32 or bf16 on a CPU, not in fp16"):
        open_engine(style, backend="eager", precision="fp16")
    with pytest.raises(EngineError, match="does not compute in fp8"):
        open_engine(style, backend="openvino", precision="fp8")  # type: ignore[arg-type]


def test_weights_of_another_network_are_refused(style: Style, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError):
        open_engine(replace(style, folder=tmp_path), backend="eager")


ENGINES_COME_AND_GO = """
import gc, os, signal, sys, threading
from pathlib import Path
from pmsgan.engine.graph import read_graph
from pmsgan.engine.openvino import OpenVinoEngine
from pmsgan.engine.sealed import read_sealed, write_sealed

signal.signal(signal.SIGINT, lambda *args: None)
graph = read_graph(Path(sys.argv[1]))
engines = [OpenVinoEngine(graph) for _ in range(2)]
engines.pop(0)
threading.Thread(target=engines.clear).start()
gc.collect()
os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_ctrl_c_after_engines_are_gone_is_no_segmentation_fault(style: Style) -> None:
    assert subprocess.run([sys.executable, "-c", ENGINES_COME_AND_GO, style.graph]).returncode == 0


def test_a_graph_that_openvino_cannot_compile_is_named(style: Style, tmp_path: Path) -> None:
    import onnx

    model = onnx.load(style.graph)
    model.graph.node[5].op_type = "TfIdfVectorizer"
    path = tmp_path / "broken.onnx"
    path.write_bytes(model.SerializeToString())
    with pytest.raises(EngineError, match=r"OpenVINO cannot compile .*broken\.onnx"):
        OpenVinoEngine(read_graph(path))


def test_preparing_fills_the_cache_and_says_where(
    style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache.platformdirs, "user_cache_dir", lambda *args, **kwargs: tmp_path)
    said = str(prepare_engine(str(style.folder), precision="fp32"))
    assert str(tmp_path / "openvino") in said
    assert "fp32" in said
    assert len(list((tmp_path / "openvino").glob("*.blob"))) == 1
    prepare_engine(str(style.folder), precision="fp32")
    assert len(list((tmp_path / "openvino").glob("*.blob"))) == 1
    for _ in range(2):
        said = str(prepare_engine(str(style.folder), size=(32, 96), precision="fp32"))
        assert "96x32" in said
        assert len(list((tmp_path / "openvino").glob("*.blob"))) == 2
    real = open_module.importlib.util.find_spec
    monkeypatch.setattr(
        open_module.importlib.util,
        "find_spec",
        lambda name: None if name == "openvino" else real(name),
    )
    with pytest.raises(EngineError, match="compiles nothing"):
        prepare_engine(str(style.folder))


def damage(path: Path, seed: int) -> None:
    """Change one byte of a file, or cut it off."""
    data, chance = bytearray(path.read_bytes()), random.Random(seed)
    place = chance.randrange(len(data))
    if seed % 4 == 3:
        del data[place:]
    else:
        data[place] ^= 1 << chance.randrange(8)
    path.write_bytes(data)


@pytest.mark.parametrize("times", [4, pytest.param(200, marks=pytest.mark.soak)])
def test_a_damaged_engine_is_compiled_again_and_told_once(
    style: Style,
    pictures: Pictures,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    times: int,
) -> None:
    monkeypatch.setattr(cache.platformdirs, "user_cache_dir", lambda *args, **kwargs: tmp_path)
    with open_engine(style, backend="openvino", max_batch=9) as engine:
        expected = engine.translate(pictures)
    (kept,) = (tmp_path / "openvino").iterdir()
    for seed in range(times):
        damage(kept, seed)
        for told in ([f"{kept} is damaged: it is made again"], []):
            caplog.clear()
            with open_engine(style, backend="openvino", max_batch=9) as engine:
                assert (engine.translate(pictures) == expected).all()
            assert [it.getMessage() for it in caplog.records if it.levelname == "WARNING"] == told


@pytest.fixture
def cached(style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Style, Path]:
    """A style whose graph is gone, and the blob that was compiled from it before."""
    monkeypatch.setattr(cache.platformdirs, "user_cache_dir", lambda *args, **kwargs: tmp_path)
    copied = replace(style, folder=tmp_path / "style")
    shutil.copytree(style.folder, copied.folder)
    open_engine(copied, precision="fp32").close()
    copied.graph.unlink()
    (blob,) = (tmp_path / "openvino").glob("*.blob")
    return copied, blob


def test_a_cached_engine_needs_no_graph_and_gives_the_same(
    style: Style, cached: tuple[Style, Path], pictures: Pictures
) -> None:
    with OpenVinoEngine(read_graph(style.graph), precision="fp32", use_cache=False) as engine:
        wanted = engine.translate(pictures)
    with open_engine(cached[0], precision="fp32") as engine:
        np.testing.assert_array_equal(engine.translate(pictures), wanted)


@pytest.mark.parametrize("change", [b"", b"more", None])
def test_a_blob_that_cannot_be_used_is_compiled_again(
    style: Style,
    cached: tuple[Style, Path],
    pictures: Pictures,
    change: bytes | None,
    caplog: pytest.LogCaptureFixture,
) -> None:
    copied, blob = cached
    caplog.set_level("INFO")
    if change is None:  # its digest is right, and OpenVINO refuses it
        header, _ = read_sealed(blob, MAGIC) or ({}, b"")
        write_sealed(blob, MAGIC, header, b"no blob")
    else:
        blob.write_bytes(blob.read_bytes()[:-4] + change)
    with pytest.raises(EngineError, match="cannot read"):
        open_engine(copied, precision="fp32")
    assert " again" in caplog.text
    shutil.copyfile(style.graph, copied.graph)
    with open_engine(copied, precision="fp32") as engine:
        assert engine.translate(pictures).std() > 5
    copied.graph.unlink()
    open_engine(copied, precision="fp32").close()


def test_a_cached_engine_is_opened_without_onnx(style: Style) -> None:
    code = (
        "import sys; from pmsgan.engine.open import open_engine;"
        "open_engine(sys.argv[1]).close(); print('onnx' in sys.modules)"
    )
    told = [
        subprocess.run(
            [sys.executable, "-c", code, style.folder], capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    ]
    assert told[1] == "False"


def test_threads_are_limited_as_asked(style: Style) -> None:
    before = torch.get_num_threads()
    try:
        with open_engine(style, backend="eager", num_threads=1):
            assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)
    with open_engine(style, backend="openvino", num_threads=1) as engine:
        assert isinstance(engine, OpenVinoEngine)
        assert engine._compiled.get_property("INFERENCE_NUM_THREADS") == 1
        assert not engine._compiled.get_property("ENABLE_CPU_PINNING")  # to cores that others have


@pytest.mark.parametrize(
    ("num_pictures", "hint", "max_batch"),
    [(1, "LATENCY", 1), (2, "LATENCY", 2), (3, "THROUGHPUT", None), (None, "THROUGHPUT", None)],
)
def test_all_cores_work_at_each_of_few_pictures(
    style: Style, num_pictures: int | None, hint: str, max_batch: int | None
) -> None:
    with open_engine(style, backend="openvino", num_pictures=num_pictures) as engine:
        assert isinstance(engine, OpenVinoEngine)
        assert str(engine._compiled.get_property("PERFORMANCE_HINT")).endswith(hint)
        assert engine.info.max_batch == (max_batch or engine._default_batch())


def test_another_device_is_checked_before_it_is_used(
    style: Style, pictures: Pictures, reference: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared = []

    def watch(got: Pictures, wanted: Pictures) -> Accuracy:
        compared.append(len(got))
        return compare(got, wanted)

    monkeypatch.setattr(check, "compare", watch)
    with open_engine(
        style, backend="openvino", device="AUTO", samples=lambda: pictures[:2]
    ) as engine:
        assert compare(engine.translate(pictures), reference).psnr_db > 40
        assert "AUTO" in engine.info.device
    assert compared == [6]  # four are drawn
    monkeypatch.setattr(check, "MIN_PSNR_DB", math.inf)
    monkeypatch.setattr(check, "compare", lambda got, wanted: compare(got, 255 - wanted))
    with pytest.raises(EngineError, match=r"dB PSNR to FP32 with generator\.onnx on AUTO"):
        open_engine(style, backend="openvino", device="AUTO")


def test_a_device_that_is_not_here_is_named(style: Style) -> None:
    found = openvino_module._core().available_devices
    missing: Device = "NPU" if "NPU" not in found else "GPU"
    with pytest.raises(EngineError, match=f"OpenVINO finds no {missing} here, only .*CPU"):
        open_engine(style, backend="openvino", device=missing)
    with pytest.raises(EngineError, match="device GPU belongs to OpenVINO"):
        open_engine(style, backend="eager", device="GPU")


def test_cached_slots_are_the_same_at_each_call(style: Style) -> None:
    with open_engine(style) as engine:
        first = engine.cached_slots(1)
        assert [*engine.cached_slots(3)][:1] == [*first]
        assert engine.cached_slots(3) == engine.cached_slots(3)


def test_slots_that_no_memory_holds_are_refused(
    style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "2 slots of 5000000 pictures need 245.8 GB of memory, more than there is: lower --max-"
    with open_engine(style, backend="openvino", max_batch=5_000_000) as engine:
        monkeypatch.setattr("pmsgan.engine.interface.memory_bytes", lambda: 2**30)
        with pytest.raises(EngineError, match=said):
            engine.slots(2)
        monkeypatch.setattr("pmsgan.engine.interface.memory_bytes", lambda: None)

        def fail(count: int) -> None:
            raise MemoryError

        monkeypatch.setattr(engine, "_new_slots", fail)
        with pytest.raises(EngineError, match=said):
            engine.slots(2)


def test_an_openvino_that_cannot_be_loaded_is_an_error(
    style: Style, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise RuntimeError("Cannot load library libopenvino_intel_cpu_plugin.so: out of memory")

    monkeypatch.setattr("pmsgan.engine.openvino._core", fail)
    with pytest.raises(EngineError, match="OpenVINO cannot start: Cannot load library"):
        open_engine(style, backend="openvino")
