"""The eager baseline: the same pictures through PyTorch, in a child process.

`python -m pmsgan.batch.baseline STYLE PICTURES.npy RESULTS.npy BATCH` is the child. For each line
on its stdin it translates the pictures once and answers with the seconds that this took, so that
the two sides run in turn and a machine that gets slower or faster flatters neither.
"""

import json
import logging
import math
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pmsgan.engine.interface import Engine, EngineInfo
from pmsgan.engine.parity import compare
from pmsgan.engine.select import open_engine, what_is_missing
from pmsgan.engine.translate import Translator
from pmsgan.errors import EngineError
from pmsgan.styles.registry import Style

_log = logging.getLogger(__name__)

NUM_ROUNDS = 3
"""Times that each side translates the sample; the median counts."""
TIMEOUT_S = 600.0
"""After this the child is ended."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Baseline:
    """An engine and eager PyTorch on the same pictures, without reading and writing files."""

    num_pictures: int
    engine_images_per_s: float
    eager_images_per_s: float
    speedup: float
    """How many times faster the engine is: the median of the rounds' ratios."""
    psnr_db: float
    """Between the two results; infinite if they are equal."""
    eager: EngineInfo

    def to_json(self) -> dict[str, Any]:
        """Return plain values; JSON has no infinity, so equal results have a `psnr_db` of null."""
        return asdict(self) | {"psnr_db": self.psnr_db if math.isfinite(self.psnr_db) else None}


def measure_baseline(engine: Engine, style: Style, pictures: NDArray[np.uint8]) -> Baseline:
    """Time an open engine against eager PyTorch in FP32.

    Args:
        engine: idle; one untimed round warms it up.
        style: what it runs.
        pictures: uint8 [N, H, W, 3] BGR, at least one.

    Raises:
        EngineError: torch is not installed, or the child failed.
    """
    if (missing := what_is_missing("eager")) is not None:
        raise EngineError(missing)
    _log.info("timing eager PyTorch on %d of the pictures", len(pictures))
    translate = Translator(engine)
    with tempfile.TemporaryDirectory(prefix="pmsgan-baseline-") as scratch:
        files = Path(scratch, "pictures.npy"), Path(scratch, "results.npy")
        np.save(files[0], pictures)
        results = translate(pictures)
        with _Child(style, *files, engine.info.max_batch, Path(scratch, "stderr")) as child:
            eager_info = EngineInfo(**json.loads(child.answer()))
            engine_s, eager_s = [], []
            for _ in range(NUM_ROUNDS):
                start = time.perf_counter()
                translate(pictures)
                engine_s.append(time.perf_counter() - start)
                eager_s.append(float(child.ask()))
        psnr_db = compare(results, np.load(files[1])).psnr_db
    return Baseline(
        num_pictures=len(pictures),
        engine_images_per_s=len(pictures) / statistics.median(engine_s),
        eager_images_per_s=len(pictures) / statistics.median(eager_s),
        speedup=statistics.median(b / a for a, b in zip(engine_s, eager_s, strict=True)),
        psnr_db=psnr_db,
        eager=eager_info,
    )


class _Child:
    """The child process; it is ended when the block is left."""

    def __init__(
        self, style: Style, pictures: Path, results: Path, batch: int, stderr: Path
    ) -> None:
        self._timed_out = False
        self._stderr = stderr  # a file, since a pipe that nobody reads fills up
        arguments = [str(style.folder), str(pictures), str(results), str(batch)]
        with stderr.open("wb") as last_words:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "pmsgan.batch.baseline", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=last_words,
                text=True,
            )
        self._timer = threading.Timer(TIMEOUT_S, self._end)
        self._timer.daemon = True
        self._timer.start()

    def ask(self) -> str:
        """Let it translate once; return the seconds it took."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("again\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            pass  # what the child had to say is on its stderr, which answer() reads
        return self.answer()

    def answer(self) -> str:
        """Return its next line."""
        assert self._process.stdout is not None
        if line := self._process.stdout.readline():
            return line
        if self._timed_out:
            raise EngineError(f"the eager baseline failed: no answer within {TIMEOUT_S:.0f} s")
        last_words = self._stderr.read_text(encoding="utf-8", errors="replace").split("\n")
        reason = next((words for words in reversed(last_words) if words), "it said nothing")
        raise EngineError(f"the eager baseline failed: {reason}")

    def _end(self) -> None:
        self._timed_out = True
        self._process.kill()

    def __enter__(self) -> "_Child":
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()
        self._process.kill()
        self._process.communicate()


def _serve(style_folder: str, pictures_file: str, results_file: str, batch: int) -> None:
    """Be the child: warm up, leave the results, then translate once for each line on stdin."""
    pictures = np.load(pictures_file)
    with open_engine(style_folder, backend="eager", max_batch=batch) as engine:
        translate = Translator(engine)
        np.save(results_file, translate(pictures))
        _say(json.dumps(asdict(engine.info)))
        for _ in sys.stdin:
            start = time.perf_counter()
            translate(pictures)
            _say(str(time.perf_counter() - start))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
