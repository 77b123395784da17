"""Say whether a style serves light, middle and dark skin alike: its error on faces, by skin tone.

    pip install scikit-image
    python tools/skin_tones.py PHOTOS RESULTS TRUTH

Compares RESULTS, which a style made of PHOTOS, with TRUTH, which its teacher drew, where the face
is: PSNR and FSIM. Pictures go together by their names. scikit-image's cascade finds the face;
where it finds none, the middle of the upper half is taken, and the number of those is printed. The
tone is the individual typology angle of the skin: ITA = arctan((L* - 50) / b*) in degrees. It
depends on the light, too: the groups are of pictures, not of people.
"""

import argparse
import statistics
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from pmsgan.data.picture_file import PictureFile
from pmsgan.engine.accuracy import compare
from pmsgan.evaluation.folders import picture_files
from pmsgan.evaluation.metrics import load_pair_metric, to_tensor

Image = NDArray[np.uint8]
Box = tuple[slice, slice]
"""Rows and columns."""

GROUPS = {"light": 41.0, "middle": 10.0, "dark": -90.0}
"""Least ITA of a group [degrees]: Chardon's classes, two at a time."""
GREY = "grey"
"""Group of pictures without the hue of skin."""


def find_face(photo: Image, cascade: Any) -> Box | None:
    """Return the largest face that a scikit-image cascade finds; None if it finds none."""
    height, width = photo.shape[:2]
    shorter = min(height, width)
    smallest, largest = shorter // 6, int(0.9 * shorter)
    faces = cascade.detect_multi_scale(
        img=cv2.cvtColor(photo, cv2.COLOR_BGR2RGB),
        scale_factor=1.1,
        step_ratio=1,
        min_size=(smallest, smallest),
        max_size=(largest, largest),
    )
    if not faces:
        return None
    face = max(faces, key=lambda found: found["width"])
    top, left = face["r"], face["c"]
    return slice(top, top + face["height"]), slice(left, left + face["width"])


def middle_of(photo: Image) -> Box:
    """Return the place where a portrait usually has its face."""
    height, width = photo.shape[:2]
    return slice(height // 6, 2 * height // 3), slice(width // 4, 3 * width // 4)


def skin_tone(face: Image) -> float | None:
    """Return the individual typology angle of a face [degrees]: 90 is the lightest.

    Args:
        face: uint8 [H, W, 3] BGR; the inner half of its sides counts, and there what has the hue of
            skin.

    Returns:
        None where nothing has the hue of skin, as in a grey photograph.
    """
    height, width = face.shape[:2]
    inner = face[height // 4 : height - height // 4, width // 4 : width - width // 4]
    lab = cv2.cvtColor(inner.astype(np.float32) / 255.0, cv2.COLOR_BGR2LAB)
    hue = np.degrees(np.arctan2(lab[..., 2], lab[..., 1]))
    skin = (hue > 15.0) & (hue < 85.0) & (np.hypot(lab[..., 1], lab[..., 2]) > 6.0)
    if not skin.any():
        return None
    lightness, _, yellow = np.median(lab[skin], axis=0)
    return float(np.degrees(np.arctan2(lightness - 50.0, yellow)))


def group_of(tone: float | None) -> str:
    """Return the name of the group of a skin tone [degrees]."""
    if tone is None:
        return GREY
    return next(name for name, least in GROUPS.items() if tone >= least)


def main() -> None:
    """Read the command line, measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("photos", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("truth", type=Path)
    arguments = parser.parse_args()
    from skimage.data import lbp_frontal_face_cascade_filename
    from skimage.feature import Cascade

    cascade = Cascade(lbp_frontal_face_cascade_filename())
    fsim = load_pair_metric("fsim", torch.device("cpu"))
    folders = [
        picture_files(folder) for folder in (arguments.photos, arguments.results, arguments.truth)
    ]
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in (*GROUPS, GREY)}
    num_guessed = 0
    for name in sorted(set.intersection(*(set(folder) for folder in folders))):
        photo, result, true = (PictureFile(folder[name]).read() for folder in folders)
        box = find_face(photo, cascade)
        num_guessed += box is None
        box = box or middle_of(photo)
        pair = [np.ascontiguousarray(image[box]) for image in (result, true)]
        tensors = [to_tensor(image, torch.device("cpu")) for image in pair]
        group = group_of(skin_tone(photo[box]))
        measured[group].append((compare(*pair).psnr_db, fsim(*tensors)))
    print("| skin | pictures | median PSNR on the face | worst | FSIM on the face |")
    print("|---|---|---|---|---|")
    for group, values in measured.items():
        if values:
            psnr, similarity = zip(*values, strict=True)
            print(
                f"| {group} | {len(values)} | {statistics.median(psnr):.1f} dB "
                f"| {min(psnr):.1f} dB | {statistics.fmean(similarity):.3f} |"
            )
    print(f"no face found in {num_guessed}: the middle of the upper half taken")


if __name__ == "__main__":
    main()
