"""Share one engine among many threads; one dedicated thread makes all calls to it."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pmsgan.engine.interface import MAX_IN_FLIGHT, Engine, EngineInfo, Slot
from pmsgan.errors import EngineError

_CLOSED = "the engine is closed: open the style again"
_PATIENCE_S = 10.0
"""How long the process waits at its end for a batch that is in the engine [seconds]."""

Picture = NDArray[np.uint8]
"""uint8 [H, W, 3] BGR of the engine's size."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Request:
    """A picture to translate, and the future of its translation."""

    picture: Picture
    translated: "Future[Picture]" = field(default_factory=Future)


_Submitted = deque[tuple[Slot, list[_Request]]]


class SharedEngine:
    """An engine that any thread may use.

    Pictures that wait at the same time are translated as one batch. Nobody waits for a batch to
    fill up: an idle engine takes the pictures that wait.
    """

    info: EngineInfo

    def __init__(self, open_engine: Callable[[], Engine]) -> None:
        """Start the thread, and open the engine in it.

        Args:
            open_engine: opens the engine; its errors are raised here.
        """
        self._changed = threading.Condition()
        self._waiting: deque[_Request] = deque()
        self._num_users = 0
        self._is_closing = False
        self._failure: str | None = None
        """Why the engine is lost."""
        opened: Future[EngineInfo] = Future()
        self._thread = threading.Thread(
            target=self._run, args=(open_engine, opened), daemon=True, name="engine"
        )
        self._thread.start()
        try:
            self.info = opened.result()
        except BaseException:
            self._end("the engine was not opened")  # an interrupt leaves it half open
            raise

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Keep the engine open during a call.

        Raises:
            EngineError: it is closed, or lost.
        """
        with self._changed:
            if self._is_closing:
                raise EngineError(self._failure or _CLOSED)
            self._num_users += 1
        try:
            yield
        finally:
            with self._changed:
                self._num_users -= 1
                self._changed.notify_all()

    def submit(self, picture: Picture) -> "Future[Picture]":
        """Queue a picture and return the future of its translation; call it within `in_use`.

        Args:
            picture: uint8 [H, W, 3] BGR of the engine's size, which stays as it is until then.

        Raises:
            EngineError: the engine is lost; so does the future if that happens later.
        """
        request = _Request(picture)
        with self._changed:
            if self._is_ended():
                raise EngineError(self._failure or _CLOSED)
            self._waiting.append(request)
            self._changed.notify_all()
        return request.translated

    def close(self) -> None:
        """Wait for current calls, then close the engine; a second call does nothing."""
        with self._changed:
            self._is_closing = True
            self._changed.notify_all()
        self._thread.join()

    def abandon(self) -> None:
        """Close the engine after its current batches; threads that wait get EngineError."""
        self._end(
            "the engine is closed: the program is ending, or nothing uses the engine any more"
        )
        if threading.current_thread() is not self._thread:
            self._thread.join(_PATIENCE_S)

    def _end(self, failure: str, cause: BaseException | None = None) -> None:
        """Refuse new pictures and those that wait."""
        with self._changed:
            self._is_closing = True
            self._failure = self._failure or failure
            failed = [*self._waiting]
            self._waiting.clear()
            self._changed.notify_all()
        _fail(failed, failure, cause)

    def _run(self, open_engine: Callable[[], Engine], opened: "Future[EngineInfo]") -> None:
        try:
            with open_engine() as engine:
                slots = engine.cached_slots(MAX_IN_FLIGHT)  # may halve the batch
                opened.set_result(engine.info)
                self._serve(engine, deque(slots))
        except BaseException as error:
            if opened.done():
                _log.warning("the engine cannot be closed: %s", error)
            else:
                opened.set_exception(error)

    def _serve(self, engine: Engine, free: deque[Slot]) -> None:
        """Translate until the engine is closed or lost."""
        in_flight: _Submitted = deque()
        try:
            while True:
                requests = self._next_batch(free, wait=not in_flight)
                if requests:
                    slot = free.popleft()
                    in_flight.append((slot, requests))
                    for row, request in zip(slot.input, requests, strict=False):
                        row[:] = request.picture
                    engine.submit(slot, len(requests))
                elif in_flight:
                    slot, requests = in_flight[0]
                    engine.wait(slot)
                    in_flight.popleft()
                    for row, request in zip(slot.output, requests, strict=False):
                        request.translated.set_result(row.copy())
                    free.append(slot)
                else:
                    return
        except BaseException as error:
            is_known = isinstance(error, EngineError)
            failure = str(error) if is_known else f"the engine failed: {error!r}"
            self._end(failure, error)
            for _, requests in in_flight:
                _fail(requests, failure, error)

    def _next_batch(self, free: deque[Slot], *, wait: bool) -> list[_Request]:
        """Take the waiting pictures; none if there is no free slot, or none will come."""
        if not free:
            return []
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: bool(self._waiting) or self._is_ended())
            count = min(len(free[0].input), len(self._waiting))
            return [self._waiting.popleft() for _ in range(count)]

    def _is_ended(self) -> bool:
        return self._failure is not None or (self._is_closing and self._num_users == 0)


def _fail(requests: list[_Request], failure: str, cause: BaseException | None) -> None:
    for request in requests:
        if not request.translated.done():
            error = EngineError(failure)  # one for each thread, which adds its own traceback
            error.__cause__ = cause
            request.translated.set_exception(error)
