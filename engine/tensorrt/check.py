"""Check that a new engine is accurate, against the same graph in FP32 on the CPU."""

from dataclasses import replace

import numpy as np

from pmsgan.engine.accuracy import Accuracy, Pictures, check_pictures, compare, has_constant_picture
from pmsgan.engine.graph import GraphInfo
from pmsgan.engine.interface import Engine
from pmsgan.engine.openvino import OpenVinoEngine
from pmsgan.errors import EngineError

MIN_PSNR_DB = 35.0


def check_accuracy(engine: Engine, graph: GraphInfo, samples: Pictures | None = None) -> Accuracy:
    """Compare an engine with OpenVINO in FP32.

    Args:
        engine: the engine to check.
        graph: the graph that it was built from.
        samples: some of the pictures to translate, uint8 [N, H, W, 3] BGR; they are compared in
            addition to those of `check_pictures`.

    Returns:
        The difference between the engine's pictures and those of the CPU.

    Raises:
        EngineError: a picture has one colour only (NaN looks like that), or the PSNR is too low.
    """
    pictures = check_pictures(graph.height, graph.width)
    if samples is not None:
        pictures = np.concatenate([pictures, samples])
    in_float = replace(graph, calibration=None)
    with OpenVinoEngine(in_float, precision="fp32", use_cache=False) as reference:
        wanted = reference.translate(pictures)
    got = engine.translate(pictures)
    accuracy = compare(got, wanted)
    is_flat = has_constant_picture(got) and not has_constant_picture(wanted)
    if is_flat or accuracy.psnr_db < MIN_PSNR_DB:
        found = (
            "pictures of one colour" if is_flat else f"only {accuracy.psnr_db:.1f} dB PSNR to FP32"
        )
        raise EngineError(
            f"{engine.info.runtime} gives {found} with {graph.path.name} on {engine.info.device} "
            f"in {engine.info.precision}: use --precision fp32 (build-engine: --fp32)"
        )
    return accuracy
