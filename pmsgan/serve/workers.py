"""Threads that translate pictures, behind a bounded queue."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http import HTTPStatus
from typing import TypeVar

from starlette.requests import ClientDisconnect

from pmsgan.serve.problems import RefusedError

T = TypeVar("T")


class Workers:
    """Threads, and the requests that wait for one; it belongs to the loop's thread."""

    def __init__(self, num_threads: int, max_waiting: int, name: str) -> None:
        """Make the threads.

        Args:
            num_threads: requests that are worked on at a time.
            max_waiting: most requests that may wait.
            name: of the threads.
        """
        self.num_requests = 0
        self._most = num_threads + max_waiting
        self._turn = asyncio.Semaphore(num_threads)
        self._threads = ThreadPoolExecutor(num_threads, thread_name_prefix=name)

    async def run(self, work: Callable[[], T], is_disconnected: Callable[[], Awaitable[bool]]) -> T:
        """Run some work in a thread, when its turn comes.

        Args:
            work: what to do.
            is_disconnected: returns whether the client has hung up.

        Raises:
            RefusedError: too many requests wait.
            ClientDisconnect: nobody waits for it any more.
        """
        if self.num_requests >= self._most:
            raise RefusedError(
                HTTPStatus.SERVICE_UNAVAILABLE,
                f"{self.num_requests} pictures are waiting already: try again later",
            )
        self.num_requests += 1
        try:
            async with self._turn:
                if await is_disconnected():
                    raise ClientDisconnect
                return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self.num_requests -= 1

    def close(self) -> None:
        """Wait for work that has begun, then end the threads."""
        self._threads.shutdown()


class PixelBudget:
    """Bounds the memory of pictures that are processed at a time; any thread may use it."""

    def __init__(self, max_pixels: int) -> None:
        """Bound all pictures together; one alone may be larger."""
        self._max_pixels = max_pixels
        self._num_pixels = 0
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, num_pixels: int) -> Iterator[None]:
        """Wait until there is room for a picture, and keep it until the block ends."""
        with self._changed:
            self._changed.wait_for(
                lambda: not self._num_pixels or self._num_pixels + num_pixels <= self._max_pixels
            )
            self._num_pixels += num_pixels
        try:
            yield
        finally:
            with self._changed:
                self._num_pixels -= num_pixels
                self._changed.notify_all()
