"""Change the code in one place, and see whether a test of that module notices; many times.

    python tools/mutation.py --number 300 --seed 0 --jobs 2

Mutants are changed comparisons, and/or, numbers, True/False, + and -; `not`, statements and results
that are left out. Each is written into a copy of the tree, never into the tree itself, and the
tests of its module run until one fails, which kills it; so does a run that takes much too long.
Tests run in forks of a process that has imported the libraries. Survivors that change nothing that
a caller could see are listed in mutants/accepted.json, with the reason. The exit code is 1 if less
than 90 % of the other mutants are killed.
"""

import argparse
import ast
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import onnx
import pytest
from mutants.changes import Mutant, mutants_of

ROOT = Path(__file__).resolve().parents[1]
LIBRARIES = ("cv2", "numpy", "onnx", "openvino", "PIL.Image", "safetensors.numpy", "torch")
"""Imported once. No module of the tree may be among them."""
LEAST_KILLED = 0.9
FILES = "tests/batch/files"
OUTPUT_TESTS = [
    f"{FILES}/test_{name}.py"
    for name in ("journal", "output_folder", "local_output", "changed_results", "hostile_out")
]
BUCKET_TESTS = [f"{FILES}/test_bucket{name}.py" for name in ("_results", "", "_output")]
LOCAL_TESTS = [f"{FILES}/test_local.py", "tests/batch/test_plan.py"]
TESTS = {
    "batch/files/bucket.py": BUCKET_TESTS,
    "batch/files/bucket_output.py": BUCKET_TESTS,
    "batch/files/folder.py": [*LOCAL_TESTS, *BUCKET_TESTS],
    "batch/files/journal.py": OUTPUT_TESTS,
    "batch/files/journal_file.py": OUTPUT_TESTS,
    "batch/files/local.py": [*LOCAL_TESTS, *OUTPUT_TESTS],
    "batch/files/local_output.py": OUTPUT_TESTS,
    "batch/files/local_results.py": OUTPUT_TESTS,
    "batch/files/lock.py": OUTPUT_TESTS,
    "batch/files/named.py": [f"{FILES}/test_named.py", "tests/cli/test_convert_pictures.py"],
    "batch/files/open.py": [*BUCKET_TESTS, *LOCAL_TESTS],
    "batch/files/stamp.py": [*LOCAL_TESTS, *BUCKET_TESTS],
    "batch/files/store.py": BUCKET_TESTS,
    "batch/plan.py": [*LOCAL_TESTS, f"{FILES}/test_named.py", *BUCKET_TESTS],
    "batch/ring.py": ["tests/batch/test_ring.py", "tests/batch/test_pipeline.py"],
    "engine/graph.py": [
        f"tests/engine/test_{name}.py" for name in ("graph_fields", "graph", "limits")
    ],
    "engine/tensorrt/plan.py": [
        f"tests/engine/tensorrt/test_{name}.py" for name in ("plan", "build", "open")
    ],
    "pmsgan/styles/registry.py": [f"tests/styles/test_{name}.py" for name in ("names", "registry")],
}
"""Modules, and the files of tests that test each; the quickest come first."""


class Trial(NamedTuple):
    """A run of tests that is under way."""

    mutant: Mutant
    process: int
    place: Path
    deadline: float


