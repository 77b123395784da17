"""TensorRT for RTX uses CUDA graphs where they are faster; that is measured once."""

import logging
from types import SimpleNamespace
from typing import Any

import pytest

from pmsgan.engine.accuracy import check_pictures
from pmsgan.engine.graph import GraphInfo
from pmsgan.engine.tensorrt.kernels import KernelCache
from pmsgan.engine.tensorrt.open import open_on_gpu
from pmsgan.errors import EngineError


def opened_with_graphs(graph: GraphInfo, rtx: SimpleNamespace) -> bool:
    """Run an engine once; return whether its batches were CUDA graphs."""
    with open_on_gpu("tensorrt-rtx", graph) as engine:
        pictures = check_pictures(graph.height, graph.width)
        assert (engine.translate(pictures) == 255 - pictures).all()
        return bool(rtx.has_graphs)


@pytest.mark.parametrize(
    ("launches", "graph_launches", "faster"), [(9, 1, True), (9, 9, False), (1, 9, False)]
)
def test_graphs_are_used_where_they_are_faster(
    graph: GraphInfo, rtx: SimpleNamespace, launches: int, graph_launches: int, faster: bool
) -> None:
    rtx.launches, rtx.graph_launches = launches, graph_launches
    assert opened_with_graphs(graph, rtx) is faster


def test_the_choice_is_kept_beside_the_kernels(
    graph: GraphInfo, rtx: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    rtx.launches = 9
    assert opened_with_graphs(graph, rtx)
    rtx.launches, rtx.num_contexts = 1, 0  # measured again, graphs would not be used
    assert opened_with_graphs(graph, rtx)
    assert rtx.num_contexts == 1
    # The stand-in takes a millisecond for each launch, and one to note that it is done.
    said = "CUDA graphs are used: a batch takes 2.000 ms with them, 10.000 ms without"
    assert caplog.text.count(said) == 1


def test_another_driver_measures_again(graph: GraphInfo, rtx: SimpleNamespace, driver: Any) -> None:
    rtx.launches = 9
    assert opened_with_graphs(graph, rtx)
    driver.set_gpu(cuda=13010)
    rtx.launches = 1
    assert not opened_with_graphs(graph, rtx)


def test_graphs_that_fail_are_not_used(
    graph: GraphInfo, rtx: SimpleNamespace, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    rtx.launches = 9
    rtx.fails.add("graphs")
    for _ in range(2):
        assert not opened_with_graphs(graph, rtx)
    assert caplog.text.count("CUDA graphs failed: ") == 1
    assert "the stream cannot be captured" in caplog.text


def test_nothing_is_kept_of_a_measurement_that_failed(
    graph: GraphInfo, rtx: SimpleNamespace
) -> None:
    rtx.launches = 9
    rtx.fails.add("set_input_shape")
    with pytest.raises(EngineError, match="cannot take a batch"):
        open_on_gpu("tensorrt-rtx", graph)
    rtx.fails.clear()
    assert opened_with_graphs(graph, rtx)


def test_a_choice_is_kept_only_once_it_is_made(
    graph: GraphInfo, rtx: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = []
    real = KernelCache.keep
    monkeypatch.setattr(
        KernelCache, "keep", lambda cache: kept.append(cache.uses_graphs) or real(cache)
    )
    rtx.launches = 9
    assert opened_with_graphs(graph, rtx)
    assert kept[:3] == [None, None, None]
    assert kept[-1] is True


def test_graphs_that_lack_memory_leave_the_batch_as_it_is(
    graph: GraphInfo, rtx: SimpleNamespace
) -> None:
    rtx.launches, rtx.largest_graph = 1, 2
    with open_on_gpu("tensorrt-rtx", graph, max_batch=4) as engine:
        engine.slots(1)
        assert engine.info.max_batch == 4
        assert not rtx.has_graphs
