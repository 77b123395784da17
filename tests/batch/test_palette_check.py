"""A colour for a part that no picture has is named in one line."""

from pathlib import Path

import pytest

from pmsgan.batch.palette_check import describe_missing_parts, describe_unmatched_sections
from pmsgan.styles.palette import Palette, read_palette

NAMES = ["crowd/bob_1.png", "crowd/alice_1.png", "carol.png"]


def cast(folder: Path, *patterns: str) -> Palette:
    file = folder / "cast.toml"
    file.write_text("".join(f"['{it}']\nhair = '#102030'\n" for it in patterns))
    return read_palette(file)


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("alcie_*", "'alcie_*' (the nearest name is 'alice_1.png')"),
        ("Alice_?.png", "'Alice_?.png' (the nearest name is 'alice_1.png')"),
        ("crwod/*", "'crwod/*' (the nearest name is 'crowd/bob_1.png')"),
        ("zoe_*", "'zoe_*'"),
        ("*.jpg", "'*.jpg'"),
    ],
)
def test_a_section_that_matches_nothing_is_told_with_the_nearest_name(
    tmp_path: Path, pattern: str, told: str
) -> None:
    palette = cast(tmp_path, "bob_*", pattern)
    found = describe_unmatched_sections(palette, NAMES)
    assert found == f"these sections of the palette match no picture: {told}"


def test_sections_that_match_are_not_told(tmp_path: Path) -> None:
    assert (
        describe_unmatched_sections(cast(tmp_path, "*_1.png", "crowd/*", "carol*"), NAMES) is None
    )
    assert describe_unmatched_sections(read_palette("hair=#102030"), NAMES) is None
    assert describe_unmatched_sections(Palette(), NAMES) is None


def test_parts_that_no_picture_has_are_told() -> None:
    palette = read_palette("hat=#102030,hair=#405060,random:7")
    assert describe_missing_parts(palette, {"ground", "hair", "hat"}) is None
    told = describe_missing_parts(palette, {"ground", "hair"})
    assert told == "the palette colours parts that no picture has: hat"
