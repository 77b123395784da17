"""Ctrl-C and SIGTERM between two steps of long work, never inside one."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def interruptible(*, second_raises: bool = True) -> Iterator[Callable[[], bool]]:
    """Note Ctrl-C and SIGTERM instead of ending; give a function that says whether one came.

    Args:
        second_raises: a second one raises KeyboardInterrupt; it must not if the step is native code
            that calls back, since the exception would pass through it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False  # only the main thread may change how signals are taken
        return
    pressed = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        if pressed and second_raises:
            raise KeyboardInterrupt
        pressed = True

    taken = (signal.SIGINT, signal.SIGTERM)
    previous = [signal.signal(number, note) for number in taken]
    try:
        yield lambda: pressed
    finally:
        for number, handler in zip(taken, previous, strict=True):
            signal.signal(number, handler)
