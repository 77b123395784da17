"""Runs with a palette: what comes out, what is kept, what the report says.

The engine inverts (see conftest.py), so each picture is the negative of a half of ground and a
half of hair.
"""

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from trees import write_pictures

from pmsgan.batch import ConvertSettings, RunSettings, convert_folder, read_palette
from pmsgan.batch import run as run_module
from pmsgan.batch import translator as translator_module
from pmsgan.batch.cluster import worker as worker_module
from pmsgan.batch.cluster.task import Shard, Task, pack_style
from pmsgan.batch.cluster.worker import Worker
from pmsgan.batch.conversion import run_identity
from pmsgan.batch.files.local import LocalFolder
from pmsgan.batch.report.write import write_report
from pmsgan.batch.settings import Parallelism
from pmsgan.batch.translator import open_style
from pmsgan.errors import ConfigError
from pmsgan.styles.registry import Style

SIDE = 8
PARTS = {"ground": "#90c4da", "hair": "#4c62c2"}
NAMES = ("a.png", "sub/b.png")


def bgr(colour: str) -> list[int]:
    return list(bytes.fromhex(colour[1:]))[::-1]


def drawing() -> NDArray[np.uint8]:
    image = np.full((SIDE, SIDE, 3), bgr(PARTS["ground"]), np.uint8)
    image[:, SIDE // 2 :] = bgr(PARTS["hair"])
    return 255 - image


def colours_of(image: NDArray[np.uint8] | Path) -> tuple[str, str]:
    """Return the colours of the two halves, #rrggbb."""
    pixels = image if isinstance(image, np.ndarray) else cv2.imread(str(image))
    assert pixels is not None
    found = [bytes(pixels[4, column, ::-1].tolist()).hex() for column in (1, 6)]
    return f"#{found[0]}", f"#{found[1]}"


@pytest.fixture
def flat(style: Style, make_engine: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> Style:
    """A style with parts, and the engine that replaces its own."""
    for module in (run_module, translator_module, worker_module):
        monkeypatch.setattr(module, "open_engine", lambda *args, **kwargs: make_engine())
    return replace(style, parts=PARTS, height=SIDE, width=SIDE)


@pytest.fixture
def in_dir(tmp_path: Path) -> Path:
    for name in NAMES:
        file = tmp_path / "in" / name
        file.parent.mkdir(exist_ok=True)
        cv2.imwrite(str(file), drawing())
    return tmp_path / "in"


def settings_for(palette: str | Path | None, **others: Any) -> ConvertSettings:
    return ConvertSettings(palette=None if palette is None else read_palette(palette), **others)


def test_a_run_gives_all_pictures_the_colours(flat: Style, in_dir: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = convert_folder(in_dir, out, flat, settings=settings_for("hair=#102030"))
    assert [colours_of(out / name) for name in NAMES] == [(PARTS["ground"], "#102030")] * 2
    assert "palette       hair=#102030" in report.to_text()
    write_report(report, tmp_path / "report.json")
    content = json.loads((tmp_path / "report.json").read_text())
    assert content["settings"]["palette"] == "hair=#102030"
    assert "<dt>palette</dt><dd>hair=#102030</dd>" in (tmp_path / "report.html").read_text()


def test_without_a_palette_results_stay_as_they_are(
    flat: Style, in_dir: Path, tmp_path: Path
) -> None:
    report = convert_folder(in_dir, tmp_path / "out", flat)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "out" / "a.png")), 255 - drawing())
    assert "palette" not in report.to_text()
    assert report.to_json()["settings"]["palette"] is None


def test_each_picture_gets_its_own_random_colours_again_and_again(
    flat: Style, in_dir: Path, tmp_path: Path
) -> None:
    seen = []
    for out in ("one", "two"):
        convert_folder(in_dir, tmp_path / out, flat, settings=settings_for("random:7"))
        seen.append([colours_of(tmp_path / out / name) for name in NAMES])
    wanted = read_palette("random:7").for_style("flat", PARTS)
    assert seen[0] == seen[1] == [tuple(wanted.colours(name).values()) for name in NAMES]
    assert seen[0][0] != seen[0][1]


def test_a_run_resumes_with_its_palette_alone(flat: Style, in_dir: Path, tmp_path: Path) -> None:
    file, out = tmp_path / "cast.toml", tmp_path / "out"
    file.write_text("['b.png']\nhair = '#102030'\n")
    convert_folder(in_dir, out, flat, settings=settings_for(file))
    assert colours_of(out / "sub" / "b.png")[1] == "#102030"
    assert colours_of(out / "a.png")[1] == PARTS["hair"]
    again = convert_folder(in_dir, out, flat, settings=settings_for(file))
    assert again.num_done_before == 2
    file.write_text("['b.png']\nhair = '#405060'\n")
    changed = settings_for(file)
    with pytest.raises(ConfigError, match=r"made with palette cast.toml \(\w+\), not cast.toml"):
        convert_folder(in_dir, out, flat, settings=changed)
    with pytest.raises(ConfigError, match=r"made with palette cast.toml \(\w+\), not none"):
        convert_folder(in_dir, out, flat)
    convert_folder(in_dir, out, flat, settings=changed, run=RunSettings(overwrite=True))
    assert colours_of(out / "sub" / "b.png")[1] == "#405060"


