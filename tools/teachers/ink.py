"""The teacher of the style `ink`: a photograph becomes a brush and pen drawing.

Two pens, a fine one and a bold one; where lines crowd, as in leaves and knitwear, both give less.
Dark areas become spot blacks, with light lines in them; skin, however dark, stays paper as far as
its light allows.
"""

import numpy as np
from numpy.typing import NDArray

from teachers.flatten import flatten
from teachers.strokes import (
    blur,
    flow_of,
    ink_above,
    is_below,
    line_contrast,
    skin_likeness,
    smooth_along,
    smooth_texture,
    to_lab,
)

BLACK = 14.0
"""Lightness below which an area becomes a spot black [L*]."""
SKIN_BONUS = 14.0
"""Lightness that an area of the hue of skin is given, so that it stays paper [L*]."""


def draw_ink(photo: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Draw a photograph in ink, at its own size.

    Args:
        photo: uint8 [H, W, 3] BGR, at least 17 pixels high and wide.

    Returns:
        uint8 [H, W, 3] BGR, grey.
    """
    lab = to_lab(smooth_texture(photo))
    lightness = lab[..., 0]
    flow = flow_of(lightness)
    fine = line_contrast(lightness, flow, sigma=0.85, floor=0.6)
    bold = line_contrast(lightness, flow, sigma=1.5, floor=0.9)
    all_lines = np.maximum(ink_above(fine, 0.35), ink_above(bold, 0.5))
    crowd = np.maximum(blur(all_lines, 10.0) - 0.12, 0.0)
    lines = np.maximum(ink_above(fine, 0.35 + 5.0 * crowd), ink_above(bold, 0.5 + 12.0 * crowd))

    flat = 100.0 * flatten(lightness[..., np.newaxis] / 100.0, 0.002)[..., 0]
    tone = smooth_along(blur(flat, 1.2), flow, 3.0)
    texture = np.clip(10.0 * (blur(all_lines, 20.0) - 0.14), 0.0, 1.0)  # wider than an eye
    tone += 8.0 * texture
    hollow = np.maximum(blur(lightness, 6.0) - blur(lightness, 1.0) - 4.0, 0.0)
    tone -= 4.5 * hollow * (1.0 - texture)  # eyes, brows and nostrils become black
    tone += 2.0 * np.maximum(lightness - blur(lightness, 8.0), 0.0)  # features in the shade
    color = np.dstack([blur(np.ascontiguousarray(lab[..., channel]), 3.0) for channel in range(3)])
    chroma = np.linalg.norm(color[..., 1:], axis=2)
    skin = skin_likeness(color) * np.clip((chroma - 7.0) / 6.0, 0.0, 1.0)
    tone += SKIN_BONUS * skin * np.clip(1.0 - hollow / 8.0, 0.0, 1.0)
    blacks = is_below(tone, BLACK, 0.15)

    light_lines = ink_above(np.maximum(-fine, -bold), 0.8)
    ink = np.maximum(lines, blacks) * (1.0 - blacks * light_lines)
    levels = np.rint(255.0 * (1.0 - ink)).astype(np.uint8)
    return np.repeat(levels[..., np.newaxis], 3, axis=2)
