"""Train and measure for the tables of docs/training.md; a run that is there already is resumed.

python tools/experiments.py ablation SET OUT --train-list train.txt --seeds 3 -- --steps 800
python tools/experiments.py peer SET OUT --train-list train.txt -- --steps 20000

What stands behind -- goes to each `pmsgan train`.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pmsgan.model.config import ABLATIONS

PEERS = {
    "PMSGAN": ("--base-channels", "16"),
    "pix2pix": ("--network", "pix2pix", "--perceptual", "pixel"),
}
"""Options of each network, which override those behind --."""


def main() -> None:
    """Read the command line, and run an experiment."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("experiment", choices=["ablation", "peer"])
    parser.add_argument("data", type=Path, help="pairs, as for pmsgan train")
    parser.add_argument("out", type=Path, help="folder of the runs and of the table")
    parser.add_argument("--train-list", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=1, help="runs of each row or network")
    given = sys.argv[1:]
    end = given.index("--") if "--" in given else len(given)
    arguments = parser.parse_args(given[:end])
    arguments.options = given[end + 1 :]
    rows: dict[str, Sequence[str]] = (
        {row: ("--ablation", row) for row in ABLATIONS}
        if arguments.experiment == "ablation"
        else PEERS
    )
    results: dict[str, list[dict[str, float]]] = {name: [] for name in rows}
    for seed in range(arguments.seeds):
        for name, options in rows.items():
            folder = arguments.out / f"{name}-{seed}"
            train(arguments, folder, (*arguments.options, *options, "--seed", str(seed)))
            results[name].append(measure(arguments, folder, with_speed=rows is PEERS))
            (arguments.out / "results.json").write_text(json.dumps(results, indent=2) + "\n")
    print(to_table(results))


def train(arguments: argparse.Namespace, folder: Path, options: Sequence[str]) -> None:
    """Train one style, whose run and style lie in `folder`."""
    run = folder / "run"
    pmsgan(
        "train", arguments.data, "--train-list", arguments.train_list, "--out", run,
        "--style", folder / "style", *options,
        *(["--resume"] if (run / "checkpoint.pt").exists() else []),
    )  # fmt: skip


def measure(arguments: argparse.Namespace, folder: Path, *, with_speed: bool) -> dict[str, float]:
    """Measure a style on the held-out pairs and, if that is wanted, its cost."""
    lines = (folder / "run" / "metrics.jsonl").read_text().splitlines()
    told = pmsgan(
        "evaluate", "--style", folder / "style", arguments.data,
        "--train-list", arguments.train_list, "--metrics", "fsim", "--json",
    )  # fmt: skip
    figures = {"L1": json.loads(lines[-1])["held_out_l1"]}
    fsim = find(told, "fsim")["value"]
    if fsim is not None:  # its library is here
        figures["FSIM"] = fsim
    if with_speed:
        rows = pmsgan(
            "bench", "--style", folder / "style", "--backends", "openvino,eager", "--rounds", "1",
            "--output", folder / "bench", "--json",
        )["rows"]  # fmt: skip
        rate = rows[0]["in_memory"]["median"]
        figures |= {"pictures/s": rate, "GFLOP": rows[0]["gflop_per_s"] / rate}
    return figures


def find(content: Any, name: str) -> Any:
    """Return the first value of this name in what JSON holds, at any depth."""
    if isinstance(content, dict) and name in content:
        return content[name]
    parts = content.values() if isinstance(content, dict) else content
    inner = (find(part, name) for part in parts if isinstance(part, dict | list))
    return next((it for it in inner if it is not None), None)


def pmsgan(*arguments: object) -> Any:
    """Run a command of pmsgan; return what it printed, read as JSON where it is JSON."""
    command = [sys.executable, "-m", "pmsgan", *map(str, arguments)]
    ended = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
    if ended.returncode > 1:  # 1: a metric could not be had
        raise SystemExit(ended.returncode)
    return json.loads(ended.stdout) if "--json" in arguments else ended.stdout


def to_table(results: dict[str, list[dict[str, float]]]) -> str:
    """Return Markdown: of each row the mean over its seeds, and the lowest and the highest."""
    names = list(next(iter(results.values()))[0])
    lines = [f"| | {' | '.join(names)} |", "|---" * (len(names) + 1) + "|"]
    for row, runs in results.items():
        cells = []
        for name in names:
            values = [run[name] for run in runs]
            spread = f" ({min(values):.4g} .. {max(values):.4g})" if len(values) > 1 else ""
            cells.append(f"{statistics.fmean(values):.4g}{spread}")
        lines.append(f"| {row} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
