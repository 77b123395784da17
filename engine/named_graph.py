"""Identify a deployment graph by its hash, so that a cached engine need not read the file."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pmsgan.engine.int8.calibration import Calibration
from pmsgan.errors import EngineError
from pmsgan.model.config import check_sides
from pmsgan.regular_file import read_regular
from pmsgan.styles.registry import GRAPH_NAME, MAX_FILE_BYTES, Style

if TYPE_CHECKING:
    from pmsgan.engine.graph import GraphInfo

INPUT_NAME = "image"
OUTPUT_NAME = "translated"


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedGraph:
    """A deployment graph at a size, whose file has not been checked yet."""

    path: Path
    sha256: str
    height: int
    """Height of the pictures to run it on [pixels]."""
    width: int
    """Width of the pictures to run it on [pixels]."""
    calibration: Calibration | None = None
    """Ranges of activations that make it an INT8 graph; None in float."""

    @property
    def identity(self) -> str:
        """SHA-256 of everything that decides what the graph computes."""
        if self.calibration is None:
            return self.sha256
        return hashlib.sha256(f"{self.sha256} {self.calibration.sha256}".encode()).hexdigest()

    def checked(self) -> "GraphInfo":
        """Read the file, and check that it is such a graph.

        Raises:
            EngineError: it is missing or damaged, or no deployment graph for this size.
        """
        from pmsgan.engine.graph import read_graph

        checked = read_graph(self.path, (self.height, self.width))
        return replace(checked, calibration=self.calibration)

    def read(self) -> bytes:
        """Return the bytes of an ONNX file, with INT8 convolutions if the graph is calibrated.

        Raises:
            EngineError: the file cannot be read, or the calibration is of another graph.
        """
        try:
            data = read_regular(self.path, MAX_FILE_BYTES)
        except OSError as error:
            raise EngineError(f"cannot read {self.path}: {error.strerror}") from error
        if self.calibration is None:
            return data
        from pmsgan.engine.int8.quantise import quantise

        return quantise(data, self.calibration.ranges)


def graph_of(
    style: Style, size: tuple[int, int], calibration: Calibration | None = None
) -> NamedGraph:
    """Return the graph of a style at a size (height, width) [pixels].

    Raises:
        ConfigError: a side is not the multiple that the network needs.
    """
    height, width = size
    check_sides(height, width, style.generator.side_multiple)
    return NamedGraph(
        path=style.graph,
        sha256=style.sha256[GRAPH_NAME],
        height=height,
        width=width,
        calibration=calibration,
    )
