"""Open the graphs of a style from elsewhere in a child process first, within bounds.

A runtime computes the constants of a graph when it opens it. A stranger's graph can make that last
for hours or fill the memory, and Ctrl-C cannot stop it. Graphs that pmsgan has made or opened on
this machine before are not tried, nor are those that ship with it.
"""

import contextlib
import importlib.util
import logging
import math
from pathlib import Path
from typing import Literal

import numpy as np

from pmsgan.bounds import bounds
from pmsgan.child import call_in_child
from pmsgan.engine.cache import cache_folder
from pmsgan.errors import ChildError, EngineError
from pmsgan.styles.registry import FP32_GRAPH_NAME, GRAPH_NAME, Style, shipped_styles_folder

OPEN_S = 3.0
"""CPU time that opening a graph may take [s], besides the allowance for the size of its file."""
BYTES_PER_S = 8 * 2**20
"""Bytes of a graph's file that allow one more second."""
MAX_BYTES = 128 * 2**20
"""Memory that opening a graph may take [bytes], besides that for its file."""
COPIES = 16
"""Further memory for opening a graph, as a multiple of the size of its file."""
MAX_READING_BYTES = 32 * 2**20
"""Memory that reading and checking a graph may take [bytes], besides that for its file."""
READING_COPIES = 4
"""Further memory for reading a graph, as a multiple of the size of its file."""
SECONDS_PER_PIXEL = 3e-4
"""CPU time that translating a pixel may take [s]."""
BYTES_PER_PIXEL = 2048
"""Memory that translating a pixel may take [bytes]."""
SIDE = 64
"""Side of the picture that a graph of any size is opened for [pixels]."""
TIMEOUT_S = 600.0
"""Wall-clock limit for systems that do not count CPU time [s]."""
_OPENED = "opened"

Runtime = Literal["openvino", "onnxruntime"]

_log = logging.getLogger(__name__)


def try_style(style: Style) -> None:
    """Open the graphs of a style in a child process, unless they have been opened before.

    Raises:
        EngineError: one is not a deployment graph, or takes too much time or memory.
    """
    if style.folder.parent == shipped_styles_folder():
        return
    runtimes: dict[Runtime, str] = {"openvino": GRAPH_NAME}
    if style.is_imported and importlib.util.find_spec("onnxruntime") is not None:
        runtimes["onnxruntime"] = FP32_GRAPH_NAME
    new = {it: name for it, name in runtimes.items() if not _is_known(style.sha256[name], it)}
    if new:
        _log.info("test-opening the graphs of %s, which are new on this machine", style.folder)
    for runtime, name in new.items():
        path = style.folder / name
        try:
            call_in_child(open_in_bounds, path.absolute(), runtime, timeout_s=TIMEOUT_S)
        except ChildError as error:
            text = str(error)
            known = text if str(path) in text else f"{path} cannot be opened: {text}"
            raise EngineError(known) from error
        remember(style.sha256[name], runtime)


def remember(sha256: str, runtime: Runtime) -> None:
    """Note that a runtime has opened the graph with this SHA-256, so that it is not tried again."""
    if (folder := cache_folder(_OPENED)) is not None:
        with contextlib.suppress(OSError):
            (folder / f"{sha256}-{runtime}").touch()


def opening_bounds(num_bytes: int) -> contextlib.AbstractContextManager[None]:
    """Bound the time and memory for opening a graph of this size [bytes], see `bounds`."""
    return bounds(
        seconds=OPEN_S + num_bytes / BYTES_PER_S, num_bytes=MAX_BYTES + COPIES * num_bytes
    )


def reading_bounds(num_bytes: int) -> contextlib.AbstractContextManager[None]:
    """Bound the time and memory for reading a graph of this size [bytes], see `bounds`."""
    return bounds(
        seconds=OPEN_S + num_bytes / BYTES_PER_S,
        num_bytes=MAX_READING_BYTES + READING_COPIES * num_bytes,
    )


def running_bounds(num_pixels: int) -> contextlib.AbstractContextManager[None]:
    """Bound the time and memory for translating this many pixels, see `bounds`."""
    return bounds(
        seconds=OPEN_S + SECONDS_PER_PIXEL * num_pixels,
        num_bytes=MAX_BYTES + BYTES_PER_PIXEL * num_pixels,
    )


def open_in_bounds(path: Path, runtime: Runtime) -> None:
    """Open a deployment graph, and translate a picture with it; call this in a child process.

    Raises:
        EngineError: the graph is not a deployment graph, or the runtime refuses it.
    """
    from pmsgan.engine.graph import read_graph
    from pmsgan.engine.openvino import OpenVinoEngine

    if runtime == "onnxruntime":
        from pmsgan.engine.onnxruntime import OnnxRuntimeEngine
    num_bytes = path.stat().st_size
    with reading_bounds(num_bytes):
        graph = read_graph(path)
        if graph.side_multiple is not None:
            side = math.ceil(SIDE / graph.side_multiple) * graph.side_multiple
            graph = graph.resized((side, side))
    with opening_bounds(num_bytes):
        engine = (
            OnnxRuntimeEngine(graph, max_batch=1, num_threads=1)
            if runtime == "onnxruntime"
            else OpenVinoEngine(graph, max_batch=1, num_threads=1, use_cache=False)
        )
    with engine, running_bounds(graph.height * graph.width):
        engine.translate(np.zeros((1, graph.height, graph.width, 3), np.uint8))


def _is_known(sha256: str, runtime: Runtime) -> bool:
    folder = cache_folder(_OPENED)
    return folder is not None and (folder / f"{sha256}-{runtime}").is_file()