def test_what_a_palette_colours_in_vain_is_warned_of(
    flat: Style, in_dir: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    style, file = replace(flat, parts=PARTS | {"hat": "#659a3c"}), tmp_path / "cast.toml"
    file.write_text("['b.pgn']\nhair = '#102030'\n[default]\nhat = '#405060'\nhair = '#102030'\n")

    def warnings(palette: str | Path, out: str) -> list[str]:
        caplog.clear()
        convert_folder(in_dir, tmp_path / out, style, settings=settings_for(palette))
        return [record.message for record in caplog.records if record.levelname == "WARNING"]

    in_vain = "the palette colours parts that no picture has: hat"
    nearest = "'b.pgn' (the nearest name is 'b.png')"
    assert warnings(file, "one") == [
        f"these sections of the palette match no picture: {nearest}",
        in_vain,
    ]
    assert warnings("hat=#405060", "two") == [in_vain]
    assert warnings("hat=#405060", "two") == [], "parts of pictures that are kept are not known"
    assert warnings("hair=#405060", "three") == []


def test_a_run_resumes_with_its_shade_alone(flat: Style, in_dir: Path, tmp_path: Path) -> None:
    out, shaded = tmp_path / "out", settings_for("hair=#102030", shade=True)
    assert convert_folder(in_dir, out, flat, settings=shaded).num_done == 2
    assert convert_folder(in_dir, out, flat, settings=shaded).num_done_before == 2
    with pytest.raises(ConfigError, match="made with shade True, not False"):
        convert_folder(in_dir, out, flat, settings=replace(shaded, shade=False))


def test_layered_files_are_results_like_others(flat: Style, in_dir: Path, tmp_path: Path) -> None:
    out, layered = tmp_path / "out", ConvertSettings(output_format="ora")
    report = convert_folder(in_dir, out, flat, settings=layered)
    assert sorted(path.name for path in out.rglob("*.ora")) == ["a.ora", "b.ora"]
    assert len(report.thumbnails) == 2
    assert convert_folder(in_dir, out, flat, settings=layered).num_done_before == 2


def test_a_worker_of_a_cluster_has_the_palette(flat: Style, in_dir: Path, tmp_path: Path) -> None:
    settings = settings_for("hair=#102030").for_style(flat)
    (tmp_path / "out").mkdir()
    task = Task(
        name="run",
        pictures=LocalFolder(in_dir),
        out=LocalFolder(tmp_path / "out"),
        style_name="flat",
        style_files=pack_style(flat),
        run_identity=run_identity(flat, settings),
        scaling=flat.scaling,
        settings=settings,
        run=RunSettings(),
        cores=1,
        parallelism=Parallelism(readers=1, writers=1, slots=2),
    )
    worker = Worker(pickle.loads(pickle.dumps(task)))
    result = worker.convert(Shard(0, [(name, name) for name in NAMES], {}))
    worker.close()
    assert result.stopped is None
    assert [colours_of(tmp_path / "out" / name)[1] for name in NAMES] == ["#102030"] * 2


def test_a_translator_has_the_palette(flat: Style, in_dir: Path) -> None:
    palette = read_palette("random:7")
    wanted = palette.for_style("flat", PARTS)
    with open_style(flat, settings=ConvertSettings(palette=palette)) as translator:
        data = np.frombuffer(translator.translate(in_dir / NAMES[1]), np.uint8)
        named = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)
        assert colours_of(named) == tuple(wanted.colours("b.png").values())
        assert colours_of(translator.translate(drawing())) == tuple(wanted.colours("").values())


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        (settings_for("hair=#102030"), "cannot give its results a palette: the style tiny has no"),
        (
            ConvertSettings(shade=True),
            "cannot shade its results: the style tiny has no coloured parts",
        ),
        (ConvertSettings(output_format="ora"), "cannot write layered files: the style tiny has no"),
    ],
)
def test_a_style_without_parts_takes_no_palette(
    style: Style, tmp_path: Path, settings: ConvertSettings, reason: str
) -> None:
    write_pictures(tmp_path / "in", 1)
    with pytest.raises(ConfigError, match=reason):
        convert_folder(tmp_path / "in", tmp_path / "out", style, settings=settings)
    with pytest.raises(ConfigError, match=reason):
        open_style(style, settings=settings)
    assert not (tmp_path / "out").exists()


def test_a_palette_is_made_by_read_palette() -> None:
    text: Any = "hair=#102030"
    with pytest.raises(ConfigError, match="palette is 'hair=#102030': make one with read_palette"):
        ConvertSettings(palette=text)
