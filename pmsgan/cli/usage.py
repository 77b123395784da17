"""Report wrong usage in one line, and fit help into the terminal."""

import difflib
import errno
import re
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import typer
from typer.core import TyperCommand, TyperGroup

from pmsgan.cli.boundary import ExitCode
from pmsgan.cli.terminal import abandon_stdout, print_note, print_traceback
from pmsgan.errors import OutputError
from pmsgan.formats import FORMAT_ALIASES
from pmsgan.terminal import NARROW

MAX_WIDTH = 80
WHOLE_SENTENCE = 120
"""Letters of a command's first sentence that the list of commands shows."""

F = TypeVar("F", bound=Callable[..., Any])

_LIST = re.compile(r"(?:\.\.\.)? <list\[(.+?)\]>")
_NO_NUMBER = re.compile(r"Input should be (a valid \w+).*")

_OUTPUT_LOST = (errno.EPIPE, errno.ENOSPC, errno.EIO)

_UsageError: Any = typer.BadParameter.__base__
_HelpFormatter: Any = typer.Context.formatter_class


class App(typer.Typer):
    """An app whose commands show help and usage errors in the same way."""

    def __init__(self, **settings: Any) -> None:
        """Make an app without commands."""
        super().__init__(cls=Group, no_args_is_help=True, rich_markup_mode=None, **settings)

    def command(self, name: str | None = None, **settings: Any) -> Callable[[F], F]:
        """Return a decorator that adds a command."""
        return super().command(name, cls=Command, **settings)


def chosen_value(token: str) -> str:
    """Return how a choice is written here: JPG and .jpeg are jpg; short options stay as given."""
    if len(token) == 1:
        return token
    return FORMAT_ALIASES.get(token.lower(), token.lower())


