"""Call functions in a Python process of their own, such as torch beside pycuda.

    with ChildProcess(opener, style) as child:      # opener(style) returns a context manager
        seconds = child.call("translate", 8)        # calls the method of the object that it opens

Both sides send pickles over pipes, each after its length. The child trusts only its parent.
"""

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import IO, Any, TypeVar

from pmsgan.errors import ChildError, PmsganError
from pmsgan.safe_path import SAFE_PATH

TIMEOUT_S = 600.0
"""Time for one answer; torch.compile takes minutes."""

_HEADER_BYTES = 8

# The empty entry is the current folder, which Python 3.10 looks into in any case.
_START = "import sys; sys.path[:] = filter(None, sys.path); from pmsgan.child import serve; serve()"

T = TypeVar("T")


class ChildProcess:
    """A process that opens an object and answers calls to it, one at a time.

    It is killed at the end of the block, and ends when this process ends.
    """

    def __init__(
        self,
        opener: Callable[..., AbstractContextManager[Any]],
        *args: object,
        timeout_s: float | None = TIMEOUT_S,
        inherit_stderr: bool = False,
    ) -> None:
        """Describe the process; entering the block starts it.

        Args:
            opener: an importable function that returns a context manager.
            args: the opener's arguments, which must be picklable.
            timeout_s: the longest time for one answer; None sets no limit.
            inherit_stderr: show what the child prints on this process's stderr, instead of
                keeping it for the error of a child that dies.
        """
        self._opening = opener, args
        self.timeout_s = threading.TIMEOUT_MAX if timeout_s is None else timeout_s
        self._timed_out = False
        self._inherit_stderr = inherit_stderr

    def __enter__(self) -> "ChildProcess":
        """Start the process, and wait until it has opened the object.

        Raises:
            ChildError: the opener failed, or the process died or took too long.
        """
        self._stderr = None if self._inherit_stderr else tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _START],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            env=os.environ | SAFE_PATH,
        )
        try:
            self._ask(*self._opening)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        """Kill the process."""
        self._process.kill()
        self._process.wait()
        for file in (self._process.stdin, self._process.stdout, self._stderr):
            if file is not None:
                with contextlib.suppress(OSError):  # closing stdin flushes it
                    file.close()

    def call(self, method: str, *args: object) -> Any:
        """Call a method of the opened object with picklable arguments; return its result.

        Raises:
            ChildError: the method failed, or the process died or took too long.
        """
        return self._ask(method, args)

    def _ask(self, function: object, args: tuple[object, ...]) -> Any:
        questions, answers = self._process.stdin, self._process.stdout
        assert questions is not None
        assert answers is not None
        frame = pickle.dumps((sys.path, pickle.dumps((function, args))))
        timer = threading.Timer(self.timeout_s, self._give_up)
        timer.daemon = True
        timer.start()
        try:
            with contextlib.suppress(OSError):  # a dead child does not answer either
                _send(questions, frame)
            answer = _receive(answers)
        finally:
            timer.cancel()
        if answer is None:
            raise ChildError(self._reason_of_death())
        value, failure = pickle.loads(answer)
        if failure is not None:
            raise ChildError(failure)
        return value

    def _give_up(self) -> None:
        self._timed_out = True
        self._process.kill()

    def _reason_of_death(self) -> str:
        self._process.kill()  # in case it only closed its pipe
        exit_code = self._process.wait()
        if self._timed_out:
            return f"no answer within {self.timeout_s:.0f} s"
        if self._stderr is not None:
            self._stderr.seek(0)
            words = self._stderr.read().decode(errors="replace").strip()
            if words:
                return words.splitlines()[-1]
        if exit_code == -getattr(signal, "SIGXCPU", 0):
            return "it takes too much CPU time"
        return f"the process ended with exit code {exit_code}"


def call_in_child(
    function: Callable[..., T],
    *args: object,
    timeout_s: float | None = TIMEOUT_S,
    inherit_stderr: bool = False,
) -> T:
    """Call an importable function in a process of its own, and return its result.

    Args:
        function: the function; functools.partial adds keyword arguments.
        args: its arguments, which must be picklable.
        timeout_s: the longest time that the call may take; None sets no limit.
        inherit_stderr: show what the child prints on this process's stderr.

    Raises:
        ChildError: the function failed, or the process died or took too long.
    """
    with ChildProcess(
        contextlib.nullcontext, function, timeout_s=timeout_s, inherit_stderr=inherit_stderr
    ) as child:
        result: T = child.call("__call__", *args)
    return result


def serve() -> None:
    """Open the requested object, then answer calls until the parent kills this process."""
    signal.signal(signal.SIGINT, lambda *_: None)  # Ctrl-C reaches the parent too, which decides
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)  # a library that prints must not print into an answer
    frames: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive_all, args=(questions, frames), daemon=True).start()
    manager = opened = None
    while True:
        try:
            sys.path[:], question = pickle.loads(frames.get())
            function, args = pickle.loads(question)  # imports from there
            if manager is None:
                manager = function(*args)
                opened, value = manager.__enter__(), None
            else:
                value = getattr(opened, function)(*args)
            answer = pickle.dumps((value, None))
        except BaseException as error:
            answer = pickle.dumps((None, _describe(error)))
        _send(answers, answer)


def _receive_all(questions: IO[bytes], frames: "queue.SimpleQueue[bytes]") -> None:
    """Receive questions, and end this process with its parent, even in the middle of a call."""
    try:
        while (frame := _receive(questions)) is not None:
            frames.put(frame)
    finally:
        os._exit(1)


def _describe(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "it takes too much memory"
    text = str(error).strip().split("\n")[0]
    name = "" if isinstance(error, PmsganError) else type(error).__name__
    return ": ".join(part for part in (name, text) if part)


def _send(file: IO[bytes], frame: bytes) -> None:
    file.write(len(frame).to_bytes(_HEADER_BYTES, "big"))
    file.write(frame)
    file.flush()


def _receive(file: IO[bytes]) -> bytes | None:
    """Return the next frame, or None where the other side has ended."""
    header = file.read(_HEADER_BYTES)
    size = int.from_bytes(header, "big")
    frame = file.read(size)
    return frame if header and len(frame) == size else None
