"""Which way to a picture's size is the best, on networks that are simple functions."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from pmsgan.cli.app import app
from pmsgan.data.pairs import Pair, find_pairs
from pmsgan.engine.interface import Engine, EngineInfo, Slot
from pmsgan.evaluation import scaling as scaling_module
from pmsgan.evaluation.colour_accuracy import colour_accuracy
from pmsgan.evaluation.scaling import ScalingMeasurement, measure_scaling
from pmsgan.export.description import write_scaling
from pmsgan.styles.registry import Style, find_style, read_description, read_style
from pmsgan.styles.scaling import Scaling

Pictures = NDArray[np.uint8]
Network = Callable[[Pictures], Pictures]


class FunctionEngine(Engine):
    """An engine that applies a function to each picture."""

    def __init__(self, network: Network, size: tuple[int, int]) -> None:
        self._network = network
        self.info = EngineInfo(
            backend="function", device="none", precision="none", height=size[0], width=size[1],
            max_batch=1, runtime="none",
        )  # fmt: skip

    def _new_slots(self, count: int) -> list[Slot]:
        shape = (1, self.info.height, self.info.width, 3)
        return [Slot(np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)) for _ in range(count)]

    def _submit(self, slot: Slot, count: int) -> None:
        slot.output[0] = self._network(slot.input[0])

    def _wait(self, slot: Slot) -> None:
        pass

    def _close(self) -> None:
        pass


def negative(picture: Pictures) -> Pictures:
    """A network that looks at each pixel alone, as tiles like it."""
    return 255 - picture


def darker(picture: Pictures) -> Pictures:
    """A network that must see the whole picture: it darkens by the mean."""
    return (picture * (picture.mean() / 255.0)).astype(np.uint8)


def drawing(height: int, width: int, seed: int) -> Pictures:
    """Lines on a ground that gets darker to the right."""
    ground = np.linspace(250, 90, width, dtype=np.uint8)
    picture = np.repeat(np.repeat(ground[None, :, None], height, 0), 3, 2)
    rng = np.random.default_rng(seed)
    for x0, y0, x1, y1 in rng.integers(0, (width, height, width, height), (12, 4)):
        cv2.line(picture, (int(x0), int(y0)), (int(x1), int(y1)), (20, 20, 20), 3, cv2.LINE_AA)
    return np.ascontiguousarray(picture)


def write_pairs(
    root: Path, network: Network, sizes: list[tuple[int, int]], hands: str = "ab"
) -> list[Pair]:
    for side in ("sketch", "face"):
        (root / side).mkdir(parents=True)
    for number, size in enumerate(sizes):
        picture = drawing(*size, seed=number)
        name = f"{hands[number % len(hands)]}_{number}.png"
        cv2.imwrite(str(root / "sketch" / name), picture)
        cv2.imwrite(str(root / "face" / name), network(picture))
    return find_pairs(root, "sketch:face")


def measure(network: Network, pairs: list[Pair]) -> ScalingMeasurement | None:
    """Measure a style of 48x64 pictures."""
    return measure_scaling(lambda size: FunctionEngine(network, size), (48, 64), 4, pairs)


SIZES = [(192, 256), (150, 201), (40, 300)]


def test_a_network_that_looks_at_pixels_alone_works_in_tiles(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path, negative, SIZES)
    measured = measure(negative, pairs)
    assert measured is not None
    assert (measured.num_pairs, measured.side) == (3, 256)
    plain, guided, tiles = map(measured.best_of, ("plain", "guided", "tiles"))
    assert plain.psnr_db + 3 < guided.psnr_db < tiles.psnr_db == 100.0
    assert (measured.best.mode, measured.best.working_size) == ("tiles", 0)
    in_tiles = Scaling(mode="tiles", min_size=64)
    half_size, own_size = (
        next(it for it in measured.ways if it.scaling == replace(in_tiles, working_size=side))
        for side in (128, 0)
    )
    assert plain.psnr_db + 3 < half_size.psnr_db < own_size.psnr_db
    assert measured.best.figures["plain_psnr_db"] == round(plain.psnr_db, 2)
    assert "guided, radius 1, epsilon 0.0001   median PSNR " in str(measured)


def test_a_network_that_must_see_the_whole_is_guided(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path, darker, SIZES[:2])
    measured = measure(darker, pairs)
    assert measured is not None
    assert (measured.best.mode, measured.best.working_size) == ("guided", 64)
    assert 0 < measured.best_of("tiles").psnr_db < measured.best_of("guided").psnr_db


def test_guided_settings_share_one_run_of_the_network(tmp_path: Path) -> None:
    seen: list[tuple[int, ...]] = []

    def counted(picture: Pictures) -> Pictures:
        seen.append(picture.shape)
        return negative(picture)

    measure(counted, write_pairs(tmp_path, negative, [(96, 128)]))
    assert seen == [(48, 64, 3), (768, 768, 3), (128, 128, 3), (192, 192, 3)]


def test_pairs_that_are_no_larger_say_nothing(tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path, negative, [(48, 64), (30, 20)])
    assert measure(negative, pairs) is None
    assert measure(negative, []) is None


def test_only_so_many_pairs_are_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling_module, "MAX_PAIRS", 2)
    pairs = write_pairs(tmp_path, negative, [(96, 128)] * 5)
    measured = measure(negative, pairs)
    assert measured is not None
    assert measured.num_pairs == 2


def test_lpips_is_added_to_the_best_of_each_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def distance(result: Pictures, truth: Pictures) -> float:
        return float(np.abs(result.astype(int) - truth).mean())

    monkeypatch.setattr(scaling_module, "_load_lpips", lambda: distance)
    measured = measure(negative, write_pairs(tmp_path, negative, [(96, 128)]))
    assert measured is not None
    lpips = {it.scaling.mode: it.lpips for it in measured.ways if it.lpips is not None}
    assert lpips.keys() == {"plain", "guided", "tiles"}
    assert lpips["plain"] > lpips["guided"] > lpips["tiles"] == 0.0
    assert measured.best.figures["tiles_lpips"] == 0.0
    assert ", LPIPS 0.0000" in str(measured)


def test_an_area_is_right_within_twelve_units() -> None:
    target = np.full((10, 10, 3), 128, np.uint8)
    result = target.copy()
    result[:2] += 20  # 8 units
    result[2:5] += 60  # 23 units
    assert colour_accuracy(result, target).right == pytest.approx(0.7)
    assert colour_accuracy(result, target).difference == pytest.approx(22)
    assert colour_accuracy(target, target).psnr_db == 100.0


def copy_of(style: Style, folder: Path) -> Style:
    folder.mkdir()
    for path in style.folder.iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    return read_style(folder)


def test_a_scaling_is_written_beside_what_a_style_says(style: Style, tmp_path: Path) -> None:
    copied = copy_of(style, tmp_path / "copied")
    before = read_description(copied.folder)
    scaling = Scaling(mode="guided", working_size=64, radius=2, figures={"plain_psnr_db": 27.2})
    write_scaling(copied.folder, scaling)
    found = find_style(str(copied.folder))
    assert found.scaling == scaling
    after = read_description(copied.folder)
    del after["scaling"]
    before.pop("scaling", None)
    assert after == before
    assert not list(copied.folder.glob(".*"))


def run_measure(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["styles", "measure", *map(str, arguments)])


def test_the_command_measures_and_writes(style: Style, tmp_path: Path) -> None:
    copied = copy_of(style, tmp_path / "copied")
    write_pairs(tmp_path / "pairs", negative, [(128, 192), (96, 128), (128, 128)])
    arguments = (copied.folder, tmp_path / "pairs", "--direction", "sketch:face")
    shown = run_measure(*arguments, "--by-hand")
    assert shown.exit_code == 0, shown.output
    hands = [line.split()[:3] for line in shown.stdout.splitlines()[:3]]
    assert hands == [["a", "2", "pairs:"], ["b", "1", "pair:"], ["all", "3", "pairs:"]]
    assert "at the size of the pairs, 128 pixels (3 measured):" in shown.stdout
    assert read_style(copied.folder).scaling.figures == {}
    written = run_measure(*arguments, "--write", "--json")
    assert written.exit_code == 0, written.output
    told = json.loads(written.stdout)
    assert told["all"]["num_pairs"] == 3
    assert told["by_hand"] == {}
    assert told["scaling"]["best"]["figures"] == read_style(copied.folder).scaling.figures


def test_the_command_needs_larger_pairs_to_write(style: Style, tmp_path: Path) -> None:
    write_pairs(tmp_path / "pairs", negative, [(64, 64)])
    result = run_measure(style.folder, tmp_path / "pairs", "--direction", "sketch:face", "--write")
    assert result.exit_code == 2
    assert "error: no pair is larger than the style's pictures" in result.stderr