def copy_tree(to: Path) -> None:
    """Copy the tree as an installed package has it: the four folders below `pmsgan`."""
    for folder in ("pmsgan", "tests", "batch", "engine", "export"):
        inside = to / folder if folder in ("pmsgan", "tests") else to / "pmsgan" / folder
        shutil.copytree(ROOT / folder, inside, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("samples", "docs", "tools", "pyproject.toml", "constraints.txt"):
        (to / name).symlink_to(ROOT / name)


def placed(place: Path, file: str) -> Path:
    """Return where a file of the tree is in a copy."""
    return place / file if file.startswith("pmsgan/") else place / "pmsgan" / file


class KeepTraces:
    """Let PyTorch trace each network of the tests once for all mutants, which takes seconds."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self) -> None:
        """Replace the function before the tests import it; they put in their own weights."""
        deploy = importlib.import_module("pmsgan.export.deploy")
        trace = deploy.trace

        def kept(graph: object) -> object:
            config, dtype = graph.generator.config, graph.dtype  # type: ignore[attr-defined]
            path = self.folder / f"{hash((repr(config), str(dtype)))}.onnx"
            if not path.exists():
                part = path.with_suffix(f".{os.getpid()}")
                onnx.save(trace(graph).model_proto, part)
                part.rename(path)
            return SimpleNamespace(model_proto=onnx.load(path))

        deploy.trace = kept


def start(place: Path, tests: Sequence[str]) -> int:
    """Run tests in a copy, in a process of its own whose exit code is that of pytest."""
    process = os.fork()
    if process:
        return process
    os.setsid()
    os.chdir(place)
    sys.path[:0] = [str(place)]
    os.environ["PYTHONPATH"] = str(place)
    for number in (1, 2):
        os.dup2(os.open(place / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=line"]
    code = 1
    try:
        code = int(pytest.main([*tests, *options], plugins=[KeepTraces(place.parent)]))
    finally:
        os._exit(code)  # whatever a mutant raises, this process must not remove the copies


def end(trial: Trial) -> str | None:
    """Return how a trial ended, or None if it has not."""
    process, status = os.waitpid(trial.process, os.WNOHANG)
    if process:
        code = os.waitstatus_to_exitcode(status)
        result = "survived" if code == 0 else "killed"
    elif time.monotonic() > trial.deadline:
        result = "killed: it takes too long"
    else:
        return None
    with suppress(ProcessLookupError):
        os.killpg(trial.process, signal.SIGKILL)
    if not process:
        os.waitpid(trial.process, 0)
    return result


def measure(place: Path, tests: Sequence[str]) -> float:
    """Return how long tests take without a change [s]; they must pass."""
    started = time.monotonic()
    _, status = os.waitpid(start(place, tests), 0)
    if os.waitstatus_to_exitcode(status):
        sys.exit(f"tests fail without a change: {tests}\n{(place / 'log').read_text()[-2000:]}")
    return time.monotonic() - started


def run(mutants: list[Mutant], places: list[Path]) -> Iterator[tuple[Mutant, str]]:
    """Run the tests of each mutant in one of some copies; give how it ended."""
    files = {mutant.file for mutant in mutants}
    whole = {file: placed(places[0], file).read_text() for file in files}
    limit_s = 20 + measure(places[0], sorted({it for file in files for it in TESTS[file]}))
    free, waiting, trials = list(places), list(mutants), list[Trial]()
    while waiting or trials:
        while free and waiting:
            mutant, place = waiting.pop(), free.pop()
            placed(place, mutant.file).write_text(mutant.text)
            process = start(place, TESTS[mutant.file])
            trials.append(Trial(mutant, process, place, time.monotonic() + limit_s))
        time.sleep(0.05)
        for trial in list(trials):
            if (result := end(trial)) is not None:
                trials.remove(trial)
                placed(trial.place, trial.mutant.file).write_text(whole[trial.mutant.file])
                free.append(trial.place)
                yield trial.mutant, result


def main() -> None:
    """Sample mutants, run their tests, and list those that survived."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=300, help="mutants")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=2, help="runs at a time")
    parser.add_argument("--only", default="", help="files whose name holds this")
    parser.add_argument("--again", type=Path, help="output of a run: its survivors, no sample")
    given = parser.parse_args()
    every = [
        mutant
        for file in TESTS
        if given.only in file
        for mutant in mutants_of(file, ast.parse((ROOT / file).read_text()))
    ]
    sample = random.Random(given.seed).sample(every, min(given.number, len(every)))
    accepted = json.loads((ROOT / "tools" / "mutants" / "accepted.json").read_text())
    if given.again is not None:
        lines = given.again.read_text().splitlines()
        survived = [line.partition(" survived: ")[2] for line in lines]
        names = {line.rpartition(" (line ")[0] for line in survived}
        sample = [mutant for mutant in every if mutant.name in names]
    num_sampled = len(sample)
    sample = [mutant for mutant in sample if mutant.name not in accepted]
    print(
        f"{len(every)} mutants; {num_sampled} are run, but for {num_sampled - len(sample)} accepted"
    )
    if not sample:
        return
    for name in LIBRARIES:
        importlib.import_module(name)
    num_killed = 0
    with tempfile.TemporaryDirectory(prefix="mutation-") as folder:
        places = [Path(folder) / str(number) for number in range(given.jobs)]
        for place in places:
            copy_tree(place)
        for number, (mutant, result) in enumerate(run(sample, places), 1):
            num_killed += result != "survived"
            print(f"{number:4} {result}: {mutant}", flush=True)
    print(f"{num_killed} of {len(sample)} killed: {num_killed / len(sample):.1%}")
    sys.exit(num_killed < LEAST_KILLED * len(sample))


if __name__ == "__main__":
    main()
