"""Palettes as users write them, and the colours that they give pictures."""

import itertools
import math
from pathlib import Path

import pytest

from pmsgan.errors import ConfigError, StyleError
from pmsgan.styles.palette import Palette, read_palette
from pmsgan.styles.random_colours import DISTANCE, SKIN_TONES, colour_of, lab_of
from pmsgan.styles.registry import MAX_PARTS, Style, read_style

PARTS = {
    "ground": "#90c4da",
    "skin": "#f7c99c",
    "hair": "#4c62c2",
    "beard": "#8d5738",
    "white": "#fdfdfb",
    "mouth": "#c23a5e",
    "clothes": "#f0b030",
}


def palette(text: str | Path) -> Palette:
    return read_palette(text).for_style("anime", PARTS)


def cast(folder: Path, text: str) -> Path:
    file = folder / "cast.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_named_parts_get_their_colours_and_the_others_keep_theirs() -> None:
    found = palette(" hair=#2244AA , skin=#804020")
    assert found.colours("any.png") == PARTS | {"hair": "#2244aa", "skin": "#804020"}
    assert str(found) == str(palette("skin=#804020,hair=#2244aa")) == "hair=#2244aa,skin=#804020"


def test_random_colours_depend_on_the_name_and_the_seed_alone() -> None:
    colours = palette("random:7").colours("a/face.png")
    assert colours == palette("random:7").colours("a/face.png")
    assert colours != palette("random:8").colours("a/face.png")
    assert colours != palette("random:7").colours("b/face.png")
    assert list(colours) == list(PARTS)
    # Results of earlier runs stay what they are.
    assert (colours["ground"], colours["skin"], colours["hair"]) == (
        "#d0e4ce",
        "#633b29",
        "#5677d6",
    )


BESIDE = (
    *itertools.combinations(("ground", "hair", "clothes", "hat"), 2),
    *itertools.product(("skin",), ("hair", "clothes", "hat", "eyes", "glasses", "beard")),
    *itertools.product(("glasses",), ("hair", "eyes", "white")),
)
"""Parts that touch each other."""
NEARER = (("ground", "skin"), ("beard", "mouth"))
"""Parts that touch each other, and have few colours to choose from."""


def test_random_colours_are_pleasant() -> None:
    tones = set()
    parts = PARTS | {"eyes": "#2fa287", "glasses": "#3d5a63", "hat": "#659a3c"}
    random = read_palette("random:1").for_style("anime", parts)
    for number in range(100):
        colours = random.colours(f"{number}.png")
        tones.add(colours["skin"])
        assert lab_of(colours["ground"])[0] > 86
        assert colours["white"] == PARTS["white"]
        labs = {part: lab_of(colour) for part, colour in colours.items()}
        apart = {pair: math.dist(labs[pair[0]], labs[pair[1]]) for pair in (*BESIDE, *NEARER)}
        assert min(apart[pair] for pair in BESIDE) >= DISTANCE, (number, apart)
        assert min(apart[pair] for pair in NEARER) > 20, (number, apart)
    assert tones == set(SKIN_TONES)


def test_random_colours_leave_named_ones_alone_and_keep_their_distance() -> None:
    colours = palette("random:3,hair=#2244aa,ground=#ffffff").colours("face.png")
    assert (colours["hair"], colours["ground"]) == ("#2244aa", "#ffffff")
    assert math.dist(lab_of(colours["clothes"]), lab_of("#2244aa")) >= DISTANCE


def test_a_file_gives_a_whole_cast_its_colours(tmp_path: Path) -> None:
    file = cast(
        tmp_path,
        '[default]\nrandom = 5\nskin = "#804020"\n'
        '["alice_*"]\nhair = "#2244aa"\n["*/page_1.png"]\nhair = "#111111"\n["a*"]\nhair="#222222"',
    )
    found = palette(file)
    assert found.colours("alice_2.png") == PARTS | {"hair": "#2244aa"}
    assert found.colours("book/alice_2.png")["hair"] == "#2244aa"
    assert found.colours("book/page_1.png")["hair"] == "#111111"
    assert found.colours("page_1.png")["skin"] == "#804020"
    assert (
        found.colours("page_1.png")["hair"]
        == palette("random:5,skin=#804020").colours("page_1.png")["hair"]
    )
    assert palette(str(file)) == found


