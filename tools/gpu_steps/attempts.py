"""Run parts of a step so that one which fails does not take the others with it."""

import contextlib
import json
import logging
import os
import shutil
import signal
import subprocess
import traceback
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pmsgan.child import call_in_child
from pmsgan.errors import ChildError

ROOT = Path(__file__).resolve().parents[2]
Figures = dict[str, Any]
Parts = Iterator[tuple[str, Any]]
"""The figures of a step, part by part, each with its name."""


class CommandError(Exception):
    """A command is not there, or failed; where it was called does not matter."""


def attempt(work: Callable[..., Any], *arguments: Any) -> Any:
    """Return what `work` returns, or its error."""
    try:
        return work(*arguments)
    except CommandError as error:
        return {"error": str(error)}
    except Exception as error:
        return {
            "error": f"{type(error).__name__}: {error}",
            "where": traceback.format_exc().splitlines()[-12:],
        }


def attempt_apart(work: Callable[..., Any], *arguments: Any, limit_s: float = 90.0) -> Any:
    """Do what `attempt` does in a process of its own, which may crash or hang."""
    try:
        return call_in_child(
            _attempt_logged, work, *arguments, timeout_s=limit_s, inherit_stderr=True
        )
    except ChildError as error:
        return {"error": str(error)}


def _attempt_logged(work: Callable[..., Any], *arguments: Any) -> Any:
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("pmsgan").setLevel(logging.INFO)
    return attempt(work, *arguments)


def record(parts: Parts, path: Path) -> None:
    """Write a step's figures as JSON after each part, so that what was measured outlives it."""
    figures: Figures = {}
    try:
        for name, part in parts:
            figures[name] = part
            write_json(path, figures)
    except Exception as error:
        figures["error"] = f"{type(error).__name__}: {error}"
        figures["where"] = traceback.format_exc().splitlines()[-12:]
    write_json(path, figures)


def write_json(path: Path, figures: Figures) -> None:
    """Write figures; what is no JSON becomes text."""
    path.write_text(json.dumps(figures, indent=1, default=str), encoding="utf-8")


def run(*command: str | Path) -> str:
    """Run a command at the top of the repository; return what it prints.

    Raises:
        CommandError: it is not there, or failed.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    except OSError as error:
        raise CommandError(f"{command[0]}: {error.strerror}") from error
    if done.returncode:
        raise CommandError(f"exit code {done.returncode}: {(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def run_within(command: Sequence[str | Path], limit_s: float, log: Path) -> int | str:
    """Run a command, and kill it and all that it started when its time is up.

    Its output goes to a file: a pipe would stay open for as long as a grandchild lives.

    Returns:
        Its exit code, or a text that says that it took too long.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, cwd=ROOT, start_new_session=True
        )
        try:
            return process.wait(limit_s)
        except subprocess.TimeoutExpired:
            return f"killed after {limit_s:.0f} s"
        finally:
            _kill_group(process)


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def copy_samples(folder: Path, count: int) -> Path:
    """Make a folder with `count` copies of the sample sketches; return it."""
    folder.mkdir()
    samples = sorted((ROOT / "samples/sketches").iterdir())
    for number in range(count):
        source = samples[number % len(samples)]
        shutil.copy(source, folder / f"{number:05d}{source.suffix}")
    return folder
