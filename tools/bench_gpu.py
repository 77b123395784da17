"""Time engines of untrained styles against eager PyTorch, over sizes, widths and batches.

python tools/bench_gpu.py docs/benchmarks/NAME [--sizes 256,512] [--bases 16,32] [--batches 1,8]

writes NAME.json and NAME.md. Each comparison runs both sides in turn.
"""

import argparse
import json
import logging
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from pmsgan.batch.baseline import baseline_precisions, measure_baseline
from pmsgan.batch.convert import convert_folder
from pmsgan.batch.settings import ConvertSettings
from pmsgan.engine.select import open_engine
from pmsgan.errors import EngineError
from pmsgan.export.style_folder import write_style
from pmsgan.model.config import GeneratorConfig
from pmsgan.model.generator import Generator, init_weights
from pmsgan.styles.registry import Style, read_style

BATCHES_IN_A_ROUND = 4
NUM_FILES = 400
CEILINGS = """
import json, time, torch
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
side = 8192 if device.type == "cuda" else 2048
a = torch.randn(side, side, device=device).bfloat16()
b = torch.empty_like(a)
def seconds(work, times=20):
    work(); wait(); start = time.perf_counter()
    for _ in range(times): work()
    wait(); return (time.perf_counter() - start) / times
print(json.dumps({
    "matrix product TFLOP/s": 2 * side**3 / seconds(lambda: a @ a) / 1e12,
    "copy GB/s": 2 * a.nbytes / seconds(lambda: b.copy_(a)) / 1e9,
}))
"""
"""Run in a process of its own, since torch and pycuda do not share one."""


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
        row: dict[str, Any] = {"base": style.generator.base_channels, "size": style.height}
        rivals = [(precision, False) for precision in baseline_precisions(engine.info)]
        for precision, compiled in [*rivals, (rivals[-1][0], True)]:
            measured = measure_baseline(engine, style, pictures, precision, compiled=compiled)
            row |= {
                "batch": engine.info.max_batch,  # halved where memory did not suffice
                "engine": f"{engine.info.runtime} {engine.info.precision}",
                "images/s": measured.engine_images_per_s,
                "images/s without copies": measured.gpu_images_per_s,
                "ms/image": 1e3 / measured.engine_images_per_s,
                "TFLOP/s": measured.engine_images_per_s * cost_gflop / 1e3,
            }
            rival = f"{'compiled' if compiled else 'eager'} {precision}"
            row[f"{rival} images/s"] = measured.eager_images_per_s
            row[f"times {rival}"] = measured.speedup
            row[f"dB to {rival}"] = measured.to_json()["psnr_db"]
    return row


def measure_folder(style: Style, backend: str, scratch: Path) -> dict[str, Any]:
    """Return how a folder of JPEGs to JPEGs compares with the engine alone."""
    source = scratch / "pictures"
    source.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    picture = cv2.resize(noise, (style.width, style.height), interpolation=cv2.INTER_CUBIC)
    for index in range(NUM_FILES):
        cv2.imwrite(str(source / f"{index}.jpg"), picture)
    report = convert_folder(
        source,
        scratch / "out",
        style,
        backend=backend,
        settings=ConvertSettings(output_format="jpg"),
        with_baseline=True,
    )
    alone = report.baselines[0].engine_images_per_s
    return {
        "folder images/s": report.images_per_s,
        "engine images/s": alone,
        "share": report.images_per_s / alone,
    }


def ceilings() -> dict[str, float]:
    """Return what plain PyTorch reaches here: a half-precision matrix product, and a copy."""
    told = subprocess.run(
        [sys.executable, "-c", CEILINGS], check=True, capture_output=True, text=True
    ).stdout
    result: dict[str, float] = json.loads(told)
    return result


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
        folder = measure_folder(style, arguments.backend, Path(scratch))
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    limits = ceilings()
    content = {"ceilings": limits, "folder": folder, "rows": rows}
    arguments.out.with_suffix(".json").write_text(json.dumps(content, indent=2) + "\n")
    command = f"tools/bench_gpu.py {' '.join(sys.argv[1:])}"
    arguments.out.with_suffix(".md").write_text(
        f"`{command}`\n\n{to_markdown(rows)}\nOf the last style, JPEG to JPEG:\n\n"
        f"{to_markdown([folder])}\nCeilings:\n\n{to_markdown([limits])}"
    )


if __name__ == "__main__":
    main()