def test_a_file_is_identified_by_its_name_and_content(tmp_path: Path) -> None:
    before = str(palette(cast(tmp_path, '[default]\nhair = "#2244aa"')))
    after = str(palette(cast(tmp_path, '[default]\nhair = "#2244ab"')))
    assert before.startswith("cast.toml (")
    assert before != after


def test_pictures_that_match_nothing_keep_the_colours_of_the_style(tmp_path: Path) -> None:
    assert palette(cast(tmp_path, '["x"]\nhair = "#111111"')).colours("y.png") == PARTS


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hair", "palette is 'hair': give PART=#rrggbb,..., random:SEED or FILE.toml"),
        ("", "give PART=#rrggbb"),
        ("hair=#123456,", "give PART=#rrggbb"),
        ("random", "give PART=#rrggbb"),
        ("hair=blue", "hair is 'blue': a colour is #rrggbb, such as #2244aa"),
        ("hair=#12345", "hair is '#12345'"),
        ("hair=#12345g", "hair is '#12345g'"),
        ("hair=#111111,hair=#222222", "it sets hair twice"),
        ("random:x", "random is 'x': give a number as the seed"),
        ("random:1,random:2", "it sets random twice"),
        ("nose=#123456", "the style anime has no part 'nose': its parts are ground, skin, hair, "),
        ("nonesuch.toml", "cannot read the palette nonesuch.toml: No such file"),
    ],
)
def test_what_is_no_palette_is_told_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        palette(text)
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("hair = '#112233'", "put 'hair' below a pattern of picture names"),
        ("[default]\nhair = 7", "[default]: hair is 7: a colour is #rrggbb"),
        ("['a*']\nrandom = true", "'a*': random is True: give a number"),
        ("['a*']\nnose = '#112233'", "no part 'nose'"),
        ("['']\nhair = '#112233'", "'': it is not a pattern of picture names"),
        ("[a_1.jpg]\nhair = '#112233'", "put quotes around the pattern: ['a_1.jpg']"),
        ("[default]\nhair = " + 20_000 * "[", "is not TOML"),
        ("[default", "is not TOML"),
    ],
)
def test_what_is_wrong_in_a_file_is_told_in_one_line(
    tmp_path: Path, text: str, reason: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        palette(cast(tmp_path, text))
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("colour", [*SKIN_TONES, *PARTS.values(), "#000000", "#0000ff"])
def test_lab_and_back_is_the_same_colour(colour: str) -> None:
    lightness, a, b = lab_of(colour)
    hue = math.degrees(math.atan2(b, a))
    back = colour_of(lightness, math.hypot(a, b), hue)
    assert math.dist(lab_of(back), lab_of(colour)) < 1


def test_lab_is_that_of_the_standard() -> None:
    assert lab_of("#ff0000") == pytest.approx((53.24, 80.09, 67.20), abs=0.02)


def test_a_style_tells_its_parts(style: Style, tmp_path: Path) -> None:
    assert style.parts == {}
    text = (style.folder / "style.toml").read_text()
    (tmp_path / "style.toml").write_text(text + "[parts]\nhair = '#2244AA'\n")
    assert read_style(tmp_path).parts == {"hair": "#2244aa"}
    (tmp_path / "style.toml").write_text(text + "[parts]\nhair = 'blue'\n")
    with pytest.raises(StyleError, match="the colour of the part hair is 'blue'"):
        read_style(tmp_path)
    (tmp_path / "style.toml").write_text(text + "[parts]\n'a b' = '#000000'\n")
    with pytest.raises(StyleError, match="a part is called 'a b'"):
        read_style(tmp_path)
    many = "".join(f"p{number} = '#000000'\n" for number in range(MAX_PARTS + 1))
    (tmp_path / "style.toml").write_text(f"{text}[parts]\n{many}")
    with pytest.raises(StyleError, match="33 parts are too many"):
        read_style(tmp_path)
