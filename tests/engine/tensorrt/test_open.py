"""From a graph to an engine: stand-ins for driver and TensorRT, the real pycuda between them."""

import logging
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pmsgan.engine.accuracy import Accuracy, check_pictures
from pmsgan.engine.graph import GraphInfo
from pmsgan.engine.interface import Engine
from pmsgan.engine.openvino import OpenVinoEngine
from pmsgan.engine.sealed import read_sealed, write_sealed
from pmsgan.engine.tensorrt import check, product
from pmsgan.engine.tensorrt.build import BuildConfig
from pmsgan.engine.tensorrt.keys import keys_here
from pmsgan.engine.tensorrt.open import TIMINGS_MAGIC, make_checked_plan, open_on_gpu
from pmsgan.errors import EngineError

EXACT = Accuracy(max_difference=0, mean_difference=0.0, psnr_db=99.0)


def translated(engine: Engine) -> bool:
    pictures = check_pictures(engine.info.height, engine.info.width)
    return bool((engine.translate(pictures) == 255 - pictures).all())


def test_an_engine_is_built_checked_kept_and_loaded_the_next_time(
    graph: GraphInfo, tensorrt: SimpleNamespace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for _ in range(2):
        with open_on_gpu("tensorrt", graph, max_batch=4) as engine:
            assert translated(engine)
            assert engine.info.precision == "fp16"
    assert tensorrt.num_built == 1
    assert caplog.text.count("building") == caplog.text.count("checked: ") == 1
    assert tensorrt.shapes == ((1, 64, 64, 3), (4, 64, 64, 3), (4, 64, 64, 3))
    assert sorted(path.suffix for path in (tmp_path / "tensorrt").iterdir()) == [".bin", ".plan"]
    assert tensorrt.config.progress_monitor is None


def test_a_plan_for_another_program_is_the_one_that_is_kept(
    graph: GraphInfo, tensorrt: SimpleNamespace
) -> None:
    plan = make_checked_plan("tensorrt", graph, max_batch=4)
    assert make_checked_plan("tensorrt", graph, max_batch=4) == plan
    assert tensorrt.num_built == 1
    runtime = tensorrt.Runtime(None)
    assert runtime.deserialize_cuda_engine(plan) is not None


def test_an_engine_for_another_driver_is_announced_and_built_again(
    graph: GraphInfo, tensorrt: SimpleNamespace, driver: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with open_on_gpu("tensorrt", graph):
        pass
    driver.set_gpu(cuda=13010)
    with open_on_gpu("tensorrt", graph) as engine:
        assert translated(engine)
    assert tensorrt.num_built == 2
    assert "was built for driver 13000, not 13010" in caplog.text


def test_each_version_and_each_gpu_keep_an_engine_of_their_own(
    graph: GraphInfo, tensorrt: SimpleNamespace, driver: Any, tmp_path: Path
) -> None:
    machines = [("Card A", "10.13.0"), ("Card B", "10.13.0"), ("Card A", "11.4.0")]
    for _ in range(2):
        for name, version in machines:
            driver.set_gpu(name)
            tensorrt.__version__ = version
            with open_on_gpu("tensorrt", graph) as engine:
                assert engine.info.device == name
    assert tensorrt.num_built == 3
    names = sorted(path.name for path in (tmp_path / "tensorrt").iterdir())
    assert names[-3:] == [
        "timings-sm8.9-card-a-10.13.0.bin", "timings-sm8.9-card-a-11.4.0.bin",
        "timings-sm8.9-card-b-10.13.0.bin",
    ]  # fmt: skip
    assert all(is_taken for _, is_taken in tensorrt.timing_caches)


def test_timings_that_are_refused_are_replaced(
    graph: GraphInfo, tensorrt: SimpleNamespace, tmp_path: Path
) -> None:
    folder = tmp_path / "tensorrt"
    folder.mkdir(mode=0o700)
    timings = folder / "timings-sm8.9-stand-in-10.13.0.bin"
    write_sealed(timings, TIMINGS_MAGIC, {}, b"of another GPU")
    with open_on_gpu("tensorrt", graph):
        pass
    assert tensorrt.timing_caches == [(b"of another GPU", False), (b"", True)]
    assert read_sealed(timings, TIMINGS_MAGIC) == ({}, b"Stand-in")


def test_damaged_timings_never_reach_the_builder(
    graph: GraphInfo, tensorrt: SimpleNamespace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "tensorrt"
    folder.mkdir(mode=0o700)
    timings = folder / "timings-sm8.9-stand-in-10.13.0.bin"
    timings.write_bytes(b"damaged")
    with open_on_gpu("tensorrt", graph):
        pass
    assert tensorrt.timing_caches == [(b"", True)]
    assert f"{timings} is damaged: it is made again" in caplog.text


@pytest.mark.parametrize("name", ["Builder", "OnnxParser", "Runtime"])
def test_an_object_that_cannot_be_made_is_an_error(
    graph: GraphInfo, tensorrt: SimpleNamespace, name: str
) -> None:
    tensorrt.fails.add(name)
    with pytest.raises(EngineError, match=f"TensorRT cannot make a {name}: it gives no reason"):
        open_on_gpu("tensorrt", graph)


def test_a_damaged_engine_is_announced_and_built_again(
    graph: GraphInfo, tensorrt: SimpleNamespace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with open_on_gpu("tensorrt", graph):
        pass
    (plan,) = (tmp_path / "tensorrt").glob("*.plan")
    plan.write_bytes(plan.read_bytes()[:-1])
    with open_on_gpu("tensorrt", graph):
        pass
    assert tensorrt.num_built == 2
    assert "is damaged" in caplog.text


def test_settings_of_the_builder_reach_it(graph: GraphInfo, tensorrt: SimpleNamespace) -> None:
    config = BuildConfig(workspace_mib=512, max_aux_streams=2, optimization_level=4)
    with open_on_gpu("tensorrt", graph, config=config):
        pass
    assert tensorrt.workspace_bytes == 512 * 2**20
    assert (tensorrt.config.max_aux_streams, tensorrt.config.builder_optimization_level) == (2, 4)


@pytest.mark.parametrize("fault", ["black", "wrong"])
def test_an_engine_whose_pictures_are_off_is_refused_each_time(
    graph: GraphInfo, tensorrt: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    monkeypatch.setattr(check, "OpenVinoEngine", OpenVinoEngine)
    tensorrt.fails.add(fault)
    said = "of one colour" if fault == "black" else "dB PSNR to FP32"
    for _ in range(2):
        with pytest.raises(EngineError, match=f"{said} .*use --precision fp32"):
            open_on_gpu("tensorrt", graph)
    assert tensorrt.num_built == 1


def test_an_engine_is_checked_on_the_pictures_it_is_going_to_meet(
    graph: GraphInfo, tensorrt: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    met = []
    monkeypatch.setattr(check, "compare", lambda got, wanted: met.append(got) or EXACT)
    samples = np.full((3, graph.height, graph.width, 3), 9, np.uint8)
    samples[:, 0] = 200
    for _ in range(2):
        with open_on_gpu("tensorrt", graph, samples=lambda: samples):
            pass
    (got,) = met
    np.testing.assert_array_equal(got[-3:], 255 - samples)
    assert len(got) > 3


def test_single_precision_is_an_engine_of_its_own(
    graph: GraphInfo, tensorrt: SimpleNamespace
) -> None:
    for precision in ("auto", "fp16", "fp32"):
        with open_on_gpu("tensorrt", graph, precision=precision) as engine:  # type: ignore[arg-type]
            assert engine.info.precision == ("fp32" if precision == "fp32" else "fp16")
    assert tensorrt.num_built == 2
    with pytest.raises(EngineError, match="is in fp16 and TensorRT runs it as it is"):
        open_on_gpu("tensorrt", graph, precision="bf16")


def test_a_build_that_fails_leaves_nothing(
    graph: GraphInfo, tensorrt: SimpleNamespace, tmp_path: Path
) -> None:
    tensorrt.fails.add("build")
    with pytest.raises(EngineError, match="cannot build an engine from"):
        open_on_gpu("tensorrt", graph)
    assert not list((tmp_path / "tensorrt").glob("*"))


def test_a_kept_engine_that_is_refused_is_built_again(
    graph: GraphInfo, tensorrt: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    with open_on_gpu("tensorrt", graph):
        pass
    tensorrt.fails.add("load")
    with open_on_gpu("tensorrt", graph) as engine:
        assert translated(engine)
    assert tensorrt.num_built == 2
    assert "is refused (TensorRT cannot load the engine" in caplog.text


def test_too_little_memory_for_the_largest_batch_halves_it(
    graph: GraphInfo, tensorrt: SimpleNamespace, driver: Any
) -> None:
    driver.set_capacity(2 * 4096 + 2 * 2 * 2 * 64 * 64 * 3)  # two slots of two pictures
    with open_on_gpu("tensorrt", graph, max_batch=4) as engine:
        assert translated(engine)
        assert engine.info.max_batch == 2


def test_the_check_leaves_memory_for_the_run(
    graph: GraphInfo, tensorrt: SimpleNamespace, driver: Any
) -> None:
    driver.set_capacity(4 * 4096 + 2 * 4 * 2 * 64 * 64 * 3 + 1000)
    with open_on_gpu("tensorrt", graph, max_batch=4) as engine:
        slots = engine.slots(4)
        assert [len(slot.input) for slot in slots] == [2] * 4


def test_timings_that_cannot_be_kept_lose_no_build(
    graph: GraphInfo, tensorrt: SimpleNamespace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "tensorrt"
    folder.mkdir(mode=0o700)
    (folder / "timings-sm8.9-stand-in-10.13.0.bin").mkdir()
    with open_on_gpu("tensorrt", graph) as engine:
        assert translated(engine)
    assert "the next build will time kernels again: cannot write" in caplog.text


def test_without_a_cache_each_run_builds_and_checks(
    graph: GraphInfo, tensorrt: SimpleNamespace, tmp_path: Path
) -> None:
    folder = tmp_path / "tensorrt"
    folder.write_text("in the way")
    for num_built in (1, 2):
        with open_on_gpu("tensorrt", graph) as engine:
            assert translated(engine)
        assert tensorrt.num_built == num_built
    assert len(make_checked_plan("tensorrt", graph)) > 0


def test_a_plan_that_cannot_be_read_or_written_is_built_for_this_run(
    graph: GraphInfo, tensorrt: SimpleNamespace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with open_on_gpu("tensorrt", graph):
        pass
    (plan,) = (tmp_path / "tensorrt").glob("*.plan")
    plan.unlink()
    plan.mkdir()
    with open_on_gpu("tensorrt", graph) as engine:
        assert translated(engine)
    assert "cannot read the engine" in caplog.text
    assert "the next run will build again: cannot write the engine" in caplog.text


def test_single_precision_has_all_its_digits(graph: GraphInfo, tensorrt: SimpleNamespace) -> None:
    with open_on_gpu("tensorrt", graph):
        assert tensorrt.cleared is None
    with open_on_gpu("tensorrt", graph, precision="fp32"):
        assert tensorrt.cleared == "TF32"


def test_a_pycuda_that_cannot_be_loaded_says_what_to_do(
    graph: GraphInfo, tensorrt: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pmsgan.engine.tensorrt.buffers", None)
    with pytest.raises(EngineError, match=r"pycuda cannot be loaded .*--no-binary pycuda"):
        open_on_gpu("tensorrt", graph)


@pytest.mark.parametrize(
    ("name", "capability", "wanted"),
    [
        ("tensorrt-rtx", "8.9", [("8.9", "", 0), ("portable", "", 0)]),
        ("tensorrt-rtx", "9.0", [("portable", "", 0)]),
        ("tensorrt", "9.0", [("9.0", "H200", 13000)]),
    ],
)
def test_plans_of_rtx_depend_on_a_capability_others_on_one_gpu(
    graph: GraphInfo, name: product.ProductName, capability: str, wanted: list[tuple[str, str, int]]
) -> None:
    known = SimpleNamespace(__members__={"NONE": 0, "CURRENT": 1, "SM89": 2})
    library = SimpleNamespace(
        product=product.PRODUCTS[name],
        version="1",
        api=SimpleNamespace(ComputeCapability=known),
    )
    gpu = SimpleNamespace(name="H200", capability=capability, driver=13000)
    keys = keys_here(library, graph, "auto", 8, gpu)  # type: ignore[arg-type]
    assert [(key.capability, key.gpu, key.driver) for key in keys] == wanted
