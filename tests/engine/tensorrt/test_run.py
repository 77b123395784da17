"""Slots, streams, events and memory, through the real pycuda."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pmsgan.engine.interface import Engine
from pmsgan.engine.tensorrt.plan import EnginePlanKey
from pmsgan.engine.tensorrt.product import PRODUCTS, Library
from pmsgan.errors import EngineError

SIDE = 8
BATCH = 4
SLOT_BYTES = 2 * BATCH * SIDE * SIDE * 3
ACTIVATION_BYTES = 4096
PICTURES = np.random.default_rng(0).integers(0, 256, (11, SIDE, SIDE, 3), dtype=np.uint8)


def make_library(api: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Library:
    monkeypatch.setattr("importlib.import_module", lambda name: api)
    return Library(PRODUCTS["tensorrt"])


@pytest.fixture
def library(api: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    with monkeypatch.context() as patch:
        library = make_library(api, patch)
    yield library


def load(library: Library, *, resizes: bool = True, engines_per_gpu: int = 1) -> Engine:
    from pmsgan.engine.tensorrt.buffers import gpu_context
    from pmsgan.engine.tensorrt.run import TensorRtEngine

    key = EnginePlanKey(
        graph_sha256="0" * 64, product="tensorrt", version="10.13.0", capability="8.9",
        gpu="Stand-in", driver=13000, precision="fp16", height=SIDE, width=SIDE, max_batch=BATCH,
    )  # fmt: skip
    with ExitStack() as stack:
        gpu = stack.enter_context(gpu_context())
        plan = library.api.make_plan(max_batch=BATCH, resizes=resizes)
        return TensorRtEngine(library, plan, key, gpu, owned=stack, engines_per_gpu=engines_per_gpu)


@contextmanager
def opened(library: Library, *, resizes: bool = True) -> Iterator[Engine]:
    with load(library, resizes=resizes) as engine:
        yield engine


def test_the_engine_says_what_it_is(library: Library, driver: Any) -> None:
    with opened(library) as engine:
        assert engine.info.device == driver.name
        assert engine.info.runtime == "TensorRT 10.13.0"
        assert (engine.info.precision, engine.info.max_batch) == ("fp16", BATCH)


@pytest.mark.parametrize("count", range(len(PICTURES) + 1))
def test_any_number_of_pictures_is_translated(library: Library, count: int) -> None:
    with opened(library) as engine:
        np.testing.assert_array_equal(engine.translate(PICTURES[:count]), 255 - PICTURES[:count])


def test_nothing_is_there_before_it_is_waited_for(library: Library, driver: Any) -> None:
    driver.set_capacity(1 << 30)  # which skips this on a real GPU: its work may be done at once
    with opened(library) as engine:
        (slot,) = engine.slots(1)
        slot.input[:] = PICTURES[:BATCH]
        slot.output[:] = 7
        engine.submit(slot, BATCH)
        assert (slot.output == 7).all()
        engine.wait(slot)
        assert engine.gpu_times is not None
        # The stand-in takes a millisecond for each operation, and one to note that it is done.
        assert engine.gpu_times.compute_s == pytest.approx(0.002)
        assert engine.gpu_times.copy_s == pytest.approx(0.004)
        np.testing.assert_array_equal(slot.output, 255 - PICTURES[:BATCH])


def test_a_partial_batch_leaves_the_other_rows_alone(library: Library) -> None:
    with opened(library) as engine:
        (slot,) = engine.slots(1)
        slot.input[:] = PICTURES[:BATCH]
        slot.output[:] = 7
        engine.submit(slot, 3)
        engine.wait(slot)
        np.testing.assert_array_equal(slot.output[:3], 255 - PICTURES[:3])
        assert (slot.output[3] == 7).all()


def test_slots_in_flight_do_not_mix(library: Library) -> None:
    with opened(library) as engine:
        slots = engine.slots(3)
        for round_ in range(4):
            for index, slot in enumerate(slots):
                slot.input[:] = PICTURES[:BATCH] + np.uint8(10 * index + round_)
                engine.submit(slot, BATCH if index else 2)
            for index, slot in reversed(list(enumerate(slots))):
                engine.wait(slot)
                count = BATCH if index else 2
                np.testing.assert_array_equal(slot.output[:count], 255 - slot.input[:count])


def test_slots_can_be_made_again(library: Library) -> None:
    with opened(library) as engine:
        (before,) = engine.slots(1)
        for _ in range(3):
            np.testing.assert_array_equal(engine.translate(PICTURES), 255 - PICTURES)
        before.input[:] = PICTURES[:BATCH]
        engine.submit(before, BATCH)
        engine.wait(before)
        np.testing.assert_array_equal(before.output, 255 - PICTURES[:BATCH])


def test_an_engine_may_be_left_while_it_works(library: Library) -> None:
    with opened(library) as engine:
        for slot in engine.slots(2):
            engine.submit(slot, BATCH)


def test_the_memory_is_asked_for_and_set_once(library: Library, api: SimpleNamespace) -> None:
    with opened(library) as engine:
        for count in (BATCH, 3, 1, 3, BATCH):
            np.testing.assert_array_equal(
                engine.translate(PICTURES[:count]), 255 - PICTURES[:count]
            )
    assert api.num_updates == 1


@pytest.mark.parametrize("fault", ["update", "no activations"])
def test_a_size_of_0_is_an_error_that_is_mended_or_no_need(
    library: Library, api: SimpleNamespace, fault: str
) -> None:
    api.fails.add(fault)
    with opened(library) as engine:
        np.testing.assert_array_equal(engine.translate(PICTURES), 255 - PICTURES)


def test_waiting_for_the_gpu_keeps_no_core_busy(library: Library, driver: Any) -> None:
    before = driver.num_spins
    with opened(library) as engine:
        engine.translate(PICTURES)
    assert driver.num_spins == before


def test_the_log_keeps_its_last_lines(library: Library) -> None:
    for number in range(1000):
        library.log.log(library.api.ILogger.Severity.WARNING, f"line {number}")
    assert len(library.log.lines) <= 100
    assert library.log.summary().endswith("line 999")
    assert library.log.summary() == "it gives no reason"


def test_memory_that_does_not_shrink_with_the_batch_is_not_taken_twice(
    library: Library, driver: Any
) -> None:
    driver.set_capacity(BATCH * ACTIVATION_BYTES + 2 * SLOT_BYTES // 2 + 100)
    with opened(library, resizes=False) as engine:
        np.testing.assert_array_equal(engine.translate(PICTURES), 255 - PICTURES)
        assert engine.info.max_batch == 2


@pytest.mark.parametrize(("largest", "batch"), [(3, 2), (1, 1)])
def test_a_batch_that_tensorrt_has_no_memory_for_is_halved(
    library: Library, api: SimpleNamespace, largest: int, batch: int
) -> None:
    api.largest_enqueued = largest
    with opened(library) as engine:
        np.testing.assert_array_equal(engine.translate(PICTURES), 255 - PICTURES)
        assert engine.info.max_batch == batch


def test_a_context_that_tensorrt_has_no_memory_for_halves_the_batch(
    library: Library, api: SimpleNamespace
) -> None:
    api.fails.add("context memory")
    with opened(library) as engine:
        np.testing.assert_array_equal(engine.translate(PICTURES), 255 - PICTURES)
        assert engine.info.max_batch == BATCH // 2


def test_a_lost_gpu_is_one_line(
    library: Library, driver: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    with opened(library) as engine:
        engine.translate(PICTURES)
        driver.fail("cuEventSynchronize")
        with pytest.raises(EngineError, match="the GPU cannot translate a batch"):
            engine.translate(PICTURES)
    assert capfd.readouterr().err == ""


def test_slots_that_a_thread_may_still_use_outlive_an_abandoned_engine(
    library: Library, driver: Any
) -> None:
    engine = load(library)
    (slot,) = engine.slots(1)
    before = driver.num_live
    try:
        engine.abandon()
        engine.close()
        assert driver.num_live == before
        slot.input[:] = 1
        with pytest.raises(EngineError, match="the engine is closed"):
            engine.translate(PICTURES)
    finally:
        driver.end_process()


@pytest.mark.parametrize(("pictures", "batch"), [(BATCH, 4), (BATCH - 1, 2), (2, 2), (1, 1)])
def test_too_little_memory_halves_the_batch(
    library: Library, driver: Any, caplog: pytest.LogCaptureFixture, pictures: int, batch: int
) -> None:
    driver.set_capacity(pictures * (ACTIVATION_BYTES + 2 * 2 * SIDE * SIDE * 3) + 100)
    with opened(library) as engine:
        np.testing.assert_array_equal(engine.translate(PICTURES), 255 - PICTURES)
        assert engine.info.max_batch == batch
    assert ("continuing with slots of" in caplog.text) == (batch < BATCH)


def test_memory_for_not_even_one_picture_is_an_error(library: Library, driver: Any) -> None:
    driver.set_capacity(ACTIVATION_BYTES)
    with pytest.raises(EngineError, match="not have enough memory"), opened(library) as engine:
        engine.slots(2)


@pytest.mark.parametrize(("engines", "batch"), [(1, 4), (2, 4), (3, 2), (8, 1)])
def test_an_engine_takes_no_more_than_its_part_of_the_gpu(
    library: Library, driver: Any, engines: int, batch: int
) -> None:
    needed = BATCH * ACTIVATION_BYTES + 2 * SLOT_BYTES
    driver.set_capacity(2 * needed)
    with load(library, engines_per_gpu=engines) as engine:
        np.testing.assert_array_equal(engine.translate(PICTURES), 255 - PICTURES)
        assert engine.info.max_batch == batch


def test_a_part_of_a_gpu_that_is_too_small_is_told(
    library: Library, driver: Any, caplog: pytest.LogCaptureFixture
) -> None:
    driver.set_capacity(2 * ACTIVATION_BYTES)
    with (
        pytest.raises(EngineError, match=r"^1/2 of the GPU's free memory, 0 MiB, is too little$"),
        load(library, engines_per_gpu=2) as engine,
    ):
        engine.slots(2)
    assert "is too little: continuing with slots of 1" in caplog.text


def test_later_slots_do_not_shrink_those_in_use(library: Library, driver: Any) -> None:
    with opened(library) as engine:
        engine.translate(PICTURES[:1])
        driver.fail("cuMemAlloc", count=100, code=2)
        with pytest.raises(EngineError, match="not have enough memory"):
            engine.slots(1)
        np.testing.assert_array_equal(engine.translate(PICTURES), 255 - PICTURES)


@pytest.mark.parametrize(
    "function",
    ["cuMemcpyHtoDAsync", "cuMemcpyDtoHAsync", "cuEventRecord", "cuStreamWaitEvent",
     "cuEventSynchronize", "cuEventElapsedTime", "cuStreamCreate", "cuEventCreate",
     "cuMemHostAlloc"],
)  # fmt: skip
@pytest.mark.parametrize("after", [0, 1])
def test_a_failing_call_is_named_and_everything_is_freed(
    library: Library, driver: Any, function: str, after: int
) -> None:
    driver.fail(function, after=after)
    with pytest.raises(EngineError, match="the GPU cannot"), opened(library) as engine:
        engine.translate(PICTURES)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("execute_async_v3", "cannot run a batch of 4: ERROR: no kernel for this"),
        ("create_execution_context", "cannot make an execution context: it gives no reason"),
        ("set_input_shape", "cannot take a batch of 4"),
    ],
)
def test_a_refusal_of_tensorrt_is_an_error_with_its_log(
    library: Library, api: SimpleNamespace, call: str, said: str
) -> None:
    api.fails.add(call)
    with pytest.raises(EngineError, match=said), opened(library) as engine:
        engine.translate(PICTURES)


def test_a_plan_that_cannot_be_loaded_frees_the_context(
    library: Library, api: SimpleNamespace, driver: Any
) -> None:
    api.fails.add("load")
    with pytest.raises(EngineError, match="cannot load the engine") as caught, opened(library):
        pass
    assert driver.num_live == 0, caught


def test_a_closed_engine_takes_nothing(library: Library) -> None:
    with opened(library) as engine:
        (slot,) = engine.slots(1)
    for call in (
        lambda: engine.submit(slot, 1), lambda: engine.wait(slot), lambda: engine.slots(1),
        lambda: engine.translate(PICTURES),
    ):  # fmt: skip
        with pytest.raises(EngineError, match="the engine is closed"):
            call()
    engine.close()


def test_a_slot_of_another_engine_is_refused(library: Library) -> None:
    with opened(library) as engine, opened(library) as other:
        (slot,) = other.slots(1)
        with pytest.raises(EngineError, match="belongs to no open engine"):
            engine.submit(slot, 1)
        with pytest.raises(EngineError, match="belongs to no open engine"):
            engine.wait(slot)


def test_an_engine_may_be_used_without_with_and_closed_twice(library: Library) -> None:
    engine = load(library)
    np.testing.assert_array_equal(engine.translate(PICTURES), 255 - PICTURES)
    engine.close()
    engine.close()


def test_no_gpu_is_an_error(driver: Any) -> None:
    from pmsgan.engine.tensorrt.buffers import gpu_context

    driver.fail("cuDevicePrimaryCtxRetain", code=100)
    with pytest.raises(EngineError, match="the GPU cannot be used"), gpu_context():
        pass
