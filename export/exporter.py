"""Export a generator, and keep the file only if its results agree with the generator's."""

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from pmsgan.atomic import replacing
from pmsgan.engine.accuracy import Accuracy, Pictures, check_pictures, compare, has_constant_picture
from pmsgan.engine.graph import GraphPrecision, read_graph, size_notes
from pmsgan.engine.openvino import OpenVinoEngine
from pmsgan.engine.trial import remember
from pmsgan.errors import EngineError, ExportError
from pmsgan.export.deploy import DeploymentGraph, trace
from pmsgan.export.onnx_file import write_onnx
from pmsgan.model.config import check_sides
from pmsgan.model.network import Network
from pmsgan.model.pixels import bytes_to_rgb, rgb_to_bytes
from pmsgan.model.weights import load_generator
from pmsgan.styles.registry import WEIGHTS_NAME, Style, find_style

MAX_DIFFERENCE_FP32 = 1
"""Largest difference to PyTorch that an FP32 file may have [grey levels]."""
MIN_PSNR_FP16_DB = 40.0
"""Lowest PSNR against FP32 that an FP16 file may have [dB]."""
MAX_FP16 = float(torch.finfo(torch.float16).max)


@dataclass(frozen=True, kw_only=True, slots=True)
class Exported:
    """A deployment graph that passed its check."""

    path: Path
    precision: GraphPrecision
    accuracy: Accuracy
    """Difference to the FP32 generator in PyTorch."""
    largest_activation: float
    """Largest absolute value inside the generator on the check pictures; FP16 holds up to 65504."""

    def to_json(self) -> dict[str, Any]:
        """Return the content for JSON."""
        return {
            "path": str(self.path),
            "precision": self.precision,
            "accuracy": self.accuracy.to_json(),
            "largest_activation": self.largest_activation,
        }


def export_generator(
    generator: Network,
    path: Path,
    *,
    height: int,
    width: int,
    precision: GraphPrecision,
    metadata: Mapping[str, str],
) -> Exported:
    """Write a generator as one ONNX file, run the file, and compare it with PyTorch.

    The graph takes pictures of any size; the file says its default size.
    The file runs in OpenVINO with FP32 arithmetic, which shows the effect of rounded weights. No
    CPU runtime shows an FP16 overflow, so PyTorch's activations are checked for it.

    Args:
        generator: the generator to export; it is not changed.
        path: the ONNX file; an existing one is replaced if the new one passes.
        height: default height of a picture [pixels].
        width: default width of a picture [pixels].
        precision: precision of the graph's weights and activations.
        metadata: further notes to keep in the file.

    Raises:
        ConfigError: a side is not a multiple of the generator's `side_multiple`.
        ExportError: the file cannot be written, or did not pass and was not kept.
    """
    multiple = generator.config.side_multiple
    check_sides(height, width, multiple)
    notes = {**size_notes(height, width, multiple), "precision": precision, **metadata}
    pictures = check_pictures(height, width)
    source = copy.deepcopy(generator).cpu().eval()
    reference, largest = _run_torch(source, pictures)
    if not math.isfinite(largest):
        raise ExportError(
            "the network's activations are not finite: its training diverged; "
            "train again with a lower --learning-rate"
        )
    if precision == "fp16" and largest > MAX_FP16:
        raise ExportError(
            f"activations reach {largest:.3g}, beyond FP16's {MAX_FP16:.0f}: "
            "export without --fp16, or train with a lower --learning-rate"
        )
    program = trace(DeploymentGraph(source, precision))
    try:
        with replacing(path) as candidate:
            write_onnx(program.model_proto, candidate, notes)
            accuracy = _check(candidate, pictures, reference, precision)
    except OSError as error:
        raise ExportError(f"cannot write {path}: {error.strerror}") from error
    return Exported(path=path, precision=precision, accuracy=accuracy, largest_activation=largest)


def export_style(
    style: Style | Path | str, path: Path | None = None, *, precision: GraphPrecision
) -> Exported:
    """Export the weights of a style again.

    Args:
        style: a style, its name, or the path of its folder.
        path: the ONNX file; by default NAME-PRECISION.onnx in the working folder.
        precision: precision of the graph's weights and activations.

    Raises:
        ConfigError: the style's network came as an ONNX file.
        StyleError: the style does not exist.
        ExportError: the file cannot be written, or did not pass and was not kept.
    """
    found = find_style(style)
    network = found.native_network(f"write its graph again, which is {found.graph}")
    return export_generator(
        load_generator(found.weights, network),
        path or Path(f"{found.name}-{precision}.onnx"),
        height=found.height,
        width=found.width,
        precision=precision,
        metadata=graph_metadata(found.name, found.sha256[WEIGHTS_NAME]),
    )


def graph_metadata(style: str, weights_sha256: str) -> dict[str, str]:
    """Return the metadata to keep in the graph of a style."""
    return {"style": style, "weights_sha256": weights_sha256}


def _check(
    candidate: Path, pictures: Pictures, reference: Pictures, precision: GraphPrecision
) -> Accuracy:
    try:
        results = _run_file(candidate, pictures)
    except EngineError as error:
        raise ExportError(f"the exported graph does not run: {error}") from error
    accuracy = compare(results, reference)
    if has_constant_picture(results):
        raise ExportError(
            "the exported graph gives a picture of one colour only: "
            "the weights are untrained or damaged; the file was deleted; train the style again"
        )
    if precision == "fp32" and accuracy.max_difference > MAX_DIFFERENCE_FP32:
        raise ExportError(
            f"the exported graph differs from PyTorch by more than {MAX_DIFFERENCE_FP32} grey "
            f"level ({accuracy}); the file was deleted; please report this as a bug"
        )
    if accuracy.psnr_db < MIN_PSNR_FP16_DB:
        raise ExportError(
            f"the exported graph is below {MIN_PSNR_FP16_DB:.0f} dB ({accuracy}); "
            "the file was deleted; try without --fp16"
        )
    return accuracy


def _run_file(path: Path, pictures: Pictures) -> Pictures:
    graph = read_graph(path)
    with OpenVinoEngine(graph, precision="fp32", use_cache=False) as engine:
        results = engine.translate(pictures)
    remember(graph.sha256, "openvino")
    return results


def _run_torch(generator: Network, pictures: Pictures) -> tuple[Pictures, float]:
    watch = _LargestActivation()
    with torch.no_grad():
        image = bytes_to_rgb(torch.from_numpy(pictures))
        with watch:
            translated = generator.float()(image)[0]
        return rgb_to_bytes(translated).numpy(), watch.largest


class _LargestActivation(TorchDispatchMode):
    """Records the largest absolute value that any operator returns; NaN counts as infinite."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.largest = 0.0

    def __torch_dispatch__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and result.is_floating_point() and result.numel():
            largest = float(result.abs().max().nan_to_num(nan=float("inf")))
            self.largest = max(self.largest, largest)
        return result
