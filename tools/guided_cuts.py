"""Show what a guided filter does for a style: source, plain enlargement and guided, cut out at 1:1.

python tools/guided_cuts.py anime DRAWING docs/styles/anime_guided.jpg --cut 300 400
"""

import argparse
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from pmsgan.batch.pictures.colour import Pixels
from pmsgan.batch.pictures.load import load_whole
from pmsgan.batch.translator import open_style
from pmsgan.styles.registry import Style, find_style

GAP = 8
"""White between the cuts [pixels]."""


def main() -> None:
    """Read the command line, and write the picture."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("style", type=find_style, help="name or folder of a guided style")
    parser.add_argument("picture", type=Path)
    parser.add_argument("out", type=Path, help="JPEG to write")
    parser.add_argument("--cut", type=int, nargs=2, default=(0, 0), help="top and left [pixels]")
    parser.add_argument("--side", type=int, default=400, help="side of a cut [pixels]")
    arguments = parser.parse_args()
    style: Style = arguments.style
    source = load_whole(arguments.picture.read_bytes())
    plain = replace(style, scaling=replace(style.scaling, mode="plain"))
    (top, left), side = arguments.cut, arguments.side
    cuts = [
        image[top : top + side, left : left + side]
        for image in (source, translate(plain, source), translate(style, source))
    ]
    gap = np.full((cuts[0].shape[0], GAP, 3), 255, np.uint8)
    sheet = np.hstack([cuts[0], gap, cuts[1], gap, cuts[2]])
    cv2.imwrite(str(arguments.out), sheet, [cv2.IMWRITE_JPEG_QUALITY, 90])


def translate(style: Style, source: Pixels) -> Pixels:
    """Return a style's result in the size of its source."""
    with open_style(style) as translator:
        return translator.translate(source)


if __name__ == "__main__":
    main()
