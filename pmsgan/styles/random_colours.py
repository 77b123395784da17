"""Choose pleasant colours for the parts of a picture, in pure Python: it is light to import.

Colours are chosen in CIELAB (D65), by lightness, chroma and hue, so that neighbouring parts are
well apart to the eye.
"""

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

SKIN_TONES = (
    "#fbe4d3", "#f6d2b6", "#efc39f", "#e2ae84", "#d09a70",
    "#bb825a", "#a26b47", "#8a573a", "#74462f", "#633b29",
)  # fmt: skip
"""Natural tones from light to dark."""
DISTANCE = 32.0
"""Distance between the colours of parts, if possible [CIELAB units]."""
NUM_TRIES = 60
"""Colours that are tried for a part."""

_WHITE = (0.95047, 1.0, 1.08883)

Lab = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class _Range:
    """Lowest and highest lightness and chroma of a part."""

    lightness: tuple[float, float]
    chroma: tuple[float, float]


_RANGES = {
    "ground": _Range((88.0, 96.0), (3.0, 18.0)),
    "hair": _Range((32.0, 76.0), (6.0, 55.0)),
    "eyes": _Range((35.0, 62.0), (20.0, 50.0)),
    "glasses": _Range((12.0, 42.0), (2.0, 30.0)),
}
_ANY = _Range((35.0, 76.0), (28.0, 62.0))
_KEPT = frozenset({"white"})
_NOT_BESIDE = {"ground": ("white",), "glasses": ("ground", "clothes", "hat")}
"""Parts that do not touch a part, so that their colours may be near."""
_BEARD = (-6.0, 6.0)
"""How much darker a beard is than the hair, or lighter if that is too close to the skin."""
_LIPS = (-16.0, -30.0, 16.0, -44.0)
"""Lips are darker than the skin by so much or, where a beard is like that, by more, or lighter."""
_LIPS_LIGHTNESS = (30.0, 77.0)
"""Lowest and highest lightness of lips."""
_LIPS_COLOUR = (38.0, 20.0)
"""Chroma and hue [degrees] of lips."""


def choose_colours(parts: Mapping[str, str], fixed: Mapping[str, str], key: str) -> dict[str, str]:
    """Choose a colour for each part of a picture.

    The ground is light, the skin has a natural tone, lips go with it, a beard with the hair, and
    white stays white. The others are as far apart as can be.

    Args:
        parts: colours of the style's parts, #rrggbb.
        fixed: parts that have their colours already, #rrggbb.
        key: decides the choice; the same one always gives the same colours.
    """
    chosen = {part: colour for part, colour in fixed.items() if part in parts}
    chosen |= {part: parts[part] for part in parts if part in _KEPT and part not in fixed}
    for part in sorted(parts.keys() - chosen.keys(), key=lambda name: (_rank(name), name)):
        rng = _Random(f"{key} {part}")
        others = [chosen[name] for name in chosen if name not in _NOT_BESIDE.get(part, ())]
        colours = _colours(_RANGES.get(part, _ANY), rng)
        if part == "skin":
            colours = iter([SKIN_TONES[int(rng.between(0, len(SKIN_TONES)))]])
        elif part == "beard" and "hair" in chosen:
            lightness, *colour = _polar(lab_of(chosen["hair"]))
            colours = (colour_of(max(20.0, lightness + change), *colour) for change in _BEARD)
            others = [chosen[name] for name in ("skin",) if name in chosen]
        elif part == "mouth" and "skin" in chosen:
            lightness, (low, high) = lab_of(chosen["skin"])[0], _LIPS_LIGHTNESS
            levels = (min(max(low, lightness + change), high) for change in _LIPS)
            colours = (colour_of(level, *_LIPS_COLOUR) for level in levels)
            others = [chosen[name] for name in ("beard",) if name in chosen]
        chosen[part] = _first_apart(colours, others)
    return {part: chosen[part] for part in parts}


def _rank(part: str) -> int:
    """Return a part's turn: the skin has few colours, and then large areas choose first."""
    order = ("skin", "ground", "hair", "clothes")
    return order.index(part) if part in order else len(order)


class _Random:
    """Random numbers that depend on a text alone, in every version of Python."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._count = 0

    def between(self, low: float, high: float) -> float:
        """Return the next number, from `low` up to but not `high`."""
        self._count += 1
        digest = hashlib.sha256(f"{self._count} {self._text}".encode(errors="surrogatepass"))
        return low + (high - low) * int.from_bytes(digest.digest()[:6], "big") / 2**48


def _colours(range_: _Range, rng: _Random) -> Iterator[str]:
    """Make some colours within a range."""
    for _ in range(NUM_TRIES):
        lightness, chroma = rng.between(*range_.lightness), rng.between(*range_.chroma)
        yield colour_of(lightness, chroma, rng.between(0.0, 360.0))


def _first_apart(colours: Iterable[str], others: list[str]) -> str:
    """Return the first colour that is far from the others, or else the one that is farthest."""
    labs = [lab_of(other) for other in others]
    best, best_distance = "", -1.0
    for colour in colours:
        distance = min((math.dist(lab_of(colour), lab) for lab in labs), default=DISTANCE)
        if distance > best_distance:
            best, best_distance = colour, distance
        if distance >= DISTANCE:
            break
    return best


def lab_of(colour: str) -> Lab:
    """Return L, a and b of #rrggbb in sRGB."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255.0) for at in (1, 3, 5))
    xyz = (
        0.4124564 * red + 0.3575761 * green + 0.1804375 * blue,
        0.2126729 * red + 0.7151522 * green + 0.0721750 * blue,
        0.0193339 * red + 0.1191920 * green + 0.9503041 * blue,
    )
    x, y, z = (_root(value / white) for value, white in zip(xyz, _WHITE, strict=True))
    return 116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)


def colour_of(lightness: float, chroma: float, hue_deg: float) -> str:
    """Return #rrggbb of a colour in CIELAB; its chroma is reduced where sRGB has no such colour."""
    while True:
        hue = math.radians(hue_deg)
        rgb = _rgb(lightness, chroma * math.cos(hue), chroma * math.sin(hue))
        if chroma <= 0.0 or all(-1e-4 <= value <= 1.0001 for value in rgb):
            return "#" + "".join(f"{round(255 * _encoded(value)):02x}" for value in rgb)
        chroma = max(0.0, chroma - 2.0)


def _polar(lab: Lab) -> Lab:
    """Return lightness, chroma and hue [degrees]."""
    return lab[0], math.hypot(lab[1], lab[2]), math.degrees(math.atan2(lab[2], lab[1]))


def _rgb(lightness: float, a: float, b: float) -> Lab:
    """Return linear red, green and blue; they lie within 0..1 where sRGB has the colour."""
    y = (lightness + 16.0) / 116.0
    roots = (y + a / 500.0, y, y - b / 200.0)
    x, y, z = (white * _cube(root) for white, root in zip(_WHITE, roots, strict=True))
    return (
        3.2404542 * x - 1.5371385 * y - 0.4985314 * z,
        -0.9692660 * x + 1.8760108 * y + 0.0415560 * z,
        0.0556434 * x - 0.2040259 * y + 1.0572252 * z,
    )


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4


def _encoded(value: float) -> float:
    value = min(1.0, max(0.0, value))
    return 12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055


def _root(value: float) -> float:
    return value ** (1 / 3) if value > 216 / 24389 else (24389 / 27 * value + 16.0) / 116.0


def _cube(root: float) -> float:
    return root**3 if root > 6 / 29 else (116.0 * root - 16.0) * 27 / 24389
