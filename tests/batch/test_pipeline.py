"""The pipeline around an engine that inverts bytes, so that every mix-up shows."""

import threading
import time
from collections.abc import Callable
from pathlib import Path, PurePath

import cv2
import numpy as np
import pytest

from pmsgan.batch import pipeline
from pmsgan.batch.plan import Job, plan_jobs
from pmsgan.batch.ring import Ring, RingStoppedError
from pmsgan.engine.interface import EngineInfo, Slot
from pmsgan.errors import EngineError

SIDE = 8


class Inverter:
    """An engine whose results appear at `wait` alone, and that checks who calls it."""

    def __init__(self, max_batch: int, fail_at: int | None = None) -> None:
        self.info = EngineInfo(
            backend="test",
            device="none",
            precision="none",
            height=SIDE,
            width=SIDE,
            max_batch=max_batch,
            runtime="none",
        )
        self.submitted: dict[Slot, int] = {}
        self.counts: list[int] = []
        self.num_slots = 0
        self.max_in_flight = 0
        self.fail_at = fail_at
        self.owner = threading.get_ident()

    def slots(self, count: int) -> list[Slot]:
        self.num_slots += count
        shape = (self.info.max_batch, SIDE, SIDE, 3)
        return [Slot(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)) for _ in range(count)]

    def submit(self, slot: Slot, count: int) -> None:
        assert threading.get_ident() == self.owner
        assert slot not in self.submitted
        self.submitted[slot] = count
        self.counts.append(count)
        self.max_in_flight = max(self.max_in_flight, len(self.submitted))
        if len(self.counts) == self.fail_at:
            raise EngineError("the device is lost")

    def wait(self, slot: Slot) -> float | None:
        assert threading.get_ident() == self.owner
        count = self.submitted.pop(slot)
        slot.output[:count] = 255 - slot.input[:count]
        return None

    def __enter__(self) -> "Inverter":
        return self

    def __exit__(self, *error: object) -> None:
        pass


def pipeline_threads() -> list[str]:
    names = (thread.name for thread in threading.enumerate())
    return [name for name in names if name.startswith(("reader", "writer"))]


def make_jobs(folder: Path, count: int) -> list[Job]:
    (folder / "in").mkdir()
    for index in range(count):
        image = np.full((SIDE, SIDE, 3), index, np.uint8)
        cv2.imwrite(str(folder / "in" / f"{index:03d}.png"), image)
    return plan_jobs(folder / "in", folder / "out", "png")


def run(engine: Inverter, jobs: list[Job], readers: int = 3, writers: int = 3) -> list[Job]:
    done: list[Job] = []
    timing = pipeline.run_jobs(
        engine, jobs, num_readers=readers, num_writers=writers, on_done=done.append
    )
    assert timing.wall_s > 0
    return done


@pytest.mark.parametrize("count", [1, 3, 4, 5, 50])
@pytest.mark.parametrize("threads", [1, 4])
def test_every_picture_comes_out_as_itself(tmp_path: Path, count: int, threads: int) -> None:
    engine = Inverter(max_batch=4)
    jobs = make_jobs(tmp_path, count)
    done = run(engine, jobs, threads, threads)
    assert sorted(job.name for job in done) == [job.name for job in jobs]
    for index, job in enumerate(jobs):
        assert job.failure is None
        assert (cv2.imread(str(job.target)) == 255 - index).all()
    assert sum(engine.counts) == count
    assert all(number == 4 for number in engine.counts[:-1])
    assert engine.num_slots == pipeline.NUM_SLOTS
    assert not list(tmp_path.rglob("*.part"))


def test_two_slots_are_in_flight_when_there_is_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Inverter(max_batch=2)
    real_wait = Inverter.wait

    def slow_wait(self: Inverter, slot: Slot) -> float | None:
        time.sleep(0.02)
        return real_wait(self, slot)

    monkeypatch.setattr(Inverter, "wait", slow_wait)
    run(engine, make_jobs(tmp_path, 30))
    assert engine.max_in_flight == 2


def test_a_bad_picture_is_named_and_the_rest_is_done(tmp_path: Path) -> None:
    jobs = make_jobs(tmp_path, 10)
    (tmp_path / "in" / "003.png").write_text("no picture")
    (tmp_path / "in" / "007.png").unlink()
    run(Inverter(max_batch=4), jobs)
    failures = {job.name.as_posix(): job.failure for job in jobs if job.failure}
    assert failures == {
        "003.png": "is not a picture, or is damaged",
        "007.png": "cannot be read: No such file or directory",
    }
    assert len(list((tmp_path / "out").iterdir())) == 8


def test_all_pictures_bad_is_no_hang(tmp_path: Path) -> None:
    jobs = make_jobs(tmp_path, 5)
    for job in jobs:
        job.source.write_text("no picture")
    engine = Inverter(max_batch=4)
    run(engine, jobs)
    assert all(job.failure for job in jobs)
    assert engine.counts == []


def test_a_result_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    jobs = make_jobs(tmp_path, 6)
    jobs[2].target.mkdir(parents=True)
    run(Inverter(max_batch=4), jobs)
    assert [job.name.as_posix() for job in jobs if job.failure] == ["002.png"]


def test_a_lost_engine_ends_the_run_once(tmp_path: Path) -> None:
    jobs = make_jobs(tmp_path, 40)
    with pytest.raises(EngineError, match="the device is lost"):
        run(Inverter(max_batch=2, fail_at=2), jobs)
    assert not list(tmp_path.rglob("*.part"))
    assert pipeline_threads() == []


@pytest.mark.parametrize("count", [1, 4, 40])
@pytest.mark.parametrize("stage", ["resize_into", "write_image"])
def test_a_bug_in_a_thread_ends_the_run_and_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stage: str, count: int
) -> None:
    def broken(*arguments: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(pipeline, stage, broken)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        run(Inverter(max_batch=4), make_jobs(tmp_path, count))
    assert pipeline_threads() == []


def test_ctrl_c_ends_the_run_and_leaves_whole_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_wait = Inverter.wait

    def wait(self: Inverter, slot: Slot) -> float | None:
        if len(self.counts) == 4:
            raise KeyboardInterrupt
        return real_wait(self, slot)

    monkeypatch.setattr(Inverter, "wait", wait)
    with pytest.raises(KeyboardInterrupt):
        run(Inverter(max_batch=2), make_jobs(tmp_path, 40))
    written = list((tmp_path / "out").iterdir())
    assert len(written) <= 6
    assert all(cv2.imread(str(path)) is not None for path in written)
    assert pipeline_threads() == []


def waits(call: Callable[[], object]) -> bool:
    """Say whether a call still waits after a moment."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(0.2)
    return thread.is_alive()


def test_the_ring_bounds_what_is_in_memory() -> None:
    engine = Inverter(max_batch=2)
    ring = Ring(engine.slots(2))
    jobs = [Job(Path(str(n)), Path(str(n)), PurePath(str(n))) for n in range(5)]
    claimed = [ring.claim_row(job) for job in jobs[:4]]
    assert [row for _, row in claimed] == [0, 1, 0, 1]
    assert waits(lambda: ring.claim_row(jobs[4]))


def test_a_stopped_ring_sends_everybody_home_with_the_cause() -> None:
    ring = Ring(Inverter(max_batch=1).slots(1))
    cause = ValueError("why")
    ring.stop(cause)
    ring.stop(ValueError("another"))
    with pytest.raises(RingStoppedError) as caught:
        ring.next_ready(wait=True)
    assert caught.value.__cause__ is cause
