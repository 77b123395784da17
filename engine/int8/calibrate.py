"""Measure the ranges of a graph's activations, and refuse INT8 where it is not accurate."""

import hashlib
import logging
from dataclasses import replace

import numpy as np

from pmsgan.bar import Bar
from pmsgan.counts import count
from pmsgan.engine.accuracy import Accuracy, Pictures, compare, has_constant_picture
from pmsgan.engine.graph import GraphInfo
from pmsgan.engine.int8.calibration import Calibration
from pmsgan.engine.int8.quantise import measuring_graph
from pmsgan.engine.openvino import OpenVinoEngine, compile_graph
from pmsgan.errors import EngineError

MIN_PSNR_DB = 40.0
"""Lowest PSNR to FP32 that INT8 may have."""
MAX_PSNR_DB = 100.0
"""Replaces an infinite PSNR, which JSON cannot represent."""
MIN_PICTURES = 4
CHECKED_EVERY = 4
"""One in this many pictures is left out of the ranges, and INT8 is checked on it."""

_log = logging.getLogger(__name__)


def calibrate(graph: GraphInfo, pictures: Pictures) -> Calibration:
    """Calibrate a graph for INT8, and compare its INT8 pictures with those in FP32.

    Args:
        graph: the graph.
        pictures: pictures of the kind that it will translate, uint8 [N, H, W, 3] BGR of the graph's
            size.

    Raises:
        EngineError: there are too few pictures, the graph has nothing to quantise, or INT8 gives a
            picture of one colour or is less accurate than `MIN_PSNR_DB`.
    """
    if len(pictures) < MIN_PICTURES:
        raise EngineError(
            f"{len(pictures)} pictures are too few to calibrate on: give at least {MIN_PICTURES}, "
            "or better a few dozen"
        )
    is_checked = np.arange(len(pictures)) % CHECKED_EVERY == CHECKED_EVERY - 1
    measured, checked = pictures[~is_checked], pictures[is_checked]
    draft = Calibration(
        graph_sha256=graph.sha256,
        num_pictures=len(measured),
        pictures_sha256=hashlib.sha256(pictures.tobytes()).hexdigest(),
        psnr_db=0.0,
        ranges=_measure_ranges(graph, measured),
    )
    accuracy = _check(replace(graph, calibration=draft), checked)
    return replace(draft, psnr_db=round(min(accuracy.psnr_db, MAX_PSNR_DB), 1))


def _check(graph: GraphInfo, pictures: Pictures) -> Accuracy:
    results = {}
    for calibration in (None, graph.calibration):
        with OpenVinoEngine(
            replace(graph, calibration=calibration),
            precision="fp32" if calibration is None else "int8",
            use_cache=False,
        ) as engine:
            results[engine.info.precision] = engine.translate(pictures)
    accuracy = compare(results["int8"], results["fp32"])
    is_flat = has_constant_picture(results["int8"]) and not has_constant_picture(results["fp32"])
    if is_flat or accuracy.psnr_db < MIN_PSNR_DB:
        found = (
            "pictures of one colour" if is_flat else f"only {accuracy.psnr_db:.1f} dB PSNR to FP32"
        )
        raise EngineError(
            f"INT8 gives {found} with {graph.path}, and {MIN_PSNR_DB:.0f} dB are required: "
            "calibrate on more pictures of the kind that the style was made for, or leave out "
            "--int8"
        )
    _log.info("checked on %s: %s", count(len(pictures), "other picture"), accuracy)
    return accuracy


def _measure_ranges(graph: GraphInfo, pictures: Pictures) -> dict[str, float]:
    """Return the usual largest absolute value of each activation that is quantised.

    It is the mean over the pictures of each picture's largest value, so that no single picture
    makes all levels coarse.
    """
    data, names = measuring_graph(graph.read())
    if not names:
        raise EngineError(f"{graph.path} has no convolution that INT8 would speed up")
    compiled = compile_graph(graph, {"INFERENCE_PRECISION_HINT": "f32"}, data)
    largest = [
        [float(value) for value in compiled(picture[None]).values()]
        for picture in Bar(pictures, desc="calibrating", unit="picture")
    ]
    means = np.mean(largest, axis=0)
    return {name: float(f"{mean:.4g}") for name, mean in zip(names, means, strict=True)}
