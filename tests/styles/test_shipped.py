"""The styles that ship are whole, small, and made from their own weights."""

from pathlib import Path

import onnx
import pytest

import pmsgan
from pmsgan.export.exporter import export_generator, graph_metadata
from pmsgan.model.weights import load_generator
from pmsgan.styles.registry import WEIGHTS_NAME, Style, read_style, shipped_styles_folder

SHIPPED = [read_style(path.parent) for path in sorted(shipped_styles_folder().glob("*/style.toml"))]
MAX_BYTES = 40_000_000


def test_all_of_them_are_small_together() -> None:
    folders = [style.folder for style in SHIPPED]
    assert sum(it.stat().st_size for folder in folders for it in folder.iterdir()) < MAX_BYTES


@pytest.mark.parametrize("style", SHIPPED, ids=lambda style: style.name)
def test_it_says_where_it_comes_from(style: Style) -> None:
    assert {"data", "licence", "steps", "hardware", "commands", "held_out"} <= style.origin.keys()
    assert set(style.expects) == {"colour", "ground"}


@pytest.mark.parametrize("style", SHIPPED, ids=lambda style: style.name)
def test_exporting_it_again_gives_the_same_bytes(
    style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    style.verify()
    made_by = onnx.load(style.graph).producer_version
    monkeypatch.setattr(pmsgan, "__version__", made_by)
    export_generator(
        load_generator(style.weights, style.generator),
        tmp_path / "again.onnx",
        height=style.height,
        width=style.width,
        precision="fp16",
        metadata=graph_metadata(style.name, style.sha256[WEIGHTS_NAME]),
    )
    assert (tmp_path / "again.onnx").read_bytes() == style.graph.read_bytes()
