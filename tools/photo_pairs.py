"""Make the pairs that styles of photographs are trained on: cuts of them, and drawings of the cuts.

    python tools/photo_pairs.py PHOTOS OUT --teacher comic --per-photo 12 --skip NAMES
    python tools/photo_pairs.py PHOTOS OUT --teacher comic --whole 512 --only NAMES

Each photograph gives several squares, turned, shifted, scaled and lit by chance, from a face close
by to half of a person; small photographs are enlarged by at most MAX_SCALE. Lines are as thick in
one square as in the other, so that the style works on pictures of any size. Half of the
photographs, but never the drawings, lose quality afterwards as pictures from phones and web pages
do: by JPEG, noise and blur. --whole gives each photograph as it is: pairs that are held out. NAMES
is a file such as tools/held_out_portraits.txt. OUT/photo and OUT/TEACHER are then a set for pmsgan
train --direction photo:TEACHER. The same seed gives the same pairs, however many processes make
them.
"""

import argparse
import multiprocessing
import random
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from teachers.comic import draw_comic
from teachers.ink import draw_ink
from tqdm import tqdm

from pmsgan.data.picture_file import PictureFile
from pmsgan.evaluation.folders import picture_files
from pmsgan.resize import resize_into

Image = NDArray[np.uint8]

TEACHERS: dict[str, Callable[[Image], Image]] = {"comic": draw_comic, "ink": draw_ink}
SIDE = 288
"""Side of a pair [pixels]."""
MARGIN = 32
"""Pixels around a pair that only the teacher sees, so that its lines go on past the edge."""
MAX_SCALE = 1.28
"""A photograph is enlarged by no more."""


def cut(photo: Image, rng: random.Random) -> Image:
    """Return a random square of a photograph with its margin: uint8 [H, W, 3] BGR."""
    height, width = photo.shape[:2]
    shorter = min(height, width)
    side = rng.uniform(min(SIDE / MAX_SCALE, shorter), shorter)
    x = rng.uniform(side / 2, width - side / 2)
    y = side / 2 + rng.betavariate(1.0, 2.0) * (height - side)  # faces are in the upper half
    turn = cv2.getRotationMatrix2D((x, y), rng.uniform(-12.0, 12.0), SIDE / side)
    canvas = SIDE + 2 * MARGIN
    turn[:, 2] += canvas / 2 - np.array([x, y])
    if side > SIDE:  # against aliasing
        sigma = 0.5 * float(np.sqrt((side / SIDE) ** 2 - 1.0))
        photo = cv2.GaussianBlur(photo, (0, 0), sigma).astype(np.uint8, copy=False)
    return cv2.warpAffine(
        photo, turn, (canvas, canvas), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    ).astype(np.uint8, copy=False)


def light(image: Image, rng: random.Random) -> Image:
    """Return a picture in another light: exposure, contrast, white balance; some are grey.

    The teacher draws the result: what it depends on can be seen in the photograph.
    """
    is_grey, is_lit = rng.random() < 0.04, rng.random() < 0.5
    if is_lit:
        gamma = np.exp(rng.gauss(0.0, 0.2))
        gains = np.exp([rng.gauss(0.0, 0.04) for _ in range(3)])
        levels = np.linspace(0.0, 1.0, 256)[:, np.newaxis] ** gamma * gains
        table = np.rint(255.0 * np.clip(levels, 0.0, 1.0)).astype(np.uint8)
        image = cv2.LUT(image, table[np.newaxis]).astype(np.uint8, copy=False)
    if is_grey:
        grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        image = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR).astype(np.uint8, copy=False)
    return image


def wear(image: Image, rng: random.Random) -> Image:
    """Return a photograph as a phone or a web page may give it: softer, noisy, compressed."""
    if rng.random() < 0.3:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 0.8)).astype(np.uint8)
    if rng.random() < 0.4:
        random_levels = np.random.default_rng(rng.getrandbits(32))
        noise = random_levels.normal(0.0, rng.uniform(1.0, 5.0), image.shape)
        image = np.clip(np.rint(image + noise), 0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        quality = [cv2.IMWRITE_JPEG_QUALITY, rng.randint(40, 85)]
        image = cv2.imdecode(cv2.imencode(".jpg", image, quality)[1], cv2.IMREAD_COLOR).astype(
            np.uint8, copy=False
        )
    return image


def pairs_of(
    entry: tuple[str, Path], teacher: str, per_photo: int, whole: int, seed: int, out: Path
) -> None:
    """Write the pairs of one photograph."""
    name, path = entry
    cv2.setNumThreads(1)  # there is a process for each core
    photo = PictureFile(path).read()
    name = name.replace("/", "_")
    if whole:
        scale = whole / min(photo.shape[:2])
        height, width = (round(scale * length) for length in photo.shape[:2])
        sized = np.empty((height, width, 3), np.uint8)
        resize_into(photo, sized)
        write(out, teacher, name, sized, TEACHERS[teacher](sized))
        return
    for number in range(per_photo):
        rng = random.Random(f"{seed} {name} {number}")
        canvas = light(cut(photo, rng), rng)
        inner = (slice(MARGIN, -MARGIN), slice(MARGIN, -MARGIN))
        drawing = TEACHERS[teacher](canvas)[inner]
        source = np.ascontiguousarray(canvas[inner])
        if rng.random() < 0.5:
            source = wear(source, rng)
        write(out, teacher, f"{name}_{number}", source, drawing)


def write(out: Path, teacher: str, name: str, photo: Image, drawing: Image) -> None:
    """Write a pair as a JPEG and a WebP, which is kinder to edges and colours."""
    cv2.imwrite(str(out / "photo" / f"{name}.jpg"), photo, [cv2.IMWRITE_JPEG_QUALITY, 90])
    cv2.imwrite(str(out / teacher / f"{name}.webp"), drawing, [cv2.IMWRITE_WEBP_QUALITY, 92])


def main() -> None:
    """Read the command line, and write the pairs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", type=Path, help="folder of photographs")
    parser.add_argument("out", type=Path)
    parser.add_argument("--teacher", choices=sorted(TEACHERS), required=True)
    parser.add_argument("--per-photo", type=int, default=8)
    parser.add_argument(
        "--whole", type=int, default=0, metavar="PIXELS", help="one pair for each, its shorter side"
    )
    parser.add_argument("--only", type=Path, help="file of names, a line each: no others")
    parser.add_argument("--skip", type=Path, help="file of names, a line each: all others")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, help="as many as there are cores")
    arguments = parser.parse_args()
    for side in ("photo", arguments.teacher):
        (arguments.out / side).mkdir(parents=True, exist_ok=True)
    photos = sorted(picture_files(arguments.photos).items())
    if arguments.only:
        names = set(arguments.only.read_text().split())
        photos = [entry for entry in photos if entry[0] in names]
    if arguments.skip:
        names = set(arguments.skip.read_text().split())
        photos = [entry for entry in photos if entry[0] not in names]
    work = partial(
        pairs_of,
        teacher=arguments.teacher,
        per_photo=arguments.per_photo,
        whole=arguments.whole,
        seed=arguments.seed,
        out=arguments.out,
    )
    with multiprocessing.get_context("spawn").Pool(arguments.processes) as pool:
        for _ in tqdm(pool.imap_unordered(work, photos), total=len(photos), unit="photo"):
            pass


if __name__ == "__main__":
    main()
