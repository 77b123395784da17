"""Time engines of untrained styles against eager PyTorch, over sizes, widths and batches.

python tools/bench_gpu.py docs/benchmarks/NAME [--sizes 256,512] [--bases 16,32] [--batches 1,8]

writes NAME.json and NAME.md. Each comparison runs both sides in turn.
"""

import argparse
import json
import logging
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from pmsgan.batch.baseline import baseline_precisions, measure_baseline
from pmsgan.engine.select import open_engine
from pmsgan.errors import EngineError
from pmsgan.export.style_folder import write_style
from pmsgan.model.config import GeneratorConfig
from pmsgan.model.generator import Generator, init_weights
from pmsgan.styles.registry import Style, read_style

BATCHES_IN_A_ROUND = 4


def numbers(text: str) -> list[int]:
    """Read 1,2,3."""
    return [int(part) for part in text.split(",")]


def untrained_style(folder: Path, base_channels: int, size: int) -> Style:
    """Make a style whose network has its initial weights."""
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig(base_channels=base_channels))
    init_weights(generator)
    write_style(
        generator.eval(), folder, height=size, width=size, input_kind="noise",
        output_kind="noise", origin={"seed": 0},
    )  # fmt: skip
    return read_style(folder)


def gflop(base_channels: int, size: int) -> float:
    """Return what one picture costs, two for a multiplication with an addition."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        Generator(GeneratorConfig(base_channels=base_channels))(torch.empty(1, 3, size, size))
    return counter.get_total_flops() / 1e9


def measure(style: Style, backend: str, batch: int, cost_gflop: float) -> dict[str, Any]:
    """Return one row of the table."""
    shape = (batch * BATCHES_IN_A_ROUND, style.height, style.width, 3)
    pictures = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    on_gpu = backend == "auto"
    with open_engine(style, backend=backend, max_batch=batch, require_gpu=on_gpu) as engine:  # type: ignore[arg-type]
        row: dict[str, Any] = {
            "base": style.generator.base_channels,
            "size": style.height,
            "batch": batch,
            "engine": f"{engine.info.runtime} {engine.info.precision}",
            "device": engine.info.device,
        }
        for precision in baseline_precisions(engine.info):
            measured = measure_baseline(engine, style, pictures, precision)
            row["images_per_s"] = measured.engine_images_per_s
            row["tflop_per_s"] = measured.engine_images_per_s * cost_gflop / 1e3
            row[f"eager_{precision}_images_per_s"] = measured.eager_images_per_s
            row[f"times_eager_{precision}"] = measured.speedup
            row[f"psnr_to_eager_{precision}_db"] = measured.to_json()["psnr_db"]
        row["batch"] = engine.info.max_batch  # halved where memory did not suffice
    return row


def to_markdown(rows: list[dict[str, Any]]) -> str:
    """Return the rows as a table."""
    names = list(rows[0])
    lines = [" | ".join(names), " | ".join("---" for _ in names)]
    for row in rows:
        cells = (row.get(name) for name in names)
        lines.append(" | ".join(f"{c:.4g}" if isinstance(c, float) else str(c) for c in cells))
    return "\n".join(f"| {line} |" for line in lines) + "\n"


def main() -> None:
    """Read the command line, measure, and write both files."""
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path, help="path of the two files, without suffix")
    parser.add_argument("--backend", default="auto", help="auto: TensorRT, or its RTX sibling")
    parser.add_argument("--sizes", type=numbers, default=[256, 512])
    parser.add_argument("--bases", type=numbers, default=[16, 32])
    parser.add_argument("--batches", type=numbers, default=[1, 4, 8, 16, 32])
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        for base in arguments.bases:
            for size in arguments.sizes:
                style = untrained_style(Path(scratch, f"base{base}-{size}"), base, size)
                for batch in arguments.batches:
                    try:
                        rows.append(measure(style, arguments.backend, batch, gflop(base, size)))
                    except EngineError as error:
                        print(f"base {base}, size {size}, batch {batch}: {error}", file=sys.stderr)
                        continue
                    print(to_markdown(rows[-1:]).splitlines()[-1])
    if not rows:
        sys.exit("error: nothing could be measured")
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.with_suffix(".json").write_text(json.dumps(rows, indent=2) + "\n")
    command = f"tools/bench_gpu.py {' '.join(sys.argv[1:])}"
    arguments.out.with_suffix(".md").write_text(f"`{command}`\n\n{to_markdown(rows)}")


if __name__ == "__main__":
    main()
