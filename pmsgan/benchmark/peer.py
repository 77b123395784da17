"""The child that runs the peer network: `python -m pmsgan.benchmark.peer SPECIFICATION.json`."""

import sys
from collections.abc import Iterable
from pathlib import Path

import torch

from pmsgan.batch.comparison.child import failures_told, read_specification, serve
from pmsgan.benchmark.unet import UNet
from pmsgan.engine.eager import EagerEngine


def main(specification_file: str, questions: Iterable[str]) -> None:
    """Make an untrained network, whose speed is that of a trained one, and serve it."""
    with failures_told():
        specification, sample = read_specification(specification_file)
        torch.manual_seed(0)
        engine = EagerEngine(
            UNet(),
            height=sample.style.height,
            width=sample.style.width,
            precision=specification["precision"],
            max_batch=specification["max_batch"],
            num_threads=specification["num_threads"],
        )
        with engine:
            serve(engine, sample, Path(specification["results"]), questions)


if __name__ == "__main__":
    main(sys.argv[1], sys.stdin)
