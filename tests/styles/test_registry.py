import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pmsgan.cli.app import app
from pmsgan.errors import ConfigError, StyleError
from pmsgan.styles.registry import (
    MAX_PARTS,
    Style,
    find_style,
    list_styles,
    read_style,
    user_styles_folder,
)
from pmsgan.styles.user_styles import add_style, remove_style


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
        ("height = 64", "height = inf", "cannot be read"),
        ("base_channels = 4", "base_channels = 3", "base_channels is 3"),
        ("base_channels = 4", "colour = 4", "unknown setting 'colour'"),
        ("[generator]", "[generator", "cannot be read"),
        ("[generator]", f"x = {'[' * 50_000}", "cannot be read: it is nested too deeply"),
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
    with pytest.raises(StyleError, match="you already have a style 'mine'"):
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


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("num_residual_blocks = 1", "num_residual_blocks = 1000000000", "within 1..64"),
        ("base_channels = 4", "base_channels = 1000000000", "from 2 to 1024"),
        ("height = 64", "height = 1000000000", "within 1..16384"),
        ("[scaling]", "[scaling]\ntile_size = 1000000000", "within 1..16384"),
        ("height = 64", "height = 64\nx = " + "[" * 50_000, "cannot be read"),
        ("height = 64", "height = 64\n" + "# " * 2**20, "more than 65536 bytes"),
    ],
)
def test_a_style_that_asks_for_too_much_is_refused(
    copy: Path, old: str, new: str, reason: str
) -> None:
    path = copy / "style.toml"
    text = path.read_text()
    path.write_text((text if old in text else f"{text}\n[scaling]").replace(old, new))
    with pytest.raises(StyleError, match=reason):
        read_style(copy)


@pytest.mark.parametrize("name", ["style.toml", "generator.onnx"])
def test_a_device_in_the_place_of_a_file_is_refused(copy: Path, name: str) -> None:
    (copy / name).unlink()
    (copy / name).symlink_to("/dev/zero")
    with pytest.raises(StyleError):
        find_style(str(copy))
    with pytest.raises(StyleError, match=r"is not a style, since|lacks .*not a regular"):
        add_style(copy, "device")


def test_an_imported_network_is_told_from_own_ones(copy: Path) -> None:
    path = copy / "style.toml"
    text = path.read_text()
    start = text.index("[generator]")
    rest = text[text.index("[origin]") :]
    table = '[generator]\nnetwork = "onnx"\nside_multiple = 8\nrange_in = "imagenet"\n'
    path.write_text(text[:start] + table + rest)
    style = read_style(copy)
    assert style.is_imported
    assert style.baseline_backend == "onnxruntime"
    assert style.file_names[:2] == ("generator_fp32.onnx", "generator.onnx")
    assert style.to_json()["generator"]["network"] == "onnx"
    with pytest.raises(ConfigError, match="cannot train it further: the style copy is an imported"):
        style.native_network("train it further")
    path.write_text(text[:start] + table.replace("imagenet", "0..2") + rest)
    with pytest.raises(StyleError, match=r"range_in is '0\.\.2'"):
        read_style(copy)


def test_adding_says_what_was_given_in_the_place_of_a_style(style: Style, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for name in ("run/checkpoint.pt", "net.onnx", "my net.onnx", "weights.pth", "notes.txt"):
        (tmp_path / name).write_bytes(b"x")
    for given, reason in (
        ("net.onnx", r"is an ONNX file: pmsgan styles import \S+/net.onnx --name NAME"),
        ("my net.onnx", r"an ONNX file: pmsgan styles import '\S+/my net.onnx' --name NAME"),
        (
            "weights.pth",
            r"holds weights for PyTorch: import those of pix2pix or CycleGAN",
        ),
        ("run", r"is the run folder of a training: repeat its command with --resume --style NAME"),
        (
            ".",
            r"is not a style, since it has no style.toml: to import an ONNX file, type pmsgan st",
        ),
        ("notes.txt", r"notes.txt is not a style: give a folder with a style.toml"),
        ("missing", r"missing does not exist: give the folder of a style"),
        (style.graph.parent / "style.toml", r"is part of a style: give its folder, "),
    ):
        with pytest.raises(StyleError, match=reason):
            add_style(tmp_path / given)


def test_parts_have_names_and_colours(copy: Path) -> None:
    path = copy / "style.toml"
    text = path.read_text()
    path.write_text(text + "\n[parts]\nhair_1 = '#FF0000'\n")
    assert read_style(copy).parts == {"hair_1": "#ff0000"}
    for parts, reason in (
        ("'a b' = '#ff0000'", "a part is called 'a b'"),
        ("a = 'red'", "the colour of the part a is 'red'"),
        ("\n".join(f"p{n} = '#ff0000'" for n in range(MAX_PARTS + 1)), "parts are too many"),
    ):
        path.write_text(f"{text}\n[parts]\n{parts}\n")
        with pytest.raises(StyleError, match=reason):
            read_style(copy)
    path.write_text(text + "\n[parts]\n" + "\n".join(f"p{n} = '#ff0000'" for n in range(MAX_PARTS)))
    assert len(read_style(copy).parts) == MAX_PARTS


def test_a_date_of_a_style_is_text_in_json(copy: Path) -> None:
    path = copy / "style.toml"
    path.write_text(
        path.read_text() + "\n[origin.made]\non = 2026-01-02T03:04:05Z\nat = 03:04:05\n"
    )
    shown = CliRunner().invoke(app, ["styles", "show", str(copy), "--json"])
    made = json.loads(shown.stdout)["origin"]["made"]
    assert made == {"on": "2026-01-02T03:04:05+00:00", "at": "03:04:05"}


def test_words_of_a_strangers_style_do_not_reach_the_terminal_raw(
    copy: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = copy / "style.toml"
    words = r'input = "\u001b[31mred\nanime           fake"' + f'\noutput = "{"o" * 500}"'
    path.write_text(words + path.read_text()[path.read_text().index("\nheight") :])
    runner = CliRunner()
    added = runner.invoke(app, ["styles", "add", str(copy), "--name", "comic"])
    try:
        assert added.stdout.startswith("added comic in ")
        assert "your style comic hides the shipped style of the same name" in caplog.text
        listed = runner.invoke(app, ["styles", "list"]).stdout
        (line,) = [it for it in listed.splitlines() if it.startswith("comic")]
        assert r"\x1b[31mred\nanime           fake -> ooo" in line
        assert len(line) < 200
        shown = runner.invoke(app, ["styles", "show", "comic"]).stdout
        assert "\x1b" not in listed + shown
    finally:
        remove_style("comic")
