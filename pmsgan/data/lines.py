"""Line drawings of pictures, by XDoG: the extended difference of Gaussians.

Source: H. Winnemoeller, J. E. Kyprianidis, S. C. Olsen, "XDoG: An eXtended difference-of-Gaussians
compendium including advanced image stylization", Computers & Graphics 36, 2012, Eq. 1 and 5. It
makes a folder of pictures a paired set, as the paper's Sketch2Anime was made.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from pmsgan.data.config import LinesConfig

SIGMA_RATIO = 1.6
"""The wider Gaussian to the narrower one: closest to the Laplacian of a Gaussian."""


def draw_lines(image: NDArray[np.uint8], config: LinesConfig) -> NDArray[np.uint8]:
    """Draw a picture as dark lines on white.

    Args:
        image: uint8 [H, W, 3] BGR.
        config: how the drawing looks.

    Returns:
        uint8 [H, W, 3] BGR, grey.
    """
    smooth = image
    for _ in range(config.smoothing):
        smooth = cv2.bilateralFilter(smooth, 0, 25.0, 3.0).astype(np.uint8, copy=False)
    tone = cv2.cvtColor(smooth, cv2.COLOR_BGR2GRAY).astype(np.float32) / 255.0
    narrow = cv2.GaussianBlur(tone, (0, 0), config.sigma)
    wide = cv2.GaussianBlur(tone, (0, 0), config.sigma * SIGMA_RATIO)
    excess = narrow - config.tau * wide - config.threshold
    drawing = np.where(excess >= 0.0, 1.0, 1.0 + np.tanh(config.steepness * excess))
    levels = np.rint(drawing * 255.0).astype(np.uint8)
    return np.repeat(levels[:, :, np.newaxis], 3, axis=2)
