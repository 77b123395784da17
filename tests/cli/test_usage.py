"""Wrong usage is one line and one exit code, an unknown style another, and help fits."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from pmsgan.cli.app import app
from pmsgan.cli.usage import Group, chosen_value

COMMANDS = [
    ("convert", "IN", "OUT"), ("train", "SET"), ("export", "anime"),
    ("export-triton", "anime", "DIR"), ("build-engine",), ("bench",), ("compare", "A", "B"),
    ("evaluate", "A", "B"), ("doctor",), ("prepare", "lines", "A", "B"),
    ("prepare", "align", "A", "B", "--eyes", "C"), ("prepare", "flats", "A", "B"),
    ("prepare", "pairs", "A", "B", "--direction", "a:b"),
    ("study", "make", "--truth", "A", "--input", "B", "m=C"), ("study", "tally", "A"),
    ("styles", "list"), ("styles", "show", "anime"), ("styles", "add", "A"),
    ("styles", "import", "A", "--name", "B"), ("styles", "remove", "A"), ("styles", "update", "A"),
    ("styles", "measure", "anime", "A"), ("serve",),
]  # fmt: skip
"""Every command, with arguments that are well formed."""
NEEDS_TORCH = pytest.mark.skipif(find_spec("torch") is None, reason="needs PyTorch")


def pmsgan_command(*arguments: object, **options: Any) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], **options)


def refused(*arguments: object) -> str:
    """Run a command that is wrong usage, and return its one line."""
    result = pmsgan_command(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.startswith("error: ")
    assert result.stderr.count("\n") == 1, result.stderr
    return result.stderr.removeprefix("error: ").rstrip()


def known_commands() -> list[tuple[str, ...]]:
    names = []
    for info in app.registered_commands:
        assert info.callback is not None
        names.append((info.name or info.callback.__name__.replace("_", "-"),))
    for group in app.registered_groups:
        assert group.typer_instance is not None
        for info in group.typer_instance.registered_commands:
            assert info.callback is not None
            names.append((str(group.name), info.name or info.callback.__name__))
    return names


def names_of(command: tuple[str, ...]) -> tuple[str, ...]:
    return command[:2] if command[0] in ("prepare", "study", "styles") else command[:1]


def test_every_command_is_tried_here() -> None:
    assert sorted(map(names_of, COMMANDS)) == sorted(known_commands())


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: " ".join(names_of(command)))
def test_an_unknown_option_is_one_line(command: tuple[str, ...]) -> None:
    assert refused(*command, "--hlep") == "No such option: --hlep. Did you mean --help?"
    said = refused(*command, "--zzz")
    assert said == f"No such option: --zzz: see pmsgan {' '.join(names_of(command))} --help"


@pytest.mark.parametrize(
    "command",
    [
        ("convert", "IN", "OUT", "--style", "nonesuch"),
        ("bench", "--style", "nonesuch"),
        ("build-engine", "--style", "nonesuch"),
        pytest.param(("export", "nonesuch"), marks=NEEDS_TORCH),
        ("export-triton", "nonesuch", "OUT"),
        pytest.param(("evaluate", "--style", "nonesuch", "IN"), marks=NEEDS_TORCH),
        ("styles", "show", "nonesuch"),
        ("styles", "add", "nonesuch"),
        ("styles", "remove", "nonesuch"),
    ],
    ids=lambda command: " ".join(names_of(command)),
)
def test_an_unknown_style_is_one_line_and_exit_3(
    command: tuple[str, ...], in_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    places = {"IN": in_dir, "OUT": tmp_path / "out"}
    result = pmsgan_command(*(places.get(word, word) for word in command))
    assert result.exit_code == 3, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1, result.stderr
    assert "nonesuch" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("convert", "--styel", "x", "a", "b"), "No such option: --styel. Did you mean --style?"),
        (("convert", "a", "b", "-style", "ink"), "No such option: -style. Did you mean --style?"),
        (("--verson",), "No such option: --verson. Did you mean --version?"),
        (("conver", "a", "b"), "No such command 'conver'. Did you mean 'convert'?"),
        (("styles", "shwo"), "No such command 'shwo'. Did you mean 'show'?"),
        (("convert",), "Missing argument: give IN and OUT, see pmsgan convert --help"),
        (("convert", "a.jpg"), "Missing argument: give IN and OUT, see pmsgan convert --help"),
        (("train",), "Missing argument: give DATA, see pmsgan train --help"),
        (("train", "SET", "--steps"), "Option '--steps' requires an argument."),
        (("convert", "a", "b", "--quality", "0"), "--quality is 0: it must lie within 1..100"),
        (("convert", "a", "-", "--json"), None),
        (("convert", "a", "b", "--workers", "2"), None),
        (("bench", "--sizes", "25x"), None),
        (("bench", "--rounds", "0"), None),
        (("bench", "--backends", "openvno"), None),
        (("build-engine", "--optimization-level", "9"), None),
        (("build-engine", "--size", "512x"), None),
        (("train", "SET", "--size", "many"), None),
        (("evaluate", "a", "b", "--metrics", "fim"), None),
    ],
)
def test_wrong_usage_is_one_line(arguments: tuple[str, ...], said: str | None) -> None:
    line = refused(*arguments)
    assert said in (None, line)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (("convert", "a", "b", "--format", "jgp"), "jpg"),
        (("convert", "a", "b", "--backend", "opnvino"), "openvino"),
        (("build-engine", "--backend", "tensort"), "tensorrt"),
        (("export-triton", "anime", "x", "--backend", "onnxruntme"), "onnxruntime"),
        (("train", "SET", "--preset", "apdrawings"), "apdrawing"),
        (("convert", "a", "b", "--format", "tiff"), None),
    ],
)
def test_a_misspelt_choice_is_one_line(arguments: tuple[str, ...], meant: str | None) -> None:
    said = refused(*arguments)
    assert f"'{arguments[-1]}' is not one of " in said
    assert said.endswith(f"Did you mean {meant}?") or (meant is None and "Did you" not in said)


@pytest.mark.parametrize("given", ["jpeg", "JPG", ".jpg", "JPEG", ".jpeg", "jpe"])
def test_jpg_has_many_names(given: str, in_dir: Path, tmp_path: Path) -> None:
    result = pmsgan_command("convert", in_dir, tmp_path / "out", "--format", given, "--dry-run")
    assert result.exit_code == 0, result.output
    assert "picture_0.png -> picture_0.jpg\n" in result.stdout


def test_short_options_and_other_choices_stay_as_they_are() -> None:
    assert [chosen_value(it) for it in ("o", "O", "OpenVINO", ".png", "webp")] == [
        "o", "O", "openvino", "png", "webp",
    ]  # fmt: skip


@pytest.mark.parametrize("group", [(), ("styles",), ("study",), ("prepare",)])
def test_a_command_of_commands_alone_shows_its_help(group: tuple[str, ...]) -> None:
    result = pmsgan_command(*group)
    assert result.exit_code == 2
    assert result.stderr.startswith("Usage: ")
    assert "Commands:" in result.stderr


def words(text: str) -> list[str]:
    text = re.sub(r"(\w)-\n +", r"\1-", text)  # a wide terminal breaks lines at hyphens, too
    return re.sub("[ |,\n]+", " ", text).split()


@pytest.mark.parametrize(
    "command", [(), ("styles",), ("study",), ("prepare",), *map(names_of, COMMANDS)], ids=" ".join
)
def test_help_fits_into_40_columns_and_cuts_no_word(command: tuple[str, ...]) -> None:
    narrow = pmsgan_command(*command, "--help", env={"COLUMNS": "40"}).stdout
    wide = pmsgan_command(*command, "--help", env={"COLUMNS": "80"}).stdout
    assert max(map(len, wide.split("\n"))) <= 80
    assert max(map(len, narrow.split("\n"))) <= 40
    assert words(narrow) == words(wide)


@pytest.mark.parametrize(
    ("command", "usage", "argument"),
    [
        (("convert",), "[OPTIONS] IN... OUT", "IN <str>... "),
        (("train",), "[OPTIONS] DATA", "DATA <path> "),
        (("study", "make"), "[OPTIONS] METHOD=FOLDER...", "METHOD=FOLDER <str>... "),
    ],
)
def test_help_writes_arguments_as_manuals_do(
    command: tuple[str, ...], usage: str, argument: str
) -> None:
    shown = pmsgan_command(*command, "--help", env={"COLUMNS": "80"}).stdout
    assert shown.split("\n")[0] == f"Usage: pmsgan {' '.join(command)} {usage}"
    assert f"\n  {argument}" in shown


def test_a_word_for_a_number_is_named_plainly() -> None:
    said = refused("serve", "--port", "abc")
    assert re.search("is not a valid integer: see pmsgan serve --help$", said)
    assert "Input should" not in said


def test_ctrl_c_outside_of_a_command_is_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Group, "invoke", interrupt)
    assert pmsgan_command("doctor").exit_code == 130


def test_ctrl_c_while_the_command_is_imported_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt")
    result = subprocess.run(
        [sys.executable, "-m", "pmsgan", "doctor"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    assert (result.returncode, result.stderr) == (130, b"interrupted\n")


@pytest.mark.parametrize(("cause", "code"), [(KeyboardInterrupt(), 130), (None, 1)])
def test_ctrl_c_while_a_compiled_module_is_imported_is_told(
    monkeypatch: pytest.MonkeyPatch, cause: BaseException | None, code: int
) -> None:
    def fail() -> None:
        raise ImportError("initialization failed") from cause

    monkeypatch.setattr("pmsgan.engine.doctor.diagnose", fail)
    result = pmsgan_command("doctor")
    assert result.exit_code == code
    assert ("interrupted" in result.stderr) == (code == 130)


@pytest.mark.parametrize("command", [it for it in COMMANDS if len(it) > len(names_of(it))])
def test_an_empty_word_is_not_the_folder_that_one_is_in(command: tuple[str, ...]) -> None:
    line = refused(*command[:-1], "")
    assert line.startswith("an argument is empty, perhaps a variable that is not set: see pmsgan ")


@pytest.mark.parametrize(
    "command",
    [("convert",), pytest.param(("train",), marks=NEEDS_TORCH), ("prepare", "lines")],
)
def test_a_path_that_cannot_be_looked_at_is_told(command: tuple[str, ...], tmp_path: Path) -> None:
    too_long = tmp_path / ("a" * 300)
    arguments = (too_long,) if command == ("train",) else (too_long, tmp_path / "out")
    assert refused(*command, *arguments) == f"cannot use {too_long}: File name too long"
