"""Build the graph that ships: it takes bytes, returns bytes, and holds every step between."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from pmsgan.engine.graph import GraphPrecision
from pmsgan.engine.named_graph import INPUT_NAME, OUTPUT_NAME
from pmsgan.model.network import Network
from pmsgan.model.pixels import bytes_to_rgb, rgb_to_bytes

OPSET = 18
"""ONNX operator set that the exporter writes without conversion and every runtime reads."""


class DeploymentGraph(nn.Module):
    """A generator that takes and returns pictures in OpenCV's format.

    FP16 is a property of this graph: the generator's weights and activations are in half precision,
    while the conversions from bytes and to bytes are in single precision.
    """

    def __init__(self, generator: Network, precision: GraphPrecision = "fp32") -> None:
        """Wrap a generator and convert its weights; nothing else may use the generator."""
        super().__init__()
        self.dtype = torch.float16 if precision == "fp16" else torch.float32
        self.generator = generator.to(self.dtype)
        self.eval()

    def forward(self, image: Tensor) -> Tensor:
        """Translate uint8 [N, H, W, 3] BGR to the same, in a size that the graph takes."""
        translated = self.generator(bytes_to_rgb(image).to(self.dtype))[0]
        return rgb_to_bytes(translated)


def trace(graph: DeploymentGraph) -> torch.onnx.ONNXProgram:
    """Trace the graph to ONNX for pictures of any size and number.

    Returns:
        A program with input `image` and output `translated`, uint8 [N, height, width, 3] BGR, whose
        sides are multiples of the generator's `side_multiple`.
    """
    multiple = graph.generator.config.side_multiple
    example = torch.zeros(2, 4 * multiple, 6 * multiple, 3, dtype=torch.uint8)
    rows, columns = torch.export.Dim("rows", min=1), torch.export.Dim("columns", min=1)
    with quiet_exporter():
        program = torch.onnx.export(
            graph,
            (example,),
            dynamo=True,
            input_names=[INPUT_NAME],
            output_names=[OUTPUT_NAME],
            dynamic_shapes=(
                {0: torch.export.Dim("N", min=1), 1: multiple * rows, 2: multiple * columns},
            ),
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    return program


@contextmanager
def quiet_exporter() -> Iterator[None]:
    """Hide the exporter's warnings about its own internals and about optional packages."""
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            yield
    finally:
        log.setLevel(level)
