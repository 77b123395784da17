"""Make a style whose network has its initial weights, to measure speed with.

python tools/untrained_style.py /tmp/base32 --base 32 --size 512
"""

import argparse
from pathlib import Path

import torch

from pmsgan.export.style_folder import write_style
from pmsgan.model.config import GeneratorConfig
from pmsgan.model.generator import Generator
from pmsgan.model.initial_weights import set_initial_weights


def main() -> None:
    """Read the command line, and write the style."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="the style's folder; replaced if it is there")
    parser.add_argument("--base", type=int, default=32, help="channels of the first level")
    parser.add_argument("--size", type=int, default=512, help="side of a picture [pixels]")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    generator = Generator(GeneratorConfig(base_channels=arguments.base))
    set_initial_weights(generator, "scaled")
    exported = write_style(
        generator.eval(), arguments.folder, height=arguments.size, width=arguments.size,
        input_kind="noise", output_kind="noise", origin={"seed": arguments.seed},
    )  # fmt: skip
    print(f"{arguments.folder}: {exported.accuracy}")


if __name__ == "__main__":
    main()