class _Formatter(_HelpFormatter):  # type: ignore[misc]
    """In a narrow terminal, what an option does is shown below its name, and no word is cut."""

    def write_text(self, text: str) -> None:
        """Write paragraphs."""
        if self.width >= NARROW:
            super().write_text(text)
            return
        paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
        self.write("\n\n".join(self._wrapped(paragraph, 0) for paragraph in paragraphs) + "\n")

    def write_dl(self, rows: Sequence[tuple[str, str]], *args: int, **options: int) -> None:
        """Write names and their descriptions."""
        rows = [(_LIST.sub(r" <\1>...", name), meaning) for name, meaning in rows]
        if self.width >= NARROW:
            super().write_dl(rows, *args, **options)
            return
        for name, meaning in rows:
            for text, indent in ((name, 0), (meaning, 4)):
                if text:
                    self.write(self._wrapped(text, indent) + "\n")

    def _wrapped(self, text: str, indent: int) -> str:
        spaces = " " * (self.current_indent + indent)
        words = (_split(word, self.width - len(spaces)) for word in text.split())
        return textwrap.fill(
            " ".join(words), self.width, initial_indent=spaces, subsequent_indent=spaces,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip


def _split(word: str, room: int) -> str:
    """Let a list of names that is too long for a line break between them."""
    return word if len(word) <= room else word.replace("|", " | ").replace(",", ", ")


class _Context(typer.Context):
    def make_formatter(self) -> Any:
        """Return a formatter as wide as the terminal, at most as wide as help is good to read."""
        return _Formatter(width=min(shutil.get_terminal_size().columns, MAX_WIDTH) - 2)


class Command(TyperCommand):
    """A command."""

    context_class = _Context

    def __init__(self, *args: Any, **settings: Any) -> None:
        """Make a command; help shows the names of its arguments in capitals."""
        super().__init__(*args, **settings)
        for parameter in self.params:
            if parameter.param_type_name == "argument":
                parameter.metavar = parameter.metavar or str(parameter.name).upper()

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """Return the parts of the usage line, without what some versions of typer add to them."""
        pieces = super().collect_usage_pieces(ctx)
        return [re.sub(r"\.{4,}", "...", re.sub("[{}]", "", piece)) for piece in pieces]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments; refuse an empty one, which would mean the current folder."""
        if "" in args:
            raise typer.BadParameter(
                "an argument is empty, perhaps a variable that is not set", ctx=ctx
            )
        return super().parse_args(ctx, args)

    def get_short_help_str(self, limit: int = WHOLE_SENTENCE) -> str:
        """Return the first sentence of the help, whole."""
        return super().get_short_help_str(max(limit, WHOLE_SENTENCE))


class Group(TyperGroup):
    """A command of commands."""

    context_class = _Context

    def get_short_help_str(self, limit: int = WHOLE_SENTENCE) -> str:
        """Return the first sentence of the help, whole."""
        return super().get_short_help_str(max(limit, WHOLE_SENTENCE))

    def main(self, *args: Any, **settings: Any) -> Any:
        """Run the command that the user gave, and end the process with its exit code."""
        settings |= {"standalone_mode": False, "token_normalize_func": chosen_value}
        try:
            sys.exit(super().main(*args, **settings))
        except _UsageError as error:
            if "\n" in error.message:
                error.show()  # the help, where a command of commands is given alone
            else:
                print_note(f"error: {_one_line(error, settings.get('args') or sys.argv[1:])}")
            sys.exit(error.exit_code)
        except (OSError, OutputError) as error:  # help or version, which no command has printed
            if isinstance(error, OSError) and error.errno not in _OUTPUT_LOST:
                print_traceback()
            elif not isinstance(error.__cause__ or error, BrokenPipeError):
                print_note(
                    f"error: {abandon_stdout(error) if isinstance(error, OSError) else error}"
                )
            sys.exit(ExitCode.SOME_FAILED)
        except typer.Abort:
            print_note("interrupted")
            sys.exit(ExitCode.INTERRUPTED)
        except Exception:  # a bug, whose message may hold names of files
            print_traceback()
            sys.exit(ExitCode.SOME_FAILED)


def _one_line(error: Any, typed: Sequence[str]) -> str:
    """Say what is wrong, and suggest a correction or where to find help.

    Args:
        error: the usage error.
        typed: the arguments of the command.
    """
    if meant := _with_two_dashes(error, typed):
        return f"No such option: {meant[1:]}. Did you mean {meant}?"
    if possibilities := getattr(error, "possibilities", None):
        return f"{error.message}. Did you mean {possibilities[0]}?"
    if getattr(getattr(error, "param", None), "param_type_name", "") == "argument" and (
        type(error).__name__ == "MissingParameter"
    ):  # of several, the one that is named may be the one that was given
        names = [
            parameter.metavar for parameter in error.ctx.command.params if _is_needed(parameter)
        ]
        return f"Missing argument: give {' and '.join(names)}, see {error.ctx.command_path} --help"
    text = str(error.format_message()).replace("Value error, ", "").removeprefix("Invalid value: ")
    text = _NO_NUMBER.sub(r"it is not \1", text)
    if choice := re.search(r"'([^']*)' is not one of (.*)", text):
        given, known = choice[1], re.findall(r"'([^']*)'", choice[2])
        likely = difflib.get_close_matches(given.lower(), known, n=1)
        return f"{text} Did you mean {likely[0]}?" if likely else text
    if "Did you mean" in text or error.ctx is None:
        return text
    return f"{text.rstrip('.')}: see {error.ctx.command_path} --help"


def _with_two_dashes(error: Any, typed: Sequence[str]) -> str | None:
    """Return the long option that was typed with one dash, such as --style for -style."""
    short = getattr(error, "option_name", None)
    if not short or error.ctx is None or len(short) != 2:
        return None
    known = {name for parameter in error.ctx.command.params for name in parameter.opts}
    likely = (f"-{one}" for one in typed if one.startswith(short))
    return next((name for name in likely if name in known), None)


def _is_needed(parameter: Any) -> bool:
    return bool(parameter.param_type_name == "argument" and parameter.required)
