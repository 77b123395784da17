"""Smoothing that leaves few edges: areas become flat.

Source: L. Xu, C. Lu, Y. Xu, J. Jia, "Image smoothing via L0 gradient minimization", ACM
Transactions on Graphics 30 (6), 2011, Eq. 8 and 12.
"""

import numpy as np
from numpy.typing import NDArray

PADDING = 16
"""Mirrored border [pixels]: the Fourier transform takes opposite sides for neighbours."""


def flatten(image: NDArray[np.float32], strength: float) -> NDArray[np.float32]:
    """Return a picture with as few changes between neighbouring pixels as its looks allow.

    Args:
        image: float32 [H, W, C], 0..1, at least 17 pixels high and wide.
        strength: weight of the number of changes; more of it leaves fewer edges.
    """
    border = (PADDING, PADDING)
    flat = np.pad(image.transpose(2, 0, 1), ((0, 0), border, border), mode="reflect")
    height, width = flat.shape[1:]
    waves = 2.0 - 2.0 * np.cos(2.0 * np.pi * np.fft.fftfreq(height))[:, np.newaxis]
    waves = waves + 2.0 - 2.0 * np.cos(2.0 * np.pi * np.fft.rfftfreq(width))
    waves = waves.astype(np.float32)  # |derivative|^2 of each frequency
    original = np.fft.rfft2(flat)
    beta = 2.0 * strength
    while beta < 1e4:
        right, down = np.roll(flat, -1, 2) - flat, np.roll(flat, -1, 1) - flat
        clear = (right**2 + down**2).sum(axis=0) >= strength / beta
        right, down = right * clear, down * clear
        bends = np.roll(right, 1, 2) - right + np.roll(down, 1, 1) - down
        spectrum = (original + beta * np.fft.rfft2(bends)) / (1.0 + beta * waves)
        flat = np.fft.irfft2(spectrum, s=(height, width)).astype(np.float32)
        beta *= 2.0
    inner = slice(PADDING, -PADDING)
    return np.clip(flat[:, inner, inner].transpose(1, 2, 0), 0.0, 1.0)
