"""The tools that make pairs of photographs and drawings, and measure them by skin tone."""

import importlib
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from pmsgan.data.pairs import find_pairs

TOOLS = Path(__file__).parents[1] / "tools"


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> ModuleType:
    """Import the tool that the test names."""
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module(request.param)


def plain(lightness: float, a: float, b: float) -> NDArray[np.uint8]:
    """Return a picture of one CIELAB colour: uint8 [48, 48, 3] BGR."""
    lab = np.full((48, 48, 3), (lightness, a, b), np.float32)
    return np.rint(255 * cv2.cvtColor(lab, cv2.COLOR_LAB2BGR)).astype(np.uint8)


@pytest.mark.parametrize("tool", ["teachers.flatten"], indirect=True)
def test_flatten_removes_ripples_and_keeps_a_step(tool: ModuleType) -> None:
    image = np.full((40, 60, 1), 0.3, np.float32)
    image[:, 30:] = 0.7
    ripples = np.random.default_rng(0).normal(0, 0.01, image.shape).astype(np.float32)
    flat = tool.flatten(image + ripples, 0.01)
    assert flat.shape == image.shape
    assert np.abs(flat - image).max() < 0.01
    assert np.ptp(flat[:, :30]) < 1 / 255


@pytest.mark.parametrize("tool", ["teachers.strokes"], indirect=True)
def test_a_line_in_the_shade_counts_as_much_as_one_in_the_sun(tool: ModuleType) -> None:
    def ink(ground: float, line: float) -> float:
        lightness = np.full((64, 64), ground, np.float32)
        lightness[:, 31:33] = line
        flow = tool.flow_of(lightness)
        contrast = tool.line_contrast(lightness, flow, sigma=1.0, floor=0.6)
        return float(tool.ink_above(contrast, 0.45)[:, 31:33].mean())

    assert ink(80.0, 40.0) > 0.95
    assert ink(20.0, 10.0) > 0.95  # a quarter of the contrast
    assert ink(20.0, 19.8) == 0.0  # noise


@pytest.mark.parametrize("tool", ["teachers.ink"], indirect=True)
def test_ink_fills_what_is_black_and_leaves_dark_skin_paper(tool: ModuleType) -> None:
    assert (tool.draw_ink(plain(8, 0, 0)) == 0).all()
    assert (tool.draw_ink(plain(12, 9, 11)) == 255).all()
    assert (tool.draw_ink(plain(70, 12, 18)) == 255).all()


@pytest.mark.parametrize("tool", ["teachers.comic"], indirect=True)
@pytest.mark.parametrize("lightness", [15, 40, 75])
def test_comic_keeps_plain_skin_free_of_ink(tool: ModuleType, lightness: int) -> None:
    drawn = tool.draw_comic(plain(lightness, 12, 15))
    assert np.ptp(drawn.reshape(-1, 3), axis=0).max() <= 1
    lab = cv2.cvtColor(drawn.astype(np.float32) / 255, cv2.COLOR_BGR2LAB)[24, 24]
    assert lightness - tool.STEP / 2 <= lab[0] <= lightness + 20  # shadows are lifted
    assert np.degrees(np.arctan2(lab[2], lab[1])) == pytest.approx(51.3, abs=6)  # hue kept


@pytest.mark.parametrize("tool", ["teachers.comic"], indirect=True)
def test_comic_draws_a_ramp_in_steps(tool: ModuleType) -> None:
    ramp = np.repeat(np.tile(np.arange(256, dtype=np.uint8), (64, 1))[..., np.newaxis], 3, axis=2)
    levels = tool.draw_comic(ramp)[32, 40:-8, 0].astype(int)
    flat = np.abs(np.diff(levels)) <= 1
    assert flat.mean() > 0.7
    assert len(np.unique(np.rint(levels[1:][flat] / 12))) <= 10


def make_pairs(photos: Path, out: Path, *options: str) -> dict[str, bytes]:
    """Run the tool; return what it wrote, by place."""
    command = [sys.executable, str(TOOLS / "photo_pairs.py"), str(photos), str(out), *options]
    subprocess.run(command, check=True, capture_output=True)
    return {str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*.*")}


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder with two photographs, one larger than a pair, one smaller."""
    folder = tmp_path / "photos"
    folder.mkdir()
    chance = np.random.default_rng(0)
    for name, (height, width) in {"large": (330, 300), "small": (120, 100)}.items():
        coarse = chance.integers(0, 256, (6, 6, 3), dtype=np.uint8)
        photo = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        cv2.imwrite(str(folder / f"{name}.jpg"), photo)
    return folder


@pytest.mark.parametrize("teacher", ["comic", "ink"])
def test_photo_pairs_are_a_set_to_train_on(photos: Path, tmp_path: Path, teacher: str) -> None:
    once = make_pairs(photos, tmp_path / "one", "--teacher", teacher, "--per-photo", "2")
    more = ("--teacher", teacher, "--per-photo", "2", "--processes", "1")
    assert once == make_pairs(photos, tmp_path / "two", *more)
    pairs = find_pairs(tmp_path / "one", f"photo:{teacher}")
    assert [pair.name for pair in pairs] == ["large_0", "large_1", "small_0", "small_1"]
    for pair in pairs:
        assert pair.input.read().shape == pair.target.read().shape == (288, 288, 3)


def test_photo_pairs_keep_the_held_out_whole(photos: Path, tmp_path: Path) -> None:
    names = tmp_path / "held_out.txt"
    names.write_text("large\n")
    make_pairs(
        photos, tmp_path / "held", "--teacher", "ink", "--whole", "200", "--only", str(names)
    )
    (held,) = find_pairs(tmp_path / "held", "photo:ink")
    assert held.name == "large"
    assert held.input.read().shape == held.target.read().shape == (220, 200, 3)
    make_pairs(
        photos, tmp_path / "set", "--teacher", "ink", "--per-photo", "1", "--skip", str(names)
    )
    assert [pair.name for pair in find_pairs(tmp_path / "set", "photo:ink")] == ["small_0"]


@pytest.mark.parametrize("tool", ["skin_tones"], indirect=True)
def test_skin_tones_are_typology_angles(tool: ModuleType) -> None:
    assert tool.skin_tone(plain(70, 10, 20)) == pytest.approx(45, abs=2)
    assert tool.skin_tone(plain(30, 10, 20)) == pytest.approx(-45, abs=2)
    assert tool.skin_tone(plain(30, 0, 0)) is None
    groups = [tool.group_of(tone) for tone in (45.0, 20.0, -45.0, None)]
    assert groups == ["light", "middle", "dark", "grey"]
