import shutil
from pathlib import Path

import pytest

from pmsgan.errors import StyleError
from pmsgan.styles.registry import (
    Style,
    add_style,
    find_style,
    list_styles,
    read_style,
    remove_style,
    user_styles_folder,
)


@pytest.fixture
def copy(style: Style, tmp_path: Path) -> Path:
    return Path(shutil.copytree(style.folder, tmp_path / "copy"))


def test_a_style_is_found_by_path_and_by_name(style: Style, user_folders: Path) -> None:
    assert find_style(str(style.folder)).graph == style.graph
    installed = user_styles_folder() / "installed"
    shutil.copytree(style.folder, installed)
    try:
        assert find_style("installed").folder == installed
        assert "installed" in [one.name for one in list_styles()]
    finally:
        shutil.rmtree(installed)


def test_an_unknown_style_names_those_there_are(style: Style) -> None:
    with pytest.raises(StyleError, match=r"no style 'nonesuch' \(known: .*\)"):
        find_style("nonesuch")


@pytest.mark.parametrize("name", ["generator.onnx", "generator.safetensors"])
def test_a_changed_or_missing_file_is_refused(copy: Path, name: str) -> None:
    content = bytearray((copy / name).read_bytes())
    content[len(content) // 2] ^= 1
    (copy / name).write_bytes(content)
    with pytest.raises(StyleError, match=f"{name} is not the file"):
        find_style(str(copy))
    (copy / name).unlink()
    with pytest.raises(StyleError, match="lacks"):
        find_style(str(copy))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("height = 64", "", "lacks 'height'"),
        ("height = 64", "height = 'tall'", "cannot be read"),
        ("base_channels = 4", "base_channels = 3", "base_channels is 3"),
        ("base_channels = 4", "colour = 4", "unknown setting 'colour'"),
        ("[generator]", "[generator", "cannot be read"),
        ("[generator]", f"x = {'[' * 100_000}", "cannot be read: it is nested too deeply"),
        ("[generator]", "[scaling]\nmode = 'magic'\n[generator]", "scaling mode is 'magic'"),
    ],
)
def test_a_description_that_is_wrong_says_where(
    copy: Path, old: str, new: str, reason: str
) -> None:
    description = copy / "style.toml"
    text = description.read_text()
    assert old in text
    description.write_text(text.replace(old, new))
    with pytest.raises(StyleError, match=reason):
        read_style(copy)


def test_a_style_is_added_under_a_name_and_removed_again(style: Style) -> None:
    added = add_style(style.folder, "mine")
    assert added.folder == user_styles_folder() / "mine"
    assert find_style("mine").sha256 == style.sha256
    with pytest.raises(StyleError, match="you have a style 'mine' already"):
        add_style(style.folder, "mine")
    assert remove_style("mine") == added.folder
    assert not added.folder.exists()
    with pytest.raises(StyleError, match="you have no style 'mine'"):
        remove_style("mine")
    left = [path.name for path in user_styles_folder().iterdir()]
    assert not [name for name in left if name.startswith(".") or name == "mine"]


def test_a_path_is_never_taken_for_a_name(
    style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_style(style.folder, "mine")
    shutil.copytree(style.folder, tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    try:
        assert find_style("./mine").folder == Path("mine")
        assert find_style("mine").folder == user_styles_folder() / "mine"
        monkeypatch.chdir(style.folder)
        with pytest.raises(StyleError, match="no style"):
            find_style("./mine")
    finally:
        remove_style("mine")


def test_a_damaged_style_does_not_hide_the_others(
    style: Style, caplog: pytest.LogCaptureFixture
) -> None:
    add_style(style.folder, "good")
    (add_style(style.folder, "bad").folder / "style.toml").write_text("height = ")
    try:
        names = [one.name for one in list_styles()]
        assert "good" in names
        assert "bad" not in names
        assert "skipped" in caplog.text
    finally:
        remove_style("good")
        remove_style("bad")


@pytest.mark.parametrize("name", ["../up", ".hidden", "a/b", ".."])
def test_only_plain_names_are_taken(style: Style, name: str) -> None:
    with pytest.raises(StyleError, match="is not a name"):
        add_style(style.folder, name)
    with pytest.raises(StyleError, match="is not a name"):
        remove_style(name)


def test_a_damaged_style_is_not_added(copy: Path) -> None:
    (copy / "generator.onnx").write_text("damaged")
    with pytest.raises(StyleError, match="is not the file"):
        add_style(copy, "damaged")
    assert not (user_styles_folder() / "damaged").exists()
