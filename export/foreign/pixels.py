"""Convert pictures between OpenCV's format and that of a foreign network, in NumPy.

It is written apart from the deployment graph, which is checked against it.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pmsgan.engine.accuracy import Pictures
from pmsgan.model.config import ChannelOrder, InputRange, Layout, OutputRange

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_DEVIATION = (0.229, 0.224, 0.225)
"""Values for red, green and blue, where pixels lie in 0..1."""

Values = NDArray[Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureFormat:
    """How a network takes and gives pictures."""

    layout_in: Layout
    layout_out: Layout
    order: ChannelOrder
    range_in: InputRange
    range_out: OutputRange
    is_grey: bool = False
    """Whether its result has one channel."""


def input_affine(wanted: InputRange, order: ChannelOrder) -> tuple[list[float], list[float]]:
    """Return scale and offset for levels 0..255; one or three numbers each."""
    if wanted == "imagenet":
        means, deviations = list(IMAGENET_MEAN), list(IMAGENET_DEVIATION)
        if order == "bgr":
            means.reverse()
            deviations.reverse()
        scale = [1.0 / 255.0 / deviation for deviation in deviations]
        return scale, [-mean / it for mean, it in zip(means, deviations, strict=True)]
    return {
        "0..1": ([1.0 / 255.0], [0.0]),
        "-1..1": ([2.0 / 255.0], [-1.0]),
        "0..255": ([1.0], [0.0]),
    }[wanted]


def output_affine(given: OutputRange) -> tuple[float, float]:
    """Return scale and offset that turn a network's values into levels 0..255."""
    return {
        "0..1": (255.0, 0.0),
        "-1..1": (127.5, 127.5),
        "0..255": (1.0, 0.0),
        "1..0": (-255.0, 255.0),
    }[given]


def to_network(pictures: Pictures, form: PictureFormat, dtype: Any) -> Values:
    """Return uint8 [N, H, W, 3] BGR as the network takes it."""
    values = pictures[..., ::-1] if form.order == "rgb" else pictures
    if dtype != np.uint8:
        scale, shift = input_affine(form.range_in, form.order)
        values = values * np.asarray(scale, np.float32) + np.asarray(shift, np.float32)
    if form.layout_in == "nchw":
        values = values.transpose(0, 3, 1, 2)
    return np.ascontiguousarray(values.astype(dtype))


def to_pictures(values: Values, form: PictureFormat) -> Pictures:
    """Return the network's output as uint8 [N, H, W, 3] BGR, rounded and clipped."""
    values = values.transpose(0, 2, 3, 1) if form.layout_out == "nchw" else values
    scale, shift = output_affine(form.range_out)
    levels = np.clip(np.rint(values.astype(np.float32) * scale + shift), 0, 255)
    levels = np.repeat(levels, 3, axis=3) if form.is_grey else levels
    if form.order == "rgb":
        levels = levels[..., ::-1]
    return np.ascontiguousarray(np.nan_to_num(levels).astype(np.uint8))
