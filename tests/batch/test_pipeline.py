"""The pipeline around an engine that inverts bytes (see conftest.py)."""

import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from outputs import DISK, begun

from pmsgan import directory
from pmsgan.batch import pipeline
from pmsgan.batch import readers as readers_module
from pmsgan.batch import ring as ring_module
from pmsgan.batch import writers as writers_module
from pmsgan.batch.files import local as local_module
from pmsgan.batch.files.local import LocalFolder
from pmsgan.batch.job import Job
from pmsgan.batch.pictures import load as load_module
from pmsgan.batch.pictures.kinds import NOT_A_PICTURE
from pmsgan.batch.pipeline import Outcome
from pmsgan.batch.plan import plan_folder
from pmsgan.batch.ring import Ring, RingStoppedError
from pmsgan.batch.settings import ConvertSettings, Parallelism
from pmsgan.errors import EngineError
from pmsgan.styles.registry import Style
from pmsgan.styles.scaling import Scaling

USUAL = ConvertSettings()
ROW: Any = None
"""The ring does not look at it."""


class Conversion:
    """A folder of small pictures, and its future result."""

    def __init__(self, folder: Path, style: Style, num_pictures: int, make_pictures: Any) -> None:
        self.in_dir, self.out_dir = folder / "in", folder / "out"
        make_pictures(self.in_dir, num_pictures)
        self.style = style
        self.scaling = style.scaling
        self.seen: list[Job] = []

    def run(
        self,
        engine: Any,
        readers: int = 3,
        writers: int = 3,
        on_done: Callable[[Job], None] | None = None,
        slots: int = 4,
    ) -> Outcome:
        self.seen = []
        outcome = self.run_pipeline(
            engine, Parallelism(readers=readers, writers=writers, slots=slots), on_done
        )
        assert outcome.timing.wall_s > 0
        assert pipeline_threads() == []
        assert not list(self.out_dir.rglob("partial/*"))
        return outcome

    def run_pipeline(
        self,
        engine: Any,
        parallelism: Parallelism,
        on_done: Callable[[Job], None] | None = None,
    ) -> Outcome:
        plan = plan_folder(LocalFolder(self.in_dir), LocalFolder(self.out_dir))
        with begun(self.out_dir, self.style) as out:
            return pipeline.run_jobs(
                engine,
                plan.jobs(),
                DISK,
                out,
                self.scaling,
                USUAL,
                parallelism,
                on_done=on_done or self.seen.append,
            )

    def results(self) -> list[Path]:
        return sorted(self.out_dir.glob("*.png"))

    def check_results(self) -> None:
        for path in self.results():
            expected = cv2.imread(str(self.in_dir / path.name))
            assert (cv2.imread(str(path)) == 255 - expected).all()

    @property
    def failures(self) -> dict[str, str]:
        return {job.name: job.failure for job in self.seen if job.failure}


@pytest.fixture
def conversion(tmp_path: Path, style: Style, make_pictures: Any) -> Callable[[int], Conversion]:
    return lambda count: Conversion(tmp_path, style, count, make_pictures)


def pipeline_threads() -> list[str]:
    names = (thread.name for thread in threading.enumerate())
    return [name for name in names if name.startswith(("reader", "writer"))]


@pytest.mark.parametrize("count", [1, 3, 4, 5, 50])
@pytest.mark.parametrize("threads", [1, 8])
@pytest.mark.parametrize("slots", [1, 4])
def test_every_picture_comes_out_as_itself(
    conversion: Any, make_engine: Any, count: int, threads: int, slots: int
) -> None:
    engine, folder = make_engine(), conversion(count)
    outcome = folder.run(engine, threads, threads, slots=slots)
    assert outcome.stopped is None
    assert sorted(job.name for job in folder.seen) == [f"{n:03d}.png" for n in range(count)]
    assert len(folder.results()) == count
    folder.check_results()
    assert sum(engine.counts) == count
    assert engine.num_slots == slots


def test_two_slots_are_in_flight_when_there_is_work(conversion: Any, make_engine: Any) -> None:
    engine = make_engine(max_batch=2)
    engine.before_wait = lambda: time.sleep(0.02)
    conversion(30).run(engine)
    assert engine.max_in_flight == 2
    assert engine.counts.count(2) > 10


