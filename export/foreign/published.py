"""Write the networks of published weights as ONNX; this needs torch, in a child process."""

from pathlib import Path
from typing import Any

import torch

from pmsgan.engine.limits import MAX_FILE_BYTES
from pmsgan.errors import CheckpointError
from pmsgan.export.deploy import OPSET, quiet_exporter
from pmsgan.model.junyanz import PublishedNetwork, make_published
from pmsgan.model.torch_file import read_torch_file


def write_published(path: Path, network: PublishedNetwork, onnx_path: Path) -> None:
    """Write a network with the weights of a file as ONNX: float [N, 3, H, W] RGB in [-1, 1].

    Args:
        path: a file of torch.save; only tensors are read from it.
        network: the network that it holds weights for.
        onnx_path: the file to write.

    Raises:
        CheckpointError: the file is damaged, or holds other weights.
    """
    generator = make_published(network, _read_weights(path))
    multiple = generator.side_multiple
    # torch.export takes a side of 1, as the deepest level would have, for one that never changes.
    example = torch.zeros(2, 3, 2 * multiple, 3 * multiple)
    rows, columns = torch.export.Dim("rows", min=1), torch.export.Dim("columns", min=1)
    with quiet_exporter():
        program = torch.onnx.export(
            generator,
            (example,),
            dynamo=True,
            input_names=["picture"],
            output_names=["result"],
            dynamic_shapes=(
                {0: torch.export.Dim("N", min=1), 2: multiple * rows, 3: multiple * columns},
            ),
            opset_version=OPSET,
            verbose=False,
        )
    assert program is not None
    onnx_path.write_bytes(program.model_proto.SerializeToString())


def _read_weights(path: Path) -> dict[str, Any]:
    try:
        content = read_torch_file(path, MAX_FILE_BYTES)
    except (OSError, ValueError) as error:
        raise CheckpointError(
            f"{path} is not a file of weights: give the latest_net_G.pth of a training"
        ) from error
    if not isinstance(content, dict) or not all(map(_is_whole, content.values())):
        raise CheckpointError(f"{path} holds more than weights: give the latest_net_G.pth alone")
    return {str(key): value.float() for key, value in content.items()}


def _is_whole(value: object) -> bool:
    """Say whether it is a tensor with all its numbers in the file, and no repeating view."""
    return (
        isinstance(value, torch.Tensor)
        and value.layout == torch.strided
        and value.numel() * value.element_size() <= value.untyped_storage().nbytes()
    )
