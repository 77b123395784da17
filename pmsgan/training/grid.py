"""Sample grids: what the network makes of some pairs, to look at while it trains."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from pmsgan.data.pairs import Pair
from pmsgan.data.stream import fit
from pmsgan.model.generator import Generator
from pmsgan.model.pixels import bytes_to_rgb, rgb_to_bytes


def draw_grid(generator: Generator, pairs: Sequence[Pair], size: int) -> NDArray[np.uint8]:
    """Draw one row for each pair: input, output, target.

    Args:
        generator: on any device.
        pairs: a few of them, at least one.
        size: side [pixels] of each picture.

    Returns:
        uint8 [len(pairs) * size, 3 * size, 3] BGR.
    """
    sources = np.stack([fit(pair.input.read(), size) for pair in pairs])
    targets = np.stack([fit(pair.target.read(), size) for pair in pairs])
    device = next(generator.parameters()).device
    with torch.no_grad():
        output = generator(bytes_to_rgb(torch.from_numpy(sources).to(device)))[0]
    results = rgb_to_bytes(output).cpu().numpy()
    rows = np.concatenate([sources, results, targets], axis=2)  # [N, size, 3 * size, 3]
    return rows.reshape(-1, 3 * size, 3)
