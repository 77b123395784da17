"""Options from dataclasses: name, type, default and help are the field's."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest
import typer
from typer.testing import CliRunner, Result

from pmsgan.batch.settings import RunSettings
from pmsgan.cli.app import app
from pmsgan.cli.boundary import one_line_errors
from pmsgan.cli.options import config_options, field_docs
from pmsgan.errors import ConfigError


@dataclass(frozen=True, kw_only=True, slots=True)
class Painting:
    """Each kind of field."""

    title: str
    """Name of the painting."""
    num_brushes: int = 3
    """Brushes to paint with, a
    whole number.

    A second paragraph is for readers of the code.
    """
    medium: Literal["oil", "ink"] = "oil"
    """Tool to paint with."""
    colours: tuple[str, ...] = ("red",)
    """Colours to use; may be repeated."""
    size: tuple[float, float] = (1.0, 2.0)
    """Width and height [m]."""
    budget: int | None = None
    """Most money to spend [EUR]."""
    framed: bool = True
    """Put it into a frame."""
    sign_it: bool = False
    """Write a name into the corner."""
    secret: int = 7
    """A number for the code alone."""

    def __post_init__(self) -> None:
        if self.num_brushes < 1:
            raise ConfigError(f"num_brushes is {self.num_brushes}: it must be at least 1")


@dataclass(frozen=True)
class Gallery:
    """A second dataclass for one command."""

    city: str = "Bonn"
    """Place of the gallery."""
    place: tuple[float, float] = (50.7, 7.1)
    """Latitude and longitude [degrees]."""
    undocumented: int = 0


def run(command: Callable[..., None], *arguments: str) -> Result:
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command()(command)
    return CliRunner().invoke(app, arguments, env={"COLUMNS": "100"})


@one_line_errors
@config_options(
    omit=("secret",),
    rename={"num_brushes": "--brushes"},
    flags=("sign_it",),
    show_default={"budget": "no limit"},
)
def paint(
    target: Annotated[Path, typer.Argument(help="File to paint to.")],
    painting: Painting,
    gallery: Gallery,
    size: Annotated[int, typer.Option(help="The command's own size.")] = 5,
) -> None:
    """Paint a picture."""
    typer.echo(f"{target} {size}\n{painting!r}\n{gallery!r}")


def test_the_command_receives_instances_with_the_fields_defaults() -> None:
    result = run(paint, "out.png", "--title", "Sea")
    assert result.exit_code == 0, result.output
    expected = f"out.png 5\n{Painting(title='Sea')!r}\n{Gallery()!r}\n"
    assert result.stdout == expected


def test_options_set_fields() -> None:
    result = run(
        paint, "out.png", "--title", "Sea", "--brushes", "4", "--medium", "ink", "--colours",
        "blue", "--colours", "grey", "--budget", "9", "--no-framed", "--sign-it", "--size", "6",
        "--city", "Ulm", "--place", "48.4", "10.0",
    )  # fmt: skip
    painting = Painting(
        title="Sea", num_brushes=4, medium="ink", colours=("blue", "grey"), budget=9, framed=False,
        sign_it=True,
    )  # fmt: skip
    assert (
        result.stdout == f"out.png 6\n{painting!r}\n{Gallery(city='Ulm', place=(48.4, 10.0))!r}\n"
    )


def test_help_says_what_the_fields_say() -> None:
    shown = " ".join(run(paint, "--help").stdout.split())
    for text in (
        "--title <str> Name of the painting. [required]",
        "--brushes <int> Brushes to paint with, a whole number. [default: 3]",
        "--medium <oil|ink> Tool to paint with. [default: oil]",
        "--colours <list[str]> Colours to use; may be repeated. [default: red]",
        "--budget <int> Most money to spend [EUR]. [default: (no limit)]",
        "--framed / --no-framed Put it into a frame. [default: framed]",
        "--sign-it Write a name into the corner.",
        "--size <int> The command's own size. [default: 5]",
        "--city <str> Place of the gallery. [default: Bonn]",
    ):
        assert text in shown
    for text in ("second paragraph", "secret", "--no-sign-it", "--painting", "--gallery"):
        assert text not in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--brushes", "0"), "error: --brushes is 0: it must be at least 1\n"),
        (("--medium", "wax"), "'wax'"),
        (("--brushes", "many"), "--brushes"),
        (("--secret", "8"), "--secret"),
    ],
)
def test_a_wrong_value_is_exit_2(options: tuple[str, ...], message: str) -> None:
    result = run(paint, "out.png", "--title", "Sea", *options)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_misspelt_field_is_an_error_at_once() -> None:
    def visit(gallery: Gallery) -> None: ...

    with pytest.raises(TypeError, match="visit: no dataclass has a field 'town'"):
        config_options(omit=("town",))(visit)


def test_without_source_the_help_is_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_source(module: object) -> str:
        raise OSError("could not get source code")

    monkeypatch.setattr("inspect.getsource", no_source)
    field_docs.cache_clear()
    assert field_docs(Gallery) == {}
    field_docs.cache_clear()
    monkeypatch.undo()
    assert field_docs(Gallery) == {
        "city": "Place of the gallery.",
        "place": "Latitude and longitude [degrees].",
    }


@pytest.mark.parametrize("name", ["max_batch", "slots", "readers", "writers"])
def test_numbers_far_beyond_reason_are_refused(name: str) -> None:
    most = 4096 if name == "max_batch" else 256
    RunSettings(**{name: most})
    for number in (0, most + 1, 10**12):
        said = f"{name} is {number}: it must lie within 1..{most}"
        with pytest.raises(ConfigError, match=re.escape(said)):
            RunSettings(**{name: number})
        option = "--" + name.replace("_", "-")
        result = CliRunner().invoke(app, ["convert", "in", "out", option, str(number)])
        assert (result.exit_code, result.stderr) == (2, f"error: {said.replace(name, option)}\n")
