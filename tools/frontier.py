"""Find which networks are the fastest at their quality: train, measure, print and plot a frontier.

    python tools/frontier.py SET HELD_OUT OUT -- --direction photo:ink --steps 1300 ...

Each of `NETWORKS` is trained on SET with the options behind --, and INT8 is calibrated on 64 of
its inputs. Each precision is measured on the pairs of HELD_OUT: median PSNR to the targets, mean
FSIM to the first of them, and pictures a second in memory, the engines in turn. A style that is
there is not trained again. OUT gets NETWORK/style, frontier.json and frontier.svg.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pmsgan.data.pairs import find_pairs
from pmsgan.data.splits import load_split
from pmsgan.engine.accuracy import compare
from pmsgan.engine.choices import Precision
from pmsgan.engine.interface import Engine
from pmsgan.engine.open import open_engine
from pmsgan.errors import EngineError

Pictures = NDArray[np.uint8]
"""Pictures, uint8 [N, H, W, 3] BGR."""

NETWORKS: dict[str, tuple[str, ...]] = {
    "base 8": ("--base-channels", "8"),
    "base 16": ("--base-channels", "16"),
    "base 12, fold 2": ("--base-channels", "12", "--fold", "2"),
    "base 16, fold 2": ("--base-channels", "16", "--fold", "2"),
    "base 24, fold 2": ("--base-channels", "24", "--fold", "2"),
    "base 32, fold 2": ("--base-channels", "32", "--fold", "2"),
    "base 32, fold 4": ("--base-channels", "32", "--fold", "4"),
    "pix2pix": ("--network", "pix2pix"),
}
PRECISIONS: tuple[Precision, ...] = ("fp32", "bf16", "int8")
BATCH = 8
ROUNDS = 7
MAX_FSIM = 32
"""Pictures whose FSIM is measured, which takes longer than their translation."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Point:
    """One network in one precision."""

    network: str
    precision: str
    psnr_db: float
    """Median PSNR to the held-out targets [dB]."""
    fsim: float | None
    """Mean FSIM to the first held-out targets; None where piq is missing."""
    pictures_per_s: float
    """Median rate in memory."""


def main() -> None:
    """Read the command line, train what is missing, and measure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, help="pairs to train on")
    parser.add_argument("held_out", type=Path, help="pairs to measure on")
    parser.add_argument("out", type=Path, help="folder of the styles and results")
    given = sys.argv[1:]
    end = given.index("--") if "--" in given else len(given)
    arguments, options = parser.parse_args(given[:end]), given[end + 1 :]
    direction = options[options.index("--direction") + 1]
    styles = {name: arguments.out / name / "style" for name in NETWORKS}
    for name, style in styles.items():
        if not style.exists():
            run = style.with_name("run")
            pmsgan("train", arguments.data, "--split", "all", "--out", run, "--style", style,
                   *options, *NETWORKS[name])  # fmt: skip
    inputs = load_split(arguments.data, direction=direction, split="all").train[0].input.path.parent
    for style in styles.values():
        if not (style / "int8.json").exists():
            calibrate = ("build-engine", "--style", style, "--int8", "--calibrate", inputs)
            pmsgan(*calibrate, "--into-style", may_fail=True)
    sources, targets = read_pairs(arguments.held_out, direction)
    points = measure(styles, sources, targets)
    content = json.dumps([asdict(point) for point in points], indent=2)
    (arguments.out / "frontier.json").write_text(content + "\n", encoding="utf-8")
    plot(points, arguments.out / "frontier.svg")
    print(to_table(points))


def pmsgan(*arguments: object, may_fail: bool = False) -> None:
    """Run a command of pmsgan; end with its exit code if it fails and must not."""
    ended = subprocess.run([sys.executable, "-m", "pmsgan", *map(str, arguments)], check=False)
    if ended.returncode and not may_fail:
        raise SystemExit(ended.returncode)


def read_pairs(folder: Path, direction: str, side: int = 256) -> tuple[Pictures, Pictures]:
    """Return the inputs and the targets of pairs, brought to the networks' size."""
    pairs = find_pairs(folder, direction)
    sources = np.stack([pair.input.read_at(side, side) for pair in pairs])
    return sources, np.stack([pair.target.read_at(side, side) for pair in pairs])


