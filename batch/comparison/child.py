"""What an engine is measured against: another one, in a child process.

torch and pycuda in one process would destroy each other's contexts. The child is `python -m MODULE
SPECIFICATION.json`. It answers each line on its stdin with one on stdout, so that both sides can be
measured in turn:

    translate 8    seconds for the first 8 pictures, in memory
    convert 8      seconds for their files, as a folder run
    save           nothing; what `translate` gave last is in the file of results
"""

import json
import logging
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from pmsgan.batch.comparison.workload import Sample
from pmsgan.engine.accuracy import Pictures
from pmsgan.engine.choices import Backend, Precision
from pmsgan.engine.interface import Engine, EngineInfo
from pmsgan.engine.open import open_engine, what_is_missing
from pmsgan.errors import EngineError, PmsganError
from pmsgan.styles.registry import find_style

if TYPE_CHECKING:
    from pmsgan.engine.eager import EagerEngine

_log = logging.getLogger(__name__)

TIMEOUT_S = 600.0
"""A child that does not answer for so long is ended; torch.compile takes minutes."""
_FAILED = "error: "
"""Begins an answer that is a reason."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Contender:
    """What to run in the child."""

    backend: Backend
    precision: Precision
    is_compiled: bool = False
    """torch.compile has a go at it first."""
    network: str = "PMSGAN"
    module: str = "pmsgan.batch.comparison.child"
    """Serves it."""

    @property
    def title(self) -> str:
        """What tables call it."""
        kind = f"{self.backend}, compiled" if self.is_compiled else self.backend
        prefix = "" if self.network == "PMSGAN" else f"{self.network}, "
        return f"{prefix}{kind}, {self.precision}"


class Rival:
    """A child process that runs a contender; it is ended when the block is left."""

    def __init__(
        self,
        contender: Contender,
        sample: Sample,
        max_batch: int,
        num_threads: int | None = None,
    ) -> None:
        """Start the child and let it open its engine.

        Args:
            contender: what it runs.
            sample: what it is going to be measured on.
            max_batch: pictures in a slot.
            num_threads: that a CPU computes with; by default all of it.

        Raises:
            EngineError: the contender cannot run here, or the child failed.
        """
        if (missing := what_is_missing(contender.backend)) is not None:
            raise EngineError(missing)
        self._title = contender.title
        self._timed_out = False
        self._scratch = tempfile.TemporaryDirectory(prefix="pmsgan-rival-")
        folder = Path(self._scratch.name)
        self._stderr = folder / "stderr"  # a file, since a pipe that nobody reads fills up
        self._results = folder / "results.npy"
        np.save(folder / "pictures.npy", sample.pictures)
        specification = asdict(contender) | {
            "sample": sample.to_json(),
            "pictures": str(folder / "pictures.npy"),
            "results": str(self._results),
            "max_batch": max_batch,
            "num_threads": num_threads,
        }
        file = folder / "specification.json"
        file.write_text(json.dumps(specification), encoding="utf-8")
        with self._stderr.open("wb") as last_words:
            self._process = subprocess.Popen(
                [sys.executable, "-m", contender.module, str(file)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=last_words,
                text=True,
            )
        try:
            self.info = EngineInfo(**json.loads(self._answer()))
        except BaseException:
            self._close()
            raise

    def translate(self, count: int) -> float:
        """Let it translate the first `count` pictures in memory; return the seconds."""
        return self._seconds(f"translate {count}")

    def convert(self, count: int) -> float:
        """Let it convert their files to a scratch folder; return the seconds."""
        return self._seconds(f"convert {count}")

    def results(self) -> Pictures:
        """Return what it has translated last."""
        self._ask("save")
        results: Pictures = np.load(self._results)
        return results

    def _seconds(self, question: str) -> float:
        answer = self._ask(question)
        try:
            return float(answer)
        except ValueError:
            raise EngineError(f"{self._title} failed: it said {answer.strip()!r}") from None

    def _ask(self, question: str) -> str:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{question}\n")
            self._process.stdin.flush()
        except OSError:
            pass  # what the child had to say is on its stderr, which _answer reads
        return self._answer()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        timer = threading.Timer(TIMEOUT_S, self._give_up)
        timer.daemon = True
        timer.start()
        try:
            line = self._process.stdout.readline()
        finally:
            timer.cancel()
        if line.startswith(_FAILED):
            raise EngineError(f"{self._title} failed: {line.removeprefix(_FAILED).strip()}")
        if line:
            return line
        if self._timed_out:
            raise EngineError(f"{self._title} failed: no answer within {TIMEOUT_S:.0f} s")
        last_words = self._stderr.read_text(encoding="utf-8", errors="replace").split("\n")
        reason = next((words for words in reversed(last_words) if words), "it said nothing")
        raise EngineError(f"{self._title} failed: {reason}")

    def _give_up(self) -> None:
        self._timed_out = True
        self._process.kill()

    def _close(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._scratch.cleanup()

    def __enter__(self) -> "Rival":
        return self

    def __exit__(self, *error: object) -> None:
        self._close()


def serve(engine: Engine, sample: Sample, results_file: Path, questions: Iterable[str]) -> None:
    """Be the child: answer each question.

    Args:
        engine: entered by the caller.
        sample: what it is measured on.
        results_file: where `save` goes.
        questions: lines.
    """
    results: Pictures | None = None
    engine.kept_slots(
        sample.parallelism.slots
    )  # all at once: memory may suffice for smaller ones alone
    _say(json.dumps(asdict(engine.info)))
    for question in questions:
        kind, *count = question.split()
        if kind == "translate":
            seconds, results = sample.translate(engine, int(count[0]))
            _say(str(seconds))
        elif kind == "convert":
            _say(str(sample.convert(engine, int(count[0]))))
        else:
            assert results is not None
            np.save(results_file, results)
            _say("saved")


def read_specification(path: str) -> tuple[dict[str, Any], Sample]:
    """Return what a child is to run, and on what."""
    specification = json.loads(Path(path).read_text(encoding="utf-8"))
    content = specification["sample"]
    pictures = np.load(specification["pictures"])
    return specification, Sample.from_json(content, find_style(content["style"]), pictures)


@contextmanager
def failures_told() -> Iterator[None]:
    """Be the child: answer with the reason where something fails."""
    try:
        yield
    except Exception as error:
        reason = str(error).strip().split("\n")[0]
        name = "" if isinstance(error, PmsganError) else f"{type(error).__name__}: "
        _say(f"{_FAILED}{name}{reason}")
        raise


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(specification_file: str, questions: Iterable[str]) -> None:
    """Open what is specified, and serve it."""
    with failures_told():
        specification, sample = read_specification(specification_file)
        with open_engine(
            sample.style,
            backend=specification["backend"],
            precision=specification["precision"],
            max_batch=specification["max_batch"],
            num_threads=specification["num_threads"],
        ) as engine:
            if specification["is_compiled"]:
                cast("EagerEngine", engine).compile()
            serve(engine, sample, Path(specification["results"]), questions)


if __name__ == "__main__":
    main(sys.argv[1], sys.stdin)
