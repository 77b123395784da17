"""`pmsgan convert --palette` with the style that has parts."""

import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from pmsgan.cli.app import app

DOODLE = Path(__file__).parents[2] / "samples" / "doodles" / "doodle_09.jpg"
COLOURS = {"ground": "#f0f0e8", "skin": "#804020", "hair": "#208040"}
PALETTE = ",".join(f"{part}={colour}" for part, colour in COLOURS.items())


def convert(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["convert", *map(str, arguments)])


def last_line(text: str) -> str:
    return text.strip().splitlines()[-1]


def test_a_doodle_gets_the_colours_and_layers(tmp_path: Path) -> None:
    target = tmp_path / "doodle.ora"
    result = convert(DOODLE, target, "--style", "anime", "--palette", PALETTE)
    assert result.exit_code == 0, result.output
    assert f"palette       {','.join(sorted(PALETTE.split(',')))}" in result.stdout
    with zipfile.ZipFile(target) as archive:
        data = np.frombuffer(archive.read("mergedimage.png"), np.uint8)
        described = archive.read("stack.xml").decode()
    pixels = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert pixels is not None
    for part, share in {"ground": 0.3, "skin": 0.15, "hair": 0.1}.items():
        wanted = np.array(list(bytes.fromhex(COLOURS[part][1:]))[::-1])
        near = np.abs(pixels.astype(int) - wanted).max(axis=2) < 4
        assert near.mean() > share, part
        assert f'name="{part}"' in described
    assert "clothes" not in described


@pytest.mark.parametrize(
    ("palette", "reason"),
    [
        ("nose=#112233", "error: the style anime has no part 'nose': its parts are ground, skin,"),
        ("hair=blue", "error: palette: hair is 'blue': a colour is #rrggbb, such as #2244aa"),
        ("hair", "error: --palette is 'hair': give PART=#rrggbb,..., random:SEED or FILE.toml"),
    ],
)
def test_what_is_wrong_is_told_in_one_line(tmp_path: Path, palette: str, reason: str) -> None:
    result = convert(DOODLE, tmp_path / "out.png", "--palette", palette)
    assert result.exit_code == 2
    assert last_line(result.stderr).startswith(reason)
    assert not (tmp_path / "out.png").exists()


def test_a_style_without_parts_names_one_that_has_them(tmp_path: Path) -> None:
    result = convert(DOODLE, tmp_path / "out.ora", "--style", "ink")
    assert result.exit_code == 2
    assert "the style ink has no coloured parts like those of anime" in last_line(result.stderr)


def test_the_help_shows_how_a_palette_is_written() -> None:
    shown = " ".join(convert("--help").stdout.split())
    for words in (
        "hair=#2244aa,skin=#f0c8a0",
        "random:7",
        "['alice_*']",
        "[default]",
        "OpenRaster",
    ):
        assert words in shown