def measure(styles: dict[str, Path], sources: Pictures, targets: Pictures) -> list[Point]:
    """Measure each network in each precision that it can run in."""
    engines: dict[tuple[str, str], Engine] = {}
    for name, style in styles.items():
        for precision in PRECISIONS:
            try:
                engine = open_engine(style, backend="openvino", precision=precision)
            except EngineError as error:
                print(f"{name}, {precision}: left out: {error}", file=sys.stderr)
            else:
                engines[name, precision] = engine
    results = {key: engine.translate(sources) for key, engine in engines.items()}
    seconds: dict[tuple[str, str], list[float]] = {key: [] for key in engines}
    batch = np.ascontiguousarray(sources[:BATCH])
    for _ in range(ROUNDS):
        for key, engine in engines.items():
            engine.translate(batch)  # warm again, after the others
            start = time.perf_counter()
            engine.translate(batch)
            seconds[key].append(time.perf_counter() - start)
    return [
        Point(
            network=name,
            precision=precision,
            psnr_db=statistics.median(
                compare(*pair).psnr_db
                for pair in zip(results[name, precision], targets, strict=True)
            ),
            fsim=mean_fsim(results[name, precision][:MAX_FSIM], targets[:MAX_FSIM]),
            pictures_per_s=len(batch) / statistics.median(seconds[name, precision]),
        )
        for name, precision in engines
    ]


def mean_fsim(results: Pictures, targets: Pictures) -> float | None:
    """Return the mean FSIM of pictures; None where its library cannot be imported."""
    try:
        import piq
        import torch
    except (ImportError, RuntimeError):  # RuntimeError: torch and torchvision of two builds
        return None
    one, other = (
        torch.from_numpy(np.ascontiguousarray(it[..., ::-1])).permute(0, 3, 1, 2) / 255.0
        for it in (results, targets)
    )
    return float(piq.fsim(one, other, data_range=1.0, chromatic=False))


def on_frontier(points: list[Point]) -> list[Point]:
    """Return the points that no other beats in speed and PSNR, the slowest first."""
    ordered = sorted(points, key=lambda it: it.pictures_per_s)
    return [
        it for number, it in enumerate(ordered)
        if all(it.psnr_db > faster.psnr_db for faster in ordered[number + 1 :])
    ]  # fmt: skip


def plot(points: list[Point], path: Path) -> None:
    """Plot PSNR over pictures a second: a colour for each precision, a line for the frontier."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    best = on_frontier(points)
    axes.plot(
        [it.pictures_per_s for it in best], [it.psnr_db for it in best], color="0.8", zorder=0
    )
    for precision, colour in zip(PRECISIONS, ("tab:gray", "tab:blue", "tab:orange"), strict=True):
        kept = [it for it in points if it.precision == precision]
        axes.scatter(
            [it.pictures_per_s for it in kept], [it.psnr_db for it in kept],
            color=colour, label=precision,
        )  # fmt: skip
        for it in kept:
            place = (it.pictures_per_s, it.psnr_db)
            axes.annotate(it.network, place, xytext=(4, 4), textcoords="offset points", fontsize=7)
    axes.set(xscale="log", xlabel="pictures a second", ylabel="median PSNR, held out [dB]")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend()
    figure.savefig(path)


def to_table(points: list[Point]) -> str:
    """Return Markdown, the fastest first; what lies on the frontier is bold."""
    best = on_frontier(points)
    lines = ["| network | precision | pictures/s | PSNR | FSIM |", "|---|---|---|---|---|"]
    for it in sorted(points, key=lambda it: -it.pictures_per_s):
        name = f"**{it.network}**" if it in best else it.network
        fsim = f"{it.fsim:.3f}" if it.fsim is not None else "-"
        lines.append(
            f"| {name} | {it.precision} | {it.pictures_per_s:.1f} | {it.psnr_db:.1f} dB | {fsim} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
