"""Find the ranges of a network's input and output values, from its file or by running it."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import onnx

from pmsgan.engine.accuracy import check_pictures
from pmsgan.errors import ExportError
from pmsgan.export.foreign.ends import input_scale, output_range
from pmsgan.export.foreign.network import Network
from pmsgan.export.foreign.pixels import PictureFormat, to_network
from pmsgan.export.foreign.reading import ForeignFile
from pmsgan.export.foreign.settings import ImportSettings
from pmsgan.model.config import InputRange, OutputRange

_TRIED: tuple[InputRange, ...] = ("0..1", "-1..1", "0..255")
_RANGES: dict[OutputRange, tuple[float, float]] = {
    "0..1": (0.0, 1.0),
    "-1..1": (-1.0, 1.0),
    "0..255": (0.0, 255.0),
}


def with_ranges(
    network: Network,
    file: ForeignFile,
    settings: ImportSettings,
    form: PictureFormat,
    output: str,
    size: tuple[int, int],
    reasons: dict[str, str],
) -> PictureFormat:
    """Return the format with the ranges of input and output, and with the order of the colours."""
    reasons["order"] = (
        "the usual value; the file does not say" if settings.order == "auto" else "asked for"
    )
    form = replace(form, order="rgb" if settings.order == "auto" else settings.order)
    pictures = check_pictures(*size)[:3]
    range_in, range_out = _range_in(network, file, settings, reasons), settings.range_out
    if range_out == "auto":
        range_out = _range_out(file, output, reasons)
    else:
        reasons["range_out"] = "asked for"
    if range_in == "auto" and range_out != "auto":
        range_in = "0..1" if range_out == "1..0" else range_out
        reasons["range_in"] = "same as the output"
    if range_in != "auto" and range_out != "auto":
        return replace(form, range_in=range_in, range_out=range_out)
    tried: Sequence[InputRange] = [range_in] if range_in != "auto" else _TRIED
    spans = []
    for candidate in tried:
        form = replace(form, range_in=candidate)
        results = [
            network.run(to_network(picture[None], form, network.dtype), output)
            for picture in pictures
        ]
        low, high = (
            float(value) for value in np.quantile(np.stack(results).astype(float), (0.02, 0.98))
        )
        spans.append(f"{candidate} becomes {low:.3g}..{high:.3g}")
        for given, limits in _RANGES.items():
            is_likely = given == candidate or range_in != "auto"
            if is_likely and _fits(low, high, *limits):
                reasons["range_out"] = f"its results are {low:.3g}..{high:.3g}"
                reasons.setdefault("range_in", "same as the output")
                return replace(form, range_out=given)
    raise ExportError(
        f"the ranges of the network's input and output are not clear ({', '.join(spans)}): give "
        "--range-in and --range-out"
    )


def _range_in(
    network: Network, file: ForeignFile, settings: ImportSettings, reasons: dict[str, str]
) -> InputRange | Literal["auto"]:
    if settings.range_in != "auto":
        reasons["range_in"] = "asked for"
        return settings.range_in
    if network.dtype == np.uint8:
        reasons["range_in"] = "from the file: bytes"
        return "0..255"
    if (found := input_scale(file.model, file.input_name)) is None:
        return "auto"
    scale, shift = found
    reasons["range_in"] = f"from the file: times {scale:.3g}, plus {shift:.3g} is its first step"
    if abs(scale) < 0.02 or shift < -20:  # it divides by 255 or so, or takes a mean of levels away
        return "0..255"
    if scale > 1.5 and shift < -0.4:  # to -1..1, or by the mean and deviation of 0..1
        return "0..1"
    del reasons["range_in"]
    return "auto"


def _range_out(
    file: ForeignFile, output: str, reasons: dict[str, str]
) -> OutputRange | Literal["auto"]:
    (kind,) = (
        value.type.tensor_type.elem_type
        for value in file.model.graph.output
        if value.name == output
    )
    if kind == onnx.TensorProto.UINT8:
        reasons["range_out"] = "from the file: bytes"
        return "0..255"
    if (found := output_range(file.model, output)) is None:
        return "auto"
    (low, high), operator = found
    for name, (least, most) in _RANGES.items():
        if abs(low - least) < 0.02 * (most - least) and abs(high - most) < 0.02 * (most - least):
            reasons["range_out"] = f"from the file: {operator} at its end"
            return name
    return "auto"


def _fits(low: float, high: float, least: float, most: float) -> bool:
    """Whether most values lie within a range and use a part of it."""
    span = most - least
    return low >= least - 0.15 * span and high <= most + 0.15 * span and high - low > 0.05 * span
