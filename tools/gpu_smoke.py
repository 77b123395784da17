"""Take a first look at a machine with an NVIDIA GPU: what works on it, and how fast it is.

    python tools/gpu_smoke.py OUT
    python tools/gpu_smoke.py OUT --only versions,driver

The steps that tell most come first. Each runs in a process of its own (torch and pycuda cannot
share one), which is killed when its time is up, and writes OUT/STEP.json part by part and
OUT/STEP.log. The page is OUT/smoke.md. Without a GPU this says what it lacks, and runs the steps
that need none at small sizes.
"""

import argparse
import importlib.util
import json
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from gpu_steps import engines, folders, networks
from gpu_steps.attempts import Figures, Parts, attempt, record, run_within, write_json
from gpu_steps.page import section


@dataclass(frozen=True, slots=True)
class Step:
    """A part of the look at a machine."""

    work: Callable[[], Parts]
    limit_s: float
    """It is killed after so many seconds."""
    needs: tuple[str, ...] = ()
    """Modules, and "gpu"."""


STEPS = {
    "versions": Step(engines.versions, 60),
    "driver": Step(engines.driver, 60, ("gpu", "pycuda")),
    "products": Step(engines.products, 240, ("gpu", "pycuda")),
    "targets": Step(engines.targets, 150, ("gpu", "pycuda", "tensorrt_rtx")),
    "gpu_tests": Step(engines.gpu_tests, 120, ("gpu", "pycuda", "pytest")),
    "eager": Step(networks.eager, 90, ("torch",)),
    "compiled": Step(networks.compiled, 150, ("gpu", "torch")),
    "ceiling": Step(folders.ceiling, 180),
    "workers": Step(folders.workers, 240, ("torch", "ray")),
    "convert": Step(folders.convert, 120),
    "training": Step(networks.training, 90, ("torch",)),
}


def lacking() -> dict[str, str]:
    """Return what steps need and this machine does not have, each with a sentence for people."""
    lacks = {}
    if not attempt_count():
        lacks["gpu"] = "no NVIDIA GPU with a driver was found"
    for module in ("torch", "pycuda", "tensorrt", "tensorrt_rtx", "ray", "pytest"):
        if importlib.util.find_spec(module) is None:
            lacks[module] = f"{module} is not installed"
    return lacks


def attempt_count() -> int:
    """Return the number of GPUs; 0 where even asking for it fails."""
    from pmsgan.engine.gpu import count_gpus

    count = attempt(count_gpus)
    return count if isinstance(count, int) else 0


def announced(lacks: dict[str, str]) -> Iterator[str]:
    """Yield what is lacking, and what becomes of the steps."""
    yield from lacks.values()
    skipped = [name for name, step in STEPS.items() if lacks.keys() & set(step.needs)]
    if skipped:
        yield f"skipped for that: {', '.join(skipped)}"
    if "gpu" in lacks:
        yield "the other steps run at small sizes"


def run_step(name: str, out: Path, lacks: dict[str, str]) -> Figures:
    """Run one step in a process of its own, unless it lacks something; return its figures."""
    step, path, log = STEPS[name], out / f"{name}.json", out / f"{name}.log"
    path.unlink(missing_ok=True)
    if reasons := [lacks[it] for it in step.needs if it in lacks]:
        figures: Figures = {"skipped": "; ".join(reasons)}
    else:
        start = time.perf_counter()
        code = run_within(
            [sys.executable, __file__, out.resolve(), "--here", name], step.limit_s, log
        )
        figures = attempt(json.loads, path.read_text(encoding="utf-8")) if path.exists() else {}
        figures |= {"exit_code": code, "seconds": time.perf_counter() - start}
        if "error" in figures or code != 0:
            figures["log"] = log.read_text(encoding="utf-8", errors="replace").splitlines()[-30:]
    write_json(path, figures)
    return figures


def ending(figures: Figures) -> str:
    """Say in a few words how a step ended."""
    if "skipped" in figures:
        return f"skipped: {figures['skipped']}"
    if figures["exit_code"] != 0:
        return f"failed, {figures['exit_code']}, after {figures['seconds']:.0f} s"
    failed = [name for name, it in figures.items() if isinstance(it, dict) and "error" in it]
    failed += ["it"] if "error" in figures else []
    words = f"; {', '.join(failed)} failed" if failed else ""
    return f"{figures['seconds']:.0f} s{words}"


def main() -> None:
    """Read the command line, run the steps, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", default=",".join(STEPS), help="names of steps, with commas")
    parser.add_argument("--here", choices=STEPS, help="run one step in this process")
    arguments = parser.parse_args()
    out: Path = arguments.out
    out.mkdir(parents=True, exist_ok=True)
    if arguments.here:
        record(STEPS[arguments.here].work(), out / f"{arguments.here}.json")
        return
    names = arguments.only.split(",")
    if unknown := [name for name in names if name not in STEPS]:
        parser.error(f"there is no step {unknown[0]}: give some of {', '.join(STEPS)}")
    lacks = lacking()
    head = list(announced(lacks))
    print("\n".join(head), flush=True)
    page = ["# First look at this machine", "", *(f"- {line}" for line in head), ""]
    for name in names:
        figures = run_step(name, out, lacks)
        page += section(name, STEPS[name].work.__doc__ or "", figures)
        (out / "smoke.md").write_text("\n".join(page), encoding="utf-8")
        print(f"{name}: {ending(figures)}", flush=True)
    print(f"page: {out / 'smoke.md'}")


if __name__ == "__main__":
    main()
