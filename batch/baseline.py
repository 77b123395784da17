"""The eager baseline: the same pictures through PyTorch, in a child process.

The child is `python -m pmsgan.batch.baseline STYLE PICTURES.npy RESULTS.npy BATCH PRECISION KIND`,
KIND being eager or compiled. For each line on its stdin it translates the pictures once and answers
with the seconds that this took, so that the two sides run in turn and a machine that gets slower or
faster flatters neither.
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
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from pmsgan.engine.choices import Precision
from pmsgan.engine.interface import Engine, EngineInfo
from pmsgan.engine.parity import compare
from pmsgan.engine.select import open_engine, what_is_missing
from pmsgan.errors import EngineError
from pmsgan.styles.registry import Style

if TYPE_CHECKING:
    from pmsgan.engine.eager import EagerEngine

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
    """Copies to and from the device included."""
    gpu_images_per_s: float | None
    """Without them, by the GPU's own clock; None where there is none."""
    eager_images_per_s: float
    speedup: float
    """How many times faster the engine is: the median of the rounds' ratios."""
    psnr_db: float
    """Between the two results; infinite if they are equal."""
    eager: EngineInfo

    def to_json(self) -> dict[str, Any]:
        """Return plain values; JSON has no infinity, so equal results have a `psnr_db` of null."""
        return asdict(self) | {"psnr_db": self.psnr_db if math.isfinite(self.psnr_db) else None}


def baseline_precisions(engine: EngineInfo) -> tuple[Precision, ...]:
    """Return what eager PyTorch is to be timed in beside an engine.

    FP32, and the best that a user could have had: autocast to what this processor is quick in.
    """
    if engine.precision == "fp32":
        return ("fp32",)
    return ("fp32", "fp16" if engine.precision == "fp16" else "bf16")


def measure_baseline(
    engine: Engine,
    style: Style,
    pictures: NDArray[np.uint8],
    precision: Precision = "fp32",
    *,
    compiled: bool = False,
) -> Baseline:
    """Time an open engine against eager PyTorch.

    Args:
        engine: idle; one untimed round warms it up.
        style: what it runs.
        pictures: uint8 [N, H, W, 3] BGR, at least one.
        precision: of eager PyTorch.
        compiled: let torch.compile have a go at it first, which takes minutes.

    Raises:
        EngineError: torch is not installed, or the child failed.
    """
    if (missing := what_is_missing("eager")) is not None:
        raise EngineError(missing)
    _log.info("timing eager PyTorch in %s on %d of the pictures", precision, len(pictures))
    with tempfile.TemporaryDirectory(prefix="pmsgan-baseline-") as scratch:
        files = Path(scratch, "pictures.npy"), Path(scratch, "results.npy")
        np.save(files[0], pictures)
        results = engine.translate(pictures)
        how = [str(engine.info.max_batch), precision, "compiled" if compiled else "eager"]
        arguments = [str(style.folder), *map(str, files), *how]
        with _Child(arguments, Path(scratch, "stderr")) as child:
            eager_info = EngineInfo(**json.loads(child.answer()))
            engine_s, eager_s = [], []
            gpu_s = engine.gpu_s or 0.0
            for _ in range(NUM_ROUNDS):
                start = time.perf_counter()
                engine.translate(pictures)
                engine_s.append(time.perf_counter() - start)
                eager_s.append(float(child.ask()))
        psnr_db = compare(results, np.load(files[1])).psnr_db
    return Baseline(
        num_pictures=len(pictures),
        engine_images_per_s=len(pictures) / statistics.median(engine_s),
        gpu_images_per_s=(
            NUM_ROUNDS * len(pictures) / (engine.gpu_s - gpu_s) if engine.gpu_s else None
        ),
        eager_images_per_s=len(pictures) / statistics.median(eager_s),
        speedup=statistics.median(b / a for a, b in zip(engine_s, eager_s, strict=True)),
        psnr_db=psnr_db,
        eager=eager_info,
    )


class _Child:
    """The child process; it is ended when the block is left."""

    def __init__(self, arguments: list[str], stderr: Path) -> None:
        self._timed_out = False
        self._stderr = stderr  # a file, since a pipe that nobody reads fills up
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


def _serve(
    style_folder: str,
    pictures_file: str,
    results_file: str,
    batch: int,
    precision: Precision,
    compiled: bool,
) -> None:
    """Be the child: warm up, leave the results, then translate once for each line on stdin."""
    pictures = np.load(pictures_file)
    with open_engine(style_folder, backend="eager", precision=precision, max_batch=batch) as engine:
        if compiled:
            cast("EagerEngine", engine).compile()
        np.save(results_file, engine.translate(pictures))
        _say(json.dumps(asdict(engine.info)))
        for _ in sys.stdin:
            start = time.perf_counter()
            engine.translate(pictures)
            _say(str(time.perf_counter() - start))


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    folder, source, target, size, wanted, kind = sys.argv[1:]
    _serve(folder, source, target, int(size), cast("Precision", wanted), kind == "compiled")
