"""Give a result the colours of a palette, and split it into layers."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np

from pmsgan.batch.pictures.colour import Pixels
from pmsgan.batch.pictures.flats import enlarge_flat, find_flats, paint_flats
from pmsgan.batch.pictures.parts import separate
from pmsgan.batch.pictures.shade import find_shade
from pmsgan.batch.settings import ConvertSettings

_LINES, _SHADE = "lines", "shade"
"""Names of the layers that darken those below."""
_BLACK = (0, 0, 0)
_PRESENT = 0.5
"""A part is there if a pixel has more of it."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One colour, and where it is."""

    name: str
    colour: tuple[int, int, int]
    """Blue, green, red."""
    alpha: Pixels
    """[H, W], 0 transparent .. 255 opaque."""
    darkens: bool = False
    """Whether it is multiplied with the layers below."""


@dataclass(slots=True)
class Colouring:
    """Colours for the parts of one result."""

    names: tuple[str, ...]
    old: Pixels
    """Their colours in the network's output, uint8 [N, 3] BGR."""
    new: Pixels
    """The colours that they get, uint8 [N, 3] BGR."""
    is_shaded: bool = False
    """Whether the parts get a darker tone away from the light."""
    keeps_layers: bool = False
    found: tuple[str, ...] = ()
    """Names of the parts that are in the result, once it is made."""
    layers: tuple[Layer, ...] = ()
    """Layers of the result from the lowest up, once it is made; empty if they are not kept."""

    def apply(
        self, translated: Pixels, size: tuple[int, int], enlarge: Callable[[Pixels], Pixels]
    ) -> Pixels | None:
        """Return the result of a translation, its parts in their new colours.

        Args:
            translated: uint8 [h, w, 3] BGR.
            size: height and width of the result [pixels].
            enlarge: brings the light that lines let through, uint8 [h, w], to that size.

        Returns:
            uint8 [H, W, 3] BGR; None if no part is in the translation.
        """
        amounts = separate(translated, self.old)
        if amounts is None or amounts.max() <= _PRESENT:
            return None
        present = np.flatnonzero(amounts.max(axis=(1, 2)) > _PRESENT)
        self.found = tuple(self.names[part] for part in present)
        colours = self.new[present]
        small_light, small = find_flats(amounts[present], colours)
        alphas = [enlarge_flat(alpha, size) for alpha in small]
        result = paint_flats(alphas, colours)
        darker = {_LINES: 255 - enlarge(small_light)}
        if self.is_shaded:
            darker = {_SHADE: find_shade(self.found, small, size)} | darker
        for alpha in darker.values():
            cv2.multiply(result, cv2.merge([255 - alpha] * 3), dst=result, scale=1 / 255)
        if self.keeps_layers:
            parts = zip(self.found, colours.tolist(), alphas, strict=True)
            self.layers = (
                *(Layer(name, tuple(colour), alpha) for name, colour, alpha in parts),
                *(Layer(name, _BLACK, alpha, darkens=True) for name, alpha in darker.items()),
            )
        return result


def choose_colouring(settings: ConvertSettings, name: str) -> Colouring | None:
    """Return the colouring for the result of a picture; None without a palette.

    Args:
        settings: for a style, see `ConvertSettings.for_style`.
        name: path of the picture below IN; empty where it has none.
    """
    palette = settings.palette
    if palette is None:
        return None
    colours = palette.colours(name)
    return Colouring(
        names=tuple(palette.parts),
        old=_bgr(list(palette.parts.values())),
        new=_bgr([colours[part] for part in palette.parts]),
        is_shaded=settings.shade,
        keeps_layers=settings.output_format == "ora",
    )


def _bgr(colours: list[str]) -> Pixels:
    """Return #rrggbb as uint8 [N, 3] BGR."""
    return np.array(
        [list(bytes.fromhex(colour[1:]))[::-1] for colour in colours], np.uint8
    ).reshape(-1, 3)
