"""Draw sample grids of outputs for some pairs, to watch the network train."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from pmsgan.model.network import Network
from pmsgan.model.pixels import bytes_to_rgb, rgb_to_bytes

Pixels = NDArray[np.uint8]
"""[size, size, 3] BGR."""


def draw_grid(generator: Network, pairs: Sequence[tuple[Pixels, Pixels]]) -> Pixels:
    """Draw one row for each pair: input, the output at each scale (finest first), target.

    Args:
        generator: on any device, of any floating type.
        pairs: inputs and targets of one size, at least one pair.

    Returns:
        uint8 [len(pairs) * size, (2 + number of scales) * size, 3] BGR.
    """
    sources, targets = (np.stack(pictures) for pictures in zip(*pairs, strict=True))
    weight, was_training = next(generator.parameters()), generator.training
    generator.eval()
    with torch.no_grad():
        outputs = generator(bytes_to_rgb(torch.from_numpy(sources)).to(weight))
        results = [
            rgb_to_bytes(functional.interpolate(output, scale_factor=2**scale)).cpu().numpy()
            for scale, output in enumerate(outputs)
        ]
    generator.train(was_training)
    rows = np.concatenate([sources, *results, targets], axis=2)  # [N, size, columns * size, 3]
    return rows.reshape(-1, rows.shape[2], 3)
