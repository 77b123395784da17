"""TensorRT for RTX compiles kernels on the GPU; they are kept between runs."""

import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pmsgan.engine.accuracy import check_pictures
from pmsgan.engine.graph import GraphInfo
from pmsgan.engine.tensorrt.kernels import MAGIC
from pmsgan.engine.tensorrt.open import open_on_gpu


def run(graph: GraphInfo) -> None:
    with open_on_gpu("tensorrt-rtx", graph) as engine:
        pictures = check_pictures(graph.height, graph.width)
        assert (engine.translate(pictures) == 255 - pictures).all()


def test_kernels_are_compiled_once(graph: GraphInfo, rtx: SimpleNamespace, tmp_path: Path) -> None:
    for _ in range(3):
        run(graph)
    assert (rtx.num_built, rtx.num_compiled) == (1, 1)
    (kept,) = (tmp_path / "tensorrt-rtx").glob("*.kernels")
    assert kept.name.endswith("-sm8.9-stand-in-1.7.1.kernels")
    assert kept.read_bytes().startswith(MAGIC)


def test_new_kernels_are_added(graph: GraphInfo, rtx: SimpleNamespace) -> None:
    run(graph)
    rtx.kernels.add("kernel 2")
    for _ in range(2):
        run(graph)
    assert rtx.num_compiled == 2


@pytest.mark.parametrize("change", [{"name": "Card B"}, {"cuda": 13010}])
def test_each_gpu_and_driver_compile_their_own(
    graph: GraphInfo, rtx: SimpleNamespace, driver: Any, change: dict[str, Any]
) -> None:
    run(graph)
    driver.set_gpu(**change)
    run(graph)
    assert (rtx.num_built, rtx.num_compiled) == (1, 2)


def test_damaged_kernels_never_reach_the_runtime(
    graph: GraphInfo, rtx: SimpleNamespace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    run(graph)
    (kept,) = (tmp_path / "tensorrt-rtx").glob("*.kernels")
    kept.write_bytes(kept.read_bytes()[:-1] + b"?")
    run(graph)
    assert rtx.num_compiled == 2
    assert f"{kept} is damaged: it is made again" in caplog.text


def test_kernels_that_cannot_be_kept_are_only_a_warning(
    graph: GraphInfo, rtx: SimpleNamespace, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run(graph)
    (kept,) = (tmp_path / "tensorrt-rtx").glob("*.kernels")
    kept.unlink()
    kept.mkdir()
    run(graph)
    assert "the next run will compile kernels again: cannot write" in caplog.text


def test_the_best_kernels_are_checked_and_later_runs_do_not_wait_for_them(
    graph: GraphInfo, rtx: SimpleNamespace
) -> None:
    strategies = []
    for _ in range(2):
        with open_on_gpu("tensorrt-rtx", graph) as engine:
            strategies.append(getattr(rtx, "specialization", None))
            engine.slots(1)
            strategies.append(rtx.specialization)
    assert strategies == ["EAGER", "LAZY", "LAZY", "LAZY"]
