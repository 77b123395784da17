"""Give a result the colours of a palette, and take it apart into layers."""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pmsgan.batch.pictures.colour import Pixels
from pmsgan.batch.pictures.parts import blend, separate
from pmsgan.batch.settings import ConvertSettings

_LINES = "lines"
"""Name of the layer of ink."""
_SHOWN = 32
"""A pixel with less light is hidden by ink [levels of 0..255]."""
_LEAST = 0.02
"""Shares of a part below this are noise."""


@dataclass(frozen=True, slots=True)
class Layer:
    """One colour, and where it is."""

    name: str
    colour: tuple[int, int, int]
    """Blue, green, red."""
    alpha: Pixels
    """[H, W], 0 transparent .. 255 opaque."""
    is_ink: bool = False
    """It darkens the layers below."""


@dataclass(slots=True)
class Colouring:
    """Which colours the parts of one result get."""

    names: tuple[str, ...]
    old: Pixels
    """Their colours in what the network makes, uint8 [N, 3] BGR."""
    new: Pixels
    """The colours that they get, uint8 [N, 3] BGR."""
    keeps_layers: bool = False
    layers: tuple[Layer, ...] = ()
    """Those of the result from the lowest up, once it is made; none if they are not kept."""

    def apply(self, translated: Pixels, enlarge: Callable[[Pixels], Pixels]) -> Pixels | None:
        """Return the result of a translation, its parts in their new colours.

        Args:
            translated: uint8 [h, w, 3] BGR.
            enlarge: brings a picture uint8 [h, w, 3] to the size of the result, uint8 [H, W, 3].

        Returns:
            uint8 [H, W, 3] BGR; None if no part is in the translation.
        """
        amounts = separate(translated, self.old)
        if amounts is None:
            return None
        result = enlarge(blend(amounts, self.new))
        if self.keeps_layers:
            present = np.flatnonzero(amounts.max(axis=(1, 2)) > 0.5)
            names = [self.names[part] for part in present]
            sized = _enlarged(amounts[present], enlarge)
            self.layers = _find_layers(names, self.new[present], sized)
        return result


def choose_colouring(settings: ConvertSettings, name: str) -> Colouring | None:
    """Return which colours the result of a picture gets; None without a palette.

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
        keeps_layers=settings.output_format == "ora",
    )


def _bgr(colours: list[str]) -> Pixels:
    """Return #rrggbb as uint8 [N, 3] BGR."""
    return np.array([list(bytes.fromhex(it[1:]))[::-1] for it in colours], np.uint8).reshape(-1, 3)


def _enlarged(amounts: NDArray[np.float32], enlarge: Callable[[Pixels], Pixels]) -> list[Pixels]:
    """Return amounts [N, h, w] in the size of the result: uint8 [H, W] for each part."""
    levels = np.rint(amounts * 255).astype(np.uint8)
    sized: list[Pixels] = []
    for first in range(0, len(levels), 3):  # an enlargement takes three channels
        three = levels[first : first + 3]
        some = np.zeros((*levels.shape[1:], 3), np.uint8)
        some[:, :, : len(three)] = three.transpose(1, 2, 0)
        channels = cv2.split(enlarge(some))[: len(three)]
        sized += [np.asarray(channel, np.uint8) for channel in channels]
    return sized


def _find_layers(names: list[str], colours: Pixels, amounts: list[Pixels]) -> tuple[Layer, ...]:
    """Return layers that look like the result when they lie on each other.

    The lowest part fills the whole; each other one covers what is below it. Ink is black and
    covers them all; below it, parts go on from what is beside it.

    Args:
        names: of the parts, from the lowest up.
        colours: of the parts, uint8 [N, 3] BGR.
        amounts: how much there is of each part, uint8 [H, W], 0..255.
    """
    light = np.zeros(amounts[0].shape, np.uint16)
    for amount in amounts:
        light += amount
    shown = _nearest_shown(light > _SHOWN)
    layers: list[Layer] = []
    below = np.full(light.shape, 1e-3, np.float32)
    for name, colour, amount in zip(names, colours.tolist(), amounts, strict=True):
        share = (amount / np.maximum(light, 1).astype(np.float32)).ravel()[shown]
        share[share < _LEAST] = 0
        below += share
        alpha = np.rint(np.minimum(share / below, 1) * 255).astype(np.uint8)
        layers.append(Layer(name, tuple(colour), alpha if layers else np.full_like(alpha, 255)))
    ink = (255 - np.minimum(light, 255)).astype(np.uint8)
    return (*layers, Layer(_LINES, (0, 0, 0), ink, is_ink=True))


def _nearest_shown(is_shown: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return the number of the nearest pixel that is shown for each pixel, int32 [H, W]."""
    _, labels = cv2.distanceTransformWithLabels(
        (~is_shown).view(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
    )
    numbers = np.zeros(int(labels.max()) + 1, np.int32)
    numbers[labels[is_shown]] = np.flatnonzero(is_shown)
    return np.asarray(numbers[labels], np.int32)
