"""Convert pictures between OpenCV's format and the network's.

The only place where colour order and value range change.
"""

import torch
from torch import Tensor


def bytes_to_rgb(image: Tensor) -> Tensor:
    """Turn uint8 [N, H, W, 3] BGR into float32 [N, 3, H, W] RGB in [-1, 1]."""
    # The cast comes first: TensorRT takes a uint8 input only straight into a cast.
    channels_first = image.to(torch.float32).permute(0, 3, 1, 2)
    return _swap_red_and_blue(channels_first) * (2.0 / 255.0) - 1.0


def rgb_to_bytes(image: Tensor) -> Tensor:
    """Turn float [N, 3, H, W] RGB in [-1, 1] into uint8 [N, H, W, 3] BGR, rounded and clipped."""
    levels = torch.round((_swap_red_and_blue(image.to(torch.float32)) + 1.0) * 127.5)
    # The cast comes last: TensorRT gives uint8 only as the last node's output.
    return levels.clamp(0.0, 255.0).permute(0, 2, 3, 1).to(torch.uint8)


def _swap_red_and_blue(image: Tensor) -> Tensor:
    # index_select is one Gather in ONNX; indexing with a list would be transposes and a GatherND.
    return image.index_select(1, torch.tensor([2, 1, 0], device=image.device))
