"""Plot the losses of a run against its steps, each as the mean of what lies around it.

python tools/plot_losses.py RUN_FOLDER PLOT.png
"""

import argparse
import json
from pathlib import Path

import matplotlib as mpl
import numpy as np

mpl.use("agg")
from matplotlib import pyplot as plt

WINDOW = 10
"""Lines of metrics.jsonl that are averaged."""


def main() -> None:
    """Read the command line and write the plot."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run_folder", type=Path)
    parser.add_argument("plot", type=Path)
    arguments = parser.parse_args()
    metrics = (arguments.run_folder / "metrics.jsonl").read_text(encoding="utf-8")
    lines = [json.loads(line) for line in metrics.splitlines()]
    names = [name for name in lines[0] if name not in ("step", "seconds")]
    steps = np.array([line["step"] for line in lines])
    window = np.ones(min(WINDOW, len(lines)))
    figure, panels = plt.subplots(1, len(names), figsize=(3.6 * len(names), 2.6))
    for name, panel in zip(names, np.atleast_1d(panels), strict=True):
        values = np.array([line[name] for line in lines])
        panel.plot(steps, values, color="0.8", linewidth=0.8)
        means = np.convolve(values, window / window.size, mode="valid")
        panel.plot(steps[window.size - 1 :], means, color="tab:blue")
        panel.set(title=name, xlabel="step")
        panel.set_ylim(0, 1.1 * float(np.quantile(values, 0.98)))
    figure.tight_layout()
    figure.savefig(arguments.plot, dpi=100)


if __name__ == "__main__":
    main()
