"""Work on pictures, one by one or in several processes."""

import functools
import multiprocessing
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2

from pmsgan.errors import DataError
from pmsgan.safe_path import outside_of_current_folder, safe_path_for_children


@dataclass(frozen=True, slots=True)
class Prepared:
    """Result of one picture."""

    name: str
    failure: str | None
    """Reason why it failed, which names the file; None if it did not."""


class Preparation:
    """Work that is done picture by picture during iteration."""

    def __init__(
        self, names: Iterable[str], work: Callable[[str], None], num_processes: int = 1
    ) -> None:
        """Take the names, and the work to do for each.

        Args:
            names: of the pictures.
            work: raises DataError where it fails. Several processes need to pickle it.
            num_processes: processes that work at once; with 1 it is this one.
        """
        self._names = sorted(names)
        self._work = work
        self._num_processes = min(num_processes, len(self._names))

    def __len__(self) -> int:
        return len(self._names)

    def __iter__(self) -> Iterator[Prepared]:
        """Do the work, and yield the results in the order of names.

        Raises:
            DataError: one of several processes died.
        """
        attempt = functools.partial(_attempt, self._work)
        if self._num_processes <= 1:
            yield from map(attempt, self._names)
            return
        folder = Path.cwd()
        with _safe_starts():
            pool = ProcessPoolExecutor(
                self._num_processes,
                multiprocessing.get_context("spawn"),  # a forked OpenCV may hang
                initializer=_begin,
                initargs=(folder,),
            )
        try:
            with _safe_starts():  # tasks start the processes
                results = pool.map(attempt, self._names, chunksize=4)
            yield from results
        except BrokenProcessPool as error:
            raise DataError(
                "a process that prepares pictures died, perhaps for lack of memory: lower "
                "--processes"
            ) from error
        finally:
            pool.shutdown(cancel_futures=True)


@contextmanager
def _safe_starts() -> Iterator[None]:
    """Let processes that are started import nothing from the current folder."""
    # Python 3.10 knows no safe path, and looks into the folder that it is started in.
    with safe_path_for_children(), outside_of_current_folder():
        yield


def _begin(folder: Path) -> None:
    """Set up a process that was started elsewhere."""
    os.chdir(folder)
    cv2.setNumThreads(1)


def _attempt(work: Callable[[str], None], name: str) -> Prepared:
    try:
        work(name)
    except DataError as error:
        return Prepared(name, str(error))
    return Prepared(name, None)