def test_an_engine_without_work_does_not_wait_for_a_slow_picture(
    conversion: Any, make_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, folder = make_engine(max_batch=8), conversion(4)
    real, others_done = local_module.read_file, threading.Event()

    def load(path: str, *arguments: Any) -> Any:
        if path.endswith("000.png"):
            assert others_done.wait(30)
        return real(path, *arguments)

    def count(job: Job) -> None:
        folder.seen.append(job)
        if len(folder.seen) == 3:
            others_done.set()

    monkeypatch.setattr(local_module, "read_file", load)
    folder.run(engine, on_done=count)
    assert len(folder.results()) == 4


def test_a_bad_picture_is_named_and_the_rest_is_done(
    conversion: Any, make_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = conversion(10)
    (folder.in_dir / "003.png").write_text("no picture")
    real = local_module.read_file

    def vanish(path: str, *arguments: Any) -> Any:
        if path.endswith("007.png"):
            Path(path).unlink()
        return real(path, *arguments)

    monkeypatch.setattr(local_module, "read_file", vanish)
    assert folder.run(make_engine()).stopped is None
    assert folder.failures == {
        "003.png": NOT_A_PICTURE,
        "007.png": "cannot be read: No such file or directory",
    }
    assert len(folder.results()) == 8


def test_all_pictures_bad_is_no_hang(conversion: Any, make_engine: Any) -> None:
    folder, engine = conversion(5), make_engine()
    for path in folder.in_dir.iterdir():
        path.write_text("no picture")
    folder.run(engine)
    assert len(folder.failures) == 5
    assert engine.counts == []


def test_a_result_that_cannot_be_written_or_has_one_colour_is_named(
    conversion: Any, make_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = conversion(6)
    engine = make_engine()
    real = engine.wait

    def wait(slot: Any) -> None:
        real(slot)
        for row, picture in enumerate(slot.input):
            if picture[1, 1, 0] == 4:
                slot.output[row] = 0
        target = folder.out_dir / "002.png"
        target.mkdir(exist_ok=True)

    engine.wait = wait
    folder.run(engine)
    assert folder.failures["002.png"].startswith("its translation cannot be written")
    assert folder.failures["004.png"].startswith("its translation has only one colour")
    assert len(folder.failures) == 2


def test_a_second_run_keeps_what_is_done(conversion: Any, make_engine: Any) -> None:
    folder = conversion(10)
    (folder.in_dir / "003.png").write_text("no picture")
    folder.run(make_engine())
    before = {path: path.stat().st_mtime_ns for path in folder.results()}
    (folder.out_dir / "005.png").unlink()
    cv2.imwrite(str(folder.in_dir / "003.png"), np.eye(8, dtype=np.uint8) * 255)
    engine = make_engine()
    folder.run(engine)
    assert sum(engine.counts) == 2
    assert sum(job.was_done_before for job in folder.seen) == 8
    assert len(folder.seen) == 10
    folder.check_results()
    for path in before.keys() - {folder.out_dir / "005.png"}:
        assert path.stat().st_mtime_ns == before[path]


def test_a_lost_engine_ends_the_run_once_and_loses_nothing(
    conversion: Any, make_engine: Any
) -> None:
    folder = conversion(40)
    outcome = folder.run(make_engine(max_batch=2, fail_at=5))
    assert outcome.stopped == "the device is lost"
    assert not outcome.is_interrupted
    assert folder.failures == {}
    assert 2 <= len(folder.results()) < 40
    assert folder.run(make_engine()).stopped is None
    assert len(folder.results()) == 40
    folder.check_results()


@pytest.mark.parametrize("after", [0, 7])
def test_a_full_disk_ends_the_run_once_and_loses_nothing(
    conversion: Any, make_engine: Any, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    folder, real = conversion(40), os.open
    num_opened = 0

    def fill_up(path: Any, flags: int, *arguments: Any, **options: Any) -> int:
        nonlocal num_opened
        if flags & os.O_EXCL and options.get("dir_fd") is not None:
            num_opened += 1
            if num_opened > after:
                raise OSError(28, "No space left on device")
        return real(path, flags, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(directory.os, "open", fill_up)
        outcome = folder.run(make_engine())
    assert outcome.stopped == "OUT is full"
    assert folder.failures == {}
    assert len(folder.results()) == after
    folder.run(make_engine())
    assert len(folder.results()) == 40
    folder.check_results()


def test_out_removed_during_the_run_ends_it(conversion: Any, make_engine: Any) -> None:
    folder, engine = conversion(40), make_engine(max_batch=2)

    def remove() -> None:
        shutil.rmtree(folder.out_dir, ignore_errors=True)

    engine.before_wait = remove
    outcome = folder.run(engine)
    assert outcome.stopped is not None
    assert "was removed" in outcome.stopped
    assert folder.failures == {}


@pytest.mark.parametrize("count", [1, 4, 40])
@pytest.mark.parametrize(
    ("module", "name"), [(local_module, "read_file"), (writers_module, "encode")]
)
def test_a_bug_in_a_thread_ends_the_run_and_is_seen(
    conversion: Any,
    make_engine: Any,
    monkeypatch: pytest.MonkeyPatch,
    module: Any,
    name: str,
    count: int,
) -> None:
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(module, name, broken)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        conversion(count).run(make_engine())
    assert pipeline_threads() == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_finishes_what_is_in_work(
    conversion: Any, make_engine: Any, number: signal.Signals, caplog: pytest.LogCaptureFixture
) -> None:
    folder, engine = conversion(60), make_engine(max_batch=2)

    def interrupt() -> None:
        time.sleep(0.01)
        if len(engine.counts) == 4:
            os.kill(os.getpid(), number)

    engine.before_wait = interrupt
    outcome = folder.run(engine)
    assert (outcome.stopped, outcome.is_interrupted) == ("interrupted", True)
    assert "Ctrl-C again stops at once" in caplog.text
    assert 8 <= len(folder.results()) == sum(engine.counts) < 60
    assert len(folder.seen) == len(folder.results())
    folder.run(make_engine())
    assert len(folder.results()) == 60
    folder.check_results()


def test_a_second_ctrl_c_stops_at_once_and_leaves_whole_files(
    conversion: Any, make_engine: Any
) -> None:
    folder, engine = conversion(60), make_engine(max_batch=2)

    def interrupt() -> None:
        if len(engine.counts) == 4:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    engine.before_wait = interrupt
    outcome = folder.run(engine)
    assert (outcome.stopped, outcome.is_interrupted) == ("interrupted", True)
    assert len(folder.results()) < 20
    folder.check_results()


def test_a_decode_that_hangs_times_out_and_holds_up_nobody(
    conversion: Any, make_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, real, freed = conversion(30), local_module.read_file, threading.Event()

    def hang(path: str, *arguments: Any) -> Any:
        if path.endswith(("000.png", "011.png")):
            freed.wait(30)
        return real(path, *arguments)

    monkeypatch.setattr(local_module, "read_file", hang)
    monkeypatch.setattr(readers_module, "READ_TIMEOUT_S", 0.5)
    try:
        folder.run_pipeline(make_engine(), Parallelism(readers=2, writers=1, slots=4))
        assert folder.failures == {
            name: "took longer than 0 s to be read" for name in ("000.png", "011.png")
        }
        assert len(folder.results()) == 28
    finally:
        freed.set()
    deadline = time.monotonic() + 30
    while pipeline_threads() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert pipeline_threads() == []
    assert len(folder.seen) == 30
    folder.check_results()


def test_a_second_ctrl_c_does_not_wait_for_readers_that_hang(
    conversion: Any, make_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, freed = conversion(6), threading.Event()

    def hang(*arguments: Any) -> None:
        freed.wait(30)

    def interrupt() -> None:
        time.sleep(0.5)
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.2)

    monkeypatch.setattr(local_module, "read_file", hang)
    monkeypatch.setattr(pipeline, "_PATIENCE_AFTER_INTERRUPT_S", 0.1)
    presser = threading.Thread(target=interrupt)
    try:
        presser.start()
        engine = make_engine()
        outcome = folder.run_pipeline(engine, Parallelism(readers=3, writers=1, slots=4))
        assert outcome.is_interrupted
        assert len(pipeline_threads()) == 3
        with pytest.raises(EngineError, match="is closed"):  # its slots are left to the threads
            engine.slots(1)
    finally:
        freed.set()
        presser.join()


@contextmanager
def counted_wake_ups() -> Iterator[list[int]]:
    """Count how many threads each call would wake, of the conditions that are made inside."""
    calls: list[int] = []

    class CountingCondition(threading.Condition):
        def notify(self, n: int = 1) -> None:
            calls.append(n)
            super().notify(n)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ring_module.threading, "Condition", CountingCondition)
        yield calls


def test_a_free_slot_wakes_as_many_readers_as_it_has_rows(make_engine: Any) -> None:
    engine = make_engine(max_batch=2)
    with counted_wake_ups() as calls:
        ring = Ring(engine.slots(1))
    batches = [ring.claim_row(ROW)[0] for _ in range(2)]
    readers = [
        threading.Thread(target=ring.run_thread, args=(lambda: ring.claim_row(ROW),), daemon=True)
        for _ in range(4)
    ]
    for reader in readers:
        reader.start()
    while len(ring._freed._waiters) < len(readers):
        time.sleep(0.01)
    for batch in batches:
        ring.row_filled(batch)
    calls.clear()
    for batch in batches:
        ring.row_written(batch)
    woken = calls.copy()
    ring.stop()
    for reader in readers:
        reader.join()
    assert woken == [2]


def test_the_ring_wakes_threads_for_slots_and_not_for_rows(make_engine: Any) -> None:
    engine = make_engine()
    with counted_wake_ups() as calls:
        ring = Ring(engine.slots(2))
    num_rows = engine.info.max_batch
    batches = [ring.claim_row(ROW)[0] for _ in range(num_rows)]
    for batch in batches:
        ring.row_filled(batch)
    assert (ring.next_full(), len(calls)) == (batches[0], 1)
    for batch in batches:
        ring.row_written(batch)
    assert len(calls) == 2


def test_an_engine_without_work_is_woken_for_a_single_row(make_engine: Any) -> None:
    ring = Ring(make_engine().slots(1))
    reader = threading.Timer(0.1, lambda: ring.row_filled(ring.claim_row(ROW)[0]))
    reader.start()
    started = time.monotonic()
    batch = ring.next_filled(30.0)
    reader.join()
    assert batch is not None and len(batch.rows) == 1
    assert time.monotonic() - started < 20.0


def test_a_stopped_ring_gives_no_rows(make_engine: Any) -> None:
    ring = Ring(make_engine().slots(1))
    batch, _ = ring.claim_row(ROW)
    ring.row_filled(batch)
    ring.stop()
    with pytest.raises(RingStoppedError):
        ring.claim_row(ROW)


def test_a_picture_that_cannot_be_fitted_is_named(
    conversion: Any, make_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, real = conversion(6), load_module.fit_into_row

    def refuse(image: Any, *arguments: Any) -> None:
        if image[1, 1, 0] == 4:
            raise cv2.error("no")
        real(image, *arguments)

    monkeypatch.setattr(load_module, "fit_into_row", refuse)
    folder.run(make_engine())
    assert folder.failures == {"004.png": "has a size or a shape that cannot be converted: no"}
    assert len(folder.results()) == 5
    folder.check_results()


def waits(call: Callable[[], object]) -> bool:
    """Say whether a call still waits after a moment."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(0.2)
    return thread.is_alive()


def test_the_ring_bounds_what_is_in_memory(make_engine: Any) -> None:
    ring = Ring(make_engine(max_batch=2).slots(2))
    claimed = [ring.claim_row(ROW) for _ in range(4)]
    assert [row for _, row in claimed] == [0, 1, 0, 1]
    assert waits(lambda: ring.claim_row(ROW))


def test_a_stopped_ring_sends_everybody_home_with_the_cause(make_engine: Any) -> None:
    ring = Ring(make_engine(max_batch=1).slots(1))
    cause = ValueError("why")
    ring.stop(cause)
    ring.stop(ValueError("another"))
    with pytest.raises(RingStoppedError) as caught:
        ring.next_filled(1.0)
    assert caught.value.__cause__ is cause
    with pytest.raises(ValueError, match="why"):
        ring.raise_error()


def test_opencv_has_its_threads_back_afterwards(conversion: Any, make_engine: Any) -> None:
    cv2.setNumThreads(2)
    conversion(2).run(make_engine())
    assert cv2.getNumThreads() == 2


@pytest.fixture
def in_tiles(conversion: Callable[[int], Conversion]) -> Conversion:
    """Pictures of many sizes, for a style that works in tiles."""
    made = conversion(4)
    made.scaling = Scaling(mode="tiles")
    rng = np.random.default_rng(0)
    for number, size in enumerate([(8, 30), (31, 9), (40, 40), (5, 3), (25, 33)]):
        image = rng.integers(0, 256, (*size, 3), dtype=np.uint8)
        cv2.imwrite(str(made.in_dir / f"large_{number}.png"), image)
    return made


@pytest.mark.parametrize("max_batch", [1, 3])
@pytest.mark.parametrize(("readers", "writers", "slots"), [(1, 1, 1), (4, 1, 1), (3, 4, 3)])
def test_pictures_take_a_row_for_each_tile(
    in_tiles: Conversion, make_engine: Any, max_batch: int, readers: int, writers: int, slots: int
) -> None:
    engine = make_engine(max_batch)
    in_tiles.run(engine, readers, writers, slots=slots)
    assert in_tiles.failures == {}
    assert len(in_tiles.seen) == len(in_tiles.results()) == 9
    assert sum(engine.counts) == 4 + 1 * 5 + 5 * 2 + 7 * 7 + 1 + 4 * 6
    in_tiles.check_results()
    pixels = {job.name: job.num_pixels for job in in_tiles.seen}
    assert pixels["large_2.png"] == 1600


def test_a_bad_tile_fails_its_picture_once(
    in_tiles: Conversion, make_engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine()
    target = cv2.imread(str(in_tiles.in_dir / "large_2.png"))[-8:, -8:]
    invert = engine._wait

    def spoil(slot: Any) -> None:
        invert(slot)
        for row, result in zip(slot.input, slot.output, strict=True):
            if (row == target).all():
                result[:] = 0

    monkeypatch.setattr(engine, "_wait", spoil)
    in_tiles.run(engine)
    (name,) = in_tiles.failures
    assert name == "large_2.png"
    assert "a part of its translation has only one colour" in in_tiles.failures[name]
    assert len(in_tiles.seen) == 9
    assert len(in_tiles.results()) == 8
    in_tiles.check_results()


@pytest.mark.parametrize("num_presses", [1, 2])
def test_ctrl_c_amid_the_tiles_of_a_picture(
    in_tiles: Conversion, make_engine: Any, num_presses: int
) -> None:
    engine = make_engine(max_batch=2)

    def interrupt() -> None:
        if len(engine.counts) == 12:  # of the 49 tiles of large_2, after 19 of other pictures
            for _ in range(num_presses):
                os.kill(os.getpid(), signal.SIGINT)

    engine.before_wait = interrupt
    outcome = in_tiles.run(engine, 1, 1, slots=1)
    assert (outcome.stopped, outcome.is_interrupted) == ("interrupted", True)
    found = {path.name: path.read_bytes() for path in in_tiles.results()}
    assert {"large_0.png", "large_1.png"} <= found.keys()
    assert ("large_2.png" in found) == (num_presses == 1)
    assert len(found) < 9
    in_tiles.run(make_engine())
    assert len(in_tiles.results()) == 9
    in_tiles.check_results()
    assert found.items() <= {it.name: it.read_bytes() for it in in_tiles.results()}.items()


def test_a_picture_whose_tiles_were_lost_is_done_again(
    in_tiles: Conversion, make_engine: Any
) -> None:
    outcome = in_tiles.run(make_engine(fail_at=8))
    assert outcome.stopped == "the device is lost"
    assert len(in_tiles.results()) < 9
    in_tiles.run(make_engine())
    assert len(in_tiles.results()) == 9
    in_tiles.check_results()
