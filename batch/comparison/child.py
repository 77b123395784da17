"""Run the engine to compare with in a child process.

torch and pycuda in one process destroy each other's contexts.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pmsgan.batch.comparison.deadline import Deadline
from pmsgan.batch.comparison.workload import Workload
from pmsgan.child import TIMEOUT_S, ChildProcess
from pmsgan.engine.accuracy import Pictures
from pmsgan.engine.choices import Backend, Precision
from pmsgan.engine.interface import Engine, EngineCosts, EngineInfo
from pmsgan.engine.open import missing_requirement, open_engine
from pmsgan.errors import ChildError, EngineError
from pmsgan.styles.registry import Style

if TYPE_CHECKING:
    from pmsgan.engine.eager import EagerEngine


def open_backend(
    contender: "Contender", style: Style, max_batch: int, num_threads: int | None
) -> Engine:
    """Open a style on the contender's backend."""
    engine = open_engine(
        style,
        backend=contender.backend,
        precision=contender.precision,
        max_batch=max_batch,
        num_threads=num_threads,
    )
    if contender.is_compiled:
        cast("EagerEngine", engine).compile()
    return engine


@dataclass(frozen=True, kw_only=True, slots=True)
class Contender:
    """An engine to compare with."""

    backend: Backend
    precision: Precision
    is_compiled: bool = False
    """Whether torch.compile optimises the network first."""
    network: str = ""
    """Name of a network other than the style's."""
    open: Callable[["Contender", Style, int, int | None], Engine] = open_backend
    """Opens the engine in the child process; an importable function."""

    @property
    def title(self) -> str:
        """Name in tables."""
        kind = f"{self.backend}, compiled" if self.is_compiled else self.backend
        prefix = f"{self.network}, " if self.network else ""
        return f"{prefix}{kind}, {self.precision}"


class MeasuredEngine:
    """An open engine and its workload; the child process answers calls to it."""

    def __init__(self, engine: Engine, workload: Workload) -> None:
        """Make all slots at once, since memory may suffice only for smaller ones."""
        engine.cached_slots(workload.parallelism.slots)
        self._engine, self._workload = engine, workload
        self._results: Pictures | None = None

    def info(self) -> EngineInfo:
        """Return a description of the engine."""
        return self._engine.info

    def translate(self, count: int) -> float:
        """Translate the first `count` pictures in memory; return the seconds."""
        seconds, self._results = self._workload.translate(self._engine, count)
        return seconds

    def translate_singly(self, duration_s: float) -> tuple[float, ...]:
        """Translate pictures one by one, see `Workload.translate_singly`."""
        return self._workload.translate_singly(self._engine, duration_s)

    def costs(self) -> EngineCosts | None:
        """Return the cost of building and holding the engine."""
        return self._engine.costs()

    def convert(self, count: int, scratch: str | None = None) -> float:
        """Convert the files of the first `count` pictures, see `Workload.convert`."""
        return self._workload.convert(self._engine, count, scratch)

    def results(self) -> Pictures | None:
        """Return the results of the last `translate`."""
        return self._results


@contextmanager
def open_contender(
    contender: Contender, workload: Workload, max_batch: int, num_threads: int | None
) -> Iterator[MeasuredEngine]:
    """Open a contender's engine, in the child process."""
    with contender.open(contender, workload.style, max_batch, num_threads) as engine:
        yield MeasuredEngine(engine, workload)


class ComparisonProcess:
    """A child process that runs a contender; it is killed when the block is left."""

    def __init__(
        self,
        contender: Contender,
        workload: Workload,
        max_batch: int,
        num_threads: int | None = None,
        deadline: Deadline | None = None,
    ) -> None:
        """Describe the process; entering the block starts it.

        Args:
            contender: the engine to run.
            workload: the pictures to measure it on.
            max_batch: pictures in a slot.
            num_threads: threads that a CPU computes with; by default one for each core.
            deadline: when to give up; by default an answer may take ten minutes.
        """
        self._contender = contender
        self._deadline = deadline or Deadline()
        self._child = ChildProcess(open_contender, contender, workload, max_batch, num_threads)

    def __enter__(self) -> "ComparisonProcess":
        """Start the child and let it open its engine.

        Raises:
            EngineError: the contender cannot run here, or the child failed.
        """
        if (missing := missing_requirement(self._contender.backend)) is not None:
            raise EngineError(missing)
        with self._named_failures(), self._deadline.paused():  # importing torch takes seconds
            self._child.__enter__()
        # It is removed here, since the child may be killed.
        self._scratch = tempfile.TemporaryDirectory(prefix="pmsgan-")
        return self

    def __exit__(self, *error: object) -> None:
        """Kill the child, and remove its files."""
        self._child.__exit__(*error)
        self._scratch.cleanup()

    def info(self) -> EngineInfo:
        """Return a description of the engine in the child."""
        info: EngineInfo = self._call("info")
        return info

    def translate(self, count: int) -> float:
        """Let it translate the first `count` pictures in memory; return the seconds."""
        seconds: float = self._call("translate", count)
        return seconds

    def translate_singly(self, duration_s: float) -> tuple[float, ...]:
        """Let it translate pictures one by one, see `Workload.translate_singly`."""
        seconds: tuple[float, ...] = self._call("translate_singly", duration_s)
        return seconds

    def costs(self) -> EngineCosts | None:
        """Return the cost of building and holding its engine; None if it is not known."""
        costs: EngineCosts | None = self._call("costs")
        return costs

    def convert(self, count: int) -> float:
        """Let it convert their files to a scratch folder; return the seconds."""
        seconds: float = self._call("convert", count, self._scratch.name)
        return seconds

    def results(self) -> Pictures:
        """Return the results of its last `translate`."""
        results: Pictures = self._call("results")
        return results

    def _call(self, method: str, *args: object) -> Any:
        with self._named_failures():
            self._child.timeout_s = min(TIMEOUT_S, self._deadline.left_s)
            return self._child.call(method, *args)

    @contextmanager
    def _named_failures(self) -> Iterator[None]:
        try:
            yield
        except ChildError as error:
            if not self._deadline.left_s:
                raise EngineError(
                    f"{self._contender.title} takes too long to time after this run; "
                    "use pmsgan bench"
                ) from error
            raise EngineError(f"{self._contender.title} failed: {error}") from error
