"""An engine that inverts bytes, so that every mix-up shows, and two object stores."""

import importlib.util
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from s3 import S3

from pmsgan.engine.interface import Engine, EngineInfo, Slot
from pmsgan.errors import EngineError

SIDE = 8


class Inverter(Engine):
    """Its results appear at `wait` alone, and it checks who calls it."""

    def __init__(self, max_batch: int = 4, fail_at: int | None = None) -> None:
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
        self.before_wait: Callable[[], None] = lambda: None

    def _new_slots(self, count: int) -> list[Slot]:
        self.num_slots += count
        shape = (self.info.max_batch, SIDE, SIDE, 3)
        return [Slot(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)) for _ in range(count)]

    def _submit(self, slot: Slot, count: int) -> None:
        assert threading.get_ident() == self.owner
        assert slot not in self.submitted
        assert 0 < count <= self.info.max_batch
        self.submitted[slot] = count
        self.counts.append(count)
        self.max_in_flight = max(self.max_in_flight, len(self.submitted))
        if len(self.counts) == self.fail_at:
            raise EngineError("the device is lost")

    def _wait(self, slot: Slot) -> None:
        assert threading.get_ident() == self.owner
        self.before_wait()
        count = self.submitted.pop(slot)
        slot.output[:count] = 255 - slot.input[:count]

    def _close(self) -> None:
        pass


@pytest.fixture
def make_engine() -> Callable[..., Inverter]:
    return Inverter


def write_pictures(folder: Path, count: int) -> None:
    folder.mkdir()
    for index in range(count):
        image = np.full((SIDE, SIDE, 3), index, np.uint8)
        image[0, 0] = 255  # a picture of one colour would come out as one, which is suspicious
        cv2.imwrite(str(folder / f"{index:03d}.png"), image)


@pytest.fixture
def make_pictures() -> Callable[[Path, int], None]:
    return write_pictures


@pytest.fixture
def store() -> Any:
    """The store behind memory://, empty."""
    found = pytest.importorskip("fsspec").filesystem("memory")
    found.store.clear()
    found.pseudo_dirs[:] = [""]
    return found


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """Serve s3:// URLs."""
    for module in ("moto", "s3fs", "flask"):
        if importlib.util.find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    started = S3(tmp_path_factory.mktemp("s3") / "moto.log")
    try:
        yield started
    finally:
        started.process.kill()
        started.process.wait()
