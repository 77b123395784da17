"""Read, probe, wrap, convert and check a foreign network, in one process."""

import math
import os
import sys
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import onnx

from pmsgan.engine.accuracy import Accuracy, Pictures, check_pictures, compare, has_constant_picture
from pmsgan.engine.graph import read_graph, size_notes
from pmsgan.engine.limits import check_sizes
from pmsgan.engine.onnxruntime import OnnxRuntimeEngine
from pmsgan.engine.trial import opening_bounds, remember
from pmsgan.errors import EngineError, ExportError
from pmsgan.export.foreign.half import is_half, overflowing_nodes, to_half
from pmsgan.export.foreign.network import Network
from pmsgan.export.foreign.pixels import to_network, to_pictures
from pmsgan.export.foreign.probe import ProbeResult, agrees_in_tiles, probe
from pmsgan.export.foreign.reading import ForeignFile, read_foreign
from pmsgan.export.foreign.settings import ImportSettings
from pmsgan.export.foreign.wrap import free_sides, wrap
from pmsgan.export.onnx_file import write_onnx
from pmsgan.model.config import OnnxConfig
from pmsgan.styles.registry import FP32_GRAPH_NAME, GRAPH_NAME
from pmsgan.styles.scaling import TILE_SIZE, Scaling

MAX_DIFFERENCE_FP32 = 1
"""Largest difference to the file that the FP32 graph may have [grey levels]."""
MIN_PSNR_DB = 40.0
"""Lowest PSNR against the file that the graph that ships may have [dB]."""
LARGE_SIDE = 256
"""Side above which fewer pictures are run [pixels]."""
MAX_PROBE_SIDE = 2048
"""Largest side of pictures for which the sizes between operators are checked [pixels]."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Built:
    """The graphs of a style made from a foreign network, and the findings about it."""

    config: OnnxConfig
    height: int
    """Height of a picture [pixels]."""
    width: int
    """Width of a picture [pixels]."""
    is_grey: bool
    is_batch_fixed: bool
    """Whether it takes only one picture at a time."""
    scaling: Scaling
    precision: Literal["fp16", "fp32"]
    kept: tuple[str, ...]
    """Nodes that stay in FP32, since FP16 would not hold their values."""
    accuracy_fp32: Accuracy
    """Difference of the FP32 graph to the file, both in ONNX Runtime."""
    accuracy: Accuracy
    """Difference of the graph that ships, in OpenVINO, to the file in ONNX Runtime."""
    reasons: dict[str, str] = field(default_factory=dict)
    """Source of each finding."""


def build(path: Path, draft: Path, settings: ImportSettings) -> Built:
    """Write the two graphs of a style.

    Args:
        path: an ONNX file.
        draft: a folder to write to.
        settings: the user's settings for the network.

    Raises:
        EngineError: the file holds something unsupported, or a runtime refuses it.
        ExportError: the file is not such a network, or a graph does not agree with it.
    """
    file = read_in_bounds(path, settings)
    data = file.model.SerializeToString()
    found = probe(Network(data, is_bounded=True), file, settings)
    network = Network(data)
    pictures = check_pictures(*found.probe_size)
    if max(found.probe_size) > LARGE_SIDE:
        pictures = pictures[1:3]  # smooth colour and noise
    wanted = network.translate(pictures, found.form, found.output)
    if (wanted == wanted[:, :1, :1]).all():
        raise ExportError(
            "every result has only one colour: check --range-in, --range-out and --layout"
        )
    file, is_batch_fixed = _with_free_batch(file, found, pictures[:2], wanted[:2])
    config = OnnxConfig(
        side_multiple=found.side_multiple or 1,
        layout=found.form.layout_in,
        order=found.form.order,
        range_in=found.form.range_in,
        range_out=found.form.range_out,
    )
    writer = _Writer(file, found, is_batch_fixed)
    writer.write(file.model, draft / FP32_GRAPH_NAME, "fp32")
    accuracy_fp32 = _check_fp32(draft / FP32_GRAPH_NAME, found, pictures, wanted)
    kept: list[str] = []
    if settings.precision == "fp32" or is_half(file.model):
        writer.write(file.model, draft / GRAPH_NAME, settings.precision)
    else:
        kept = overflowing_nodes(file, pictures, found.form)
        writer.write(to_half(file.model, kept), draft / GRAPH_NAME, "fp16")
    accuracy = _check(draft / GRAPH_NAME, found, pictures, wanted)
    reasons = dict(found.reasons)
    scaling = _scaling(network, found, settings, reasons)
    return Built(
        config=config,
        height=found.size[0],
        width=found.size[1],
        is_grey=found.form.is_grey,
        is_batch_fixed=is_batch_fixed,
        scaling=scaling,
        precision=settings.precision,
        kept=tuple(kept),
        accuracy_fp32=accuracy_fp32,
        accuracy=accuracy,
        reasons=reasons,
    )


def build_in_bounds(path: Path, draft: Path, settings: ImportSettings) -> Built:
    """Do what `build` does, in a process that takes no more memory than the machine has."""
    if sys.platform != "win32":
        import resource

        with suppress(ValueError, OSError):
            limit = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    return build(path, draft, settings)


def read_in_bounds(path: Path, settings: ImportSettings) -> ForeignFile:
    """Read a file, and check everything that can be checked without a runtime.

    Raises:
        EngineError: the file holds something unsupported.
        ExportError: the network does not take one picture.
    """
    file = read_foreign(path)
    if settings.multiple is not None:
        file = replace(file, model=free_sides(file.model, batch=False, sides=True))
    with opening_bounds(file.model.ByteSize()):
        _check_sizes(file, path)
    if (file.input_shape[0] or 1) != 1:
        raise ExportError(f"it takes {file.input_shape[0]} pictures at a time: it must be 1 or any")
    return file


@dataclass(frozen=True, slots=True)
class _Writer:
    """Writes deployment graphs of one network."""

    file: ForeignFile
    found: ProbeResult
    is_batch_fixed: bool

    def write(self, network: onnx.ModelProto, path: Path, precision: str) -> None:
        found = self.found
        model = wrap(
            network,
            found.form,
            input_name=self.file.input_name,
            output_name=found.output,
            size=found.size if found.side_multiple is None else None,
            is_batch_fixed=self.is_batch_fixed,
        )
        notes = {"network": "onnx", "precision": precision}
        if found.side_multiple is not None:
            notes |= size_notes(*found.size, found.side_multiple)
        write_onnx(model, path, notes)


def _check_sizes(file: ForeignFile, path: Path) -> None:
    """Check the sizes between operators at a usual size, before a runtime sees the network."""
    is_last = file.input_shape[3] == 3
    sides = [side or (3 if is_last == (place == 3) and place in (1, 3) else 256)
             for place, side in enumerate(file.input_shape)][1:]  # fmt: skip
    if max(sides) > MAX_PROBE_SIDE:
        raise ExportError(f"{path} takes pictures of {sides}: sides may be up to {MAX_PROBE_SIDE}")
    check_sizes(file.model, path, (1, *sides))


def _with_free_batch(
    file: ForeignFile, found: ProbeResult, pictures: Pictures, wanted: Pictures
) -> tuple[ForeignFile, bool]:
    """Return the network with a dynamic batch dimension if it runs, and whether it does not.

    Args:
        file: the network.
        found: how it takes pictures.
        pictures: two of them, uint8 [2, H, W, 3] BGR.
        wanted: the result of each one alone.
    """
    freed = free_sides(file.model, batch=True, sides=False)
    try:
        network = Network(freed.SerializeToString())
        values = to_network(pictures, found.form, network.dtype)
        both = network.run(values, found.output)
        is_free = both.shape[0] == 2 and (
            compare(to_pictures(both, found.form), wanted).max_difference <= MAX_DIFFERENCE_FP32
        )
    except EngineError:
        is_free = False
    found.reasons["batch"] = "found by running it" if is_free else "batches of two do not work"
    return (replace(file, model=freed), False) if is_free else (file, True)


def _check_fp32(path: Path, found: ProbeResult, pictures: Pictures, wanted: Pictures) -> Accuracy:
    graph = read_graph(path, found.probe_size)
    with OnnxRuntimeEngine(graph) as engine:
        accuracy = compare(engine.translate(pictures), wanted)
    remember(graph.sha256, "onnxruntime")
    if accuracy.max_difference > MAX_DIFFERENCE_FP32:
        raise ExportError(
            f"its deployment graph differs from it by more than {MAX_DIFFERENCE_FP32} grey level "
            f"({accuracy}); please report this as a bug"
        )
    return accuracy


def _check(path: Path, found: ProbeResult, pictures: Pictures, wanted: Pictures) -> Accuracy:
    from pmsgan.engine.openvino import OpenVinoEngine

    graph = read_graph(path, found.probe_size)
    with OpenVinoEngine(graph, precision="fp32", use_cache=False) as engine:
        results = engine.translate(pictures)
    remember(graph.sha256, "openvino")
    accuracy = compare(results, wanted)
    is_flat = has_constant_picture(results) and not has_constant_picture(wanted)
    if is_flat or accuracy.psnr_db < MIN_PSNR_DB:
        raise ExportError(
            f"its {graph.precision} graph in OpenVINO is below {MIN_PSNR_DB:.0f} dB to the file in "
            f"ONNX Runtime ({accuracy}): try --precision fp32"
        )
    return accuracy


def _scaling(
    network: Network, found: ProbeResult, settings: ImportSettings, reasons: dict[str, str]
) -> Scaling:
    """Choose how results are enlarged: in tiles if these agree with the whole."""
    long_side = max(found.size)
    whole = Scaling(mode="plain", working_size=long_side)
    if settings.scaling in ("plain", "guided"):
        reasons["scaling"] = "asked for"
        return replace(whole, mode=settings.scaling)
    if found.side_multiple is None:
        if settings.scaling == "tiles":
            raise ExportError("it takes pictures of a fixed size, and tiles need a dynamic one")
        reasons["scaling"] = "the file has a fixed size"
        return whole
    tile = math.ceil(TILE_SIZE / found.side_multiple) * found.side_multiple
    tiles = Scaling(mode="tiles", min_size=0, tile_size=tile)
    if settings.scaling == "tiles":
        reasons["scaling"] = "asked for"
        return tiles
    agrees, psnr_db = agrees_in_tiles(network, found)
    reasons["scaling"] = (
        f"a tile is at {psnr_db:.1f} dB PSNR to the same area of the whole picture"
        if math.isfinite(psnr_db)
        else "a tile is equal to the same area of the whole picture"
    )
    return tiles if agrees else whole
