"""Styles by their names, and which of them may be changed; with a style that ships."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from pmsgan.errors import ConfigError, StyleError
from pmsgan.model.config import OnnxConfig
from pmsgan.styles import registry
from pmsgan.styles.registry import (
    CALIBRATION_NAME,
    FP32_GRAPH_NAME,
    GRAPH_NAME,
    TRAINED_PAIRS_NAME,
    WEIGHTS_NAME,
    find_editable_style,
    find_style,
    is_path,
    is_style,
    list_styles,
    read_style,
    shipped_styles_folder,
    user_style_folder,
    user_styles_folder,
)

SHIPPED = shipped_styles_folder() / "ink"


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the user's own styles, with another ink in it."""
    monkeypatch.setattr(registry.platformdirs, "user_data_dir", lambda *_, **__: str(tmp_path))
    return Path(shutil.copytree(SHIPPED, tmp_path / "styles" / "ink"))


def test_the_users_own_come_first(mine: Path) -> None:
    shutil.copytree(SHIPPED, mine.with_name(".hidden"))
    mine.with_name("empty").mkdir()
    shutil.copytree(SHIPPED, mine.with_name("aaa"))
    found = {style.name: style.folder for style in list_styles()}
    assert list(found) == sorted(found)
    assert found["ink"] == mine
    assert found["comic"] == shipped_styles_folder() / "comic"
    assert "aaa" in found and ".hidden" not in found and "empty" not in found
    assert find_style("ink").folder == mine
    assert find_style(str(SHIPPED)).folder == SHIPPED
    with pytest.raises(StyleError, match=r"no style 'nonesuch' \(known: aaa, anime, comic, ink\)"):
        find_style("nonesuch")


def test_a_style_that_is_read_is_returned_as_it_is() -> None:
    style = read_style(SHIPPED)
    assert find_style(style) is style
    assert find_editable_style(style) is style


def test_what_ships_is_changed_by_its_path_alone(mine: Path) -> None:
    assert find_editable_style("ink").folder == mine
    assert find_editable_style(str(SHIPPED)).folder == SHIPPED
    (mine / WEIGHTS_NAME).write_bytes(b"damaged")
    assert find_editable_style("ink").folder == mine  # it is to be written again
    shutil.rmtree(mine)
    with pytest.raises(StyleError, match="the style ink ships with pmsgan and is not changed"):
        find_editable_style("ink")


def test_every_file_is_verified_but_those_left_out(mine: Path) -> None:
    style = read_style(mine)
    style.verify()
    for name, other in ((WEIGHTS_NAME, GRAPH_NAME), (GRAPH_NAME, WEIGHTS_NAME)):
        data = (mine / name).read_bytes()
        (mine / name).write_bytes(data + b"1")
        style.verify(leave_out=(name,))
        for left_out in ((), (other,)):
            with pytest.raises(StyleError, match=f"{name} is not the file that style.toml desc"):
                style.verify(leave_out=left_out)
        (mine / name).unlink()
        with pytest.raises(StyleError, match=f"lacks .*{name}"):
            style.verify()
        (mine / name).write_bytes(data)


def test_a_style_says_where_its_files_are() -> None:
    style = replace(read_style(SHIPPED), sha256={})
    assert style.file_names == (WEIGHTS_NAME, GRAPH_NAME)
    known = replace(style, sha256={TRAINED_PAIRS_NAME: "", CALIBRATION_NAME: ""})
    assert known.file_names[2:] == (TRAINED_PAIRS_NAME, CALIBRATION_NAME)
    assert (style.weights, style.graph) == (SHIPPED / WEIGHTS_NAME, SHIPPED / GRAPH_NAME)
    assert (style.is_imported, style.baseline_backend) == (False, "eager")
    assert style.reference_graph == style.graph
    assert style.native_network("train") is style.generator
    assert style.view == (768, 768)
    assert json.loads(json.dumps(style.to_json()))["folder"] == str(SHIPPED)
    imported = replace(style, generator=OnnxConfig())
    assert imported.file_names[0] == FP32_GRAPH_NAME
    assert (imported.is_imported, imported.baseline_backend) == (True, "onnxruntime")
    assert imported.reference_graph == SHIPPED / FP32_GRAPH_NAME
    with pytest.raises(ConfigError, match="cannot train it: the style ink is an imported ONNX"):
        imported.native_network("train it")


def test_a_user_without_a_home_has_the_styles_that_ship(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home(*arguments: object, **options: object) -> str:
        raise RuntimeError("no home")

    for found in (lambda *arguments, **options: "~/.local/share/pmsgan", no_home):
        monkeypatch.setattr(registry.platformdirs, "user_data_dir", found)
        with pytest.raises(StyleError, match="there is no folder for your own styles: set HOME"):
            user_styles_folder()
        assert [style.name for style in list_styles()] == ["anime", "comic", "ink"]


def test_plain_names_alone_are_names() -> None:
    assert user_style_folder("my-ink_2") == user_styles_folder() / "my-ink_2"
    for name in ("", ".ink", "a/b", "/", "..", "ink/"):
        with pytest.raises(StyleError, match="is not a name for a style"):
            user_style_folder(name)
    assert [is_path(it) for it in ("ink", "a/b", "a\\b", "./ink")] == [False, True, True, True]
    assert is_style(SHIPPED)
    assert not is_style(SHIPPED.parent)


@pytest.mark.parametrize(
    ("side", "is_taken"), [(0, False), (1, True), (16384, True), (16385, False)]
)
def test_sides_lie_within_bounds(mine: Path, side: int, is_taken: bool) -> None:
    path = mine / "style.toml"
    text = path.read_text().replace("height = 256", f"height = {side}", 1)
    path.write_text(
        text.partition("[scaling]")[0] + "[generator]" + text.partition("[generator]")[2]
    )
    if is_taken:
        text = path.read_text().replace("width = 256", f"width = {side}", 1)
        path.write_text(text)
        assert (read_style(mine).height, read_style(mine).width) == (side, side)
        return
    with pytest.raises(StyleError, match=rf"a side is {side}: it must lie within 1\.\.16384"):
        read_style(mine)
