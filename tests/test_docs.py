"""Every command that the documentation shows exists, with its options and their choices."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from pmsgan.cli.app import app

ROOT = Path(__file__).parents[1]
PAGES = [*sorted((ROOT / "docs").rglob("*.md")), *sorted(ROOT.glob("*.md"))]
COMMAND = re.compile(r"^(?:\.venv/bin/|torchrun .* -m )?pmsgan (.*)$")
END = {"<", ">", "|", ";", "&&", "||", "&"}
"""Words at which the shell takes over."""


def shown_commands() -> list[tuple[str, str]]:
    """Return the page and the arguments of each command in a block of shell code."""
    found = []
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in re.sub(r"\\\n\s*", "", block).splitlines():
                if command := COMMAND.match(line.strip()):
                    found.append((page.relative_to(ROOT).as_posix(), command[1]))
    return found


def words(line: str) -> list[str]:
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.wordchars += "$*:@,[]{}%+"
    found = list(lexer)
    return found[: next((i for i, word in enumerate(found) if word in END), len(found))]


def check(arguments: list[str]) -> None:
    """Parse arguments as the command line does, without opening what they name.

    Raises:
        typer.BadParameter, or its base: no such command, option or choice.
    """
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="pmsgan")
    while hasattr(command, "commands"):
        name, command, arguments = command.resolve_command(context, arguments)
        context = typer.Context(command, info_name=name, parent=context)
    values, left, order = command.make_parser(context).parse_args(args=arguments)
    for parameter in order:
        try:
            _, left = parameter.handle_parse_result(context, values, left)
        except typer.BadParameter as error:
            if "does not exist" not in str(error) and "$" not in str(error):
                raise
    assert not left, f"too many arguments: {left}"


def test_there_are_commands_to_check() -> None:
    assert len(shown_commands()) > 50


@pytest.mark.parametrize(("page", "line"), shown_commands())
def test_a_command_in_the_documentation_is_one(page: str, line: str) -> None:
    check(words(line))


@pytest.mark.parametrize(
    "line", ["translate IN OUT", "convert IN OUT --colour red", "convert IN OUT --fit round"]
)
def test_what_is_no_command_is_found(line: str) -> None:
    with pytest.raises(typer.BadParameter.__base__):  # type: ignore[arg-type]
        check(words(line))
