"""Say how a user writes the options of the running command, and which ones were typed."""

import importlib
import re
from typing import Any

import typer

# typer brings a click of its own, or takes the installed one, depending on its version.
_CLICK = typer.Context.__mro__[1].__module__.rpartition(".")[0]


def option_names() -> dict[str, str]:
    """Return how a user writes each option, such as --batch-size, by its parameter.

    Outside of a command there are none.
    """
    context = _context()
    if context is None:
        return {}
    return {
        option.name: next(name for name in option.opts if name.startswith("--"))
        for option in context.command.params
        if option.param_type_name == "option" and any(name.startswith("--") for name in option.opts)
    }


def typed_options() -> dict[str, str]:
    """Return the options that the user typed, see `option_names`."""
    context = _context()
    return {
        name: option
        for name, option in option_names().items()
        if context.get_parameter_source(name).name == "COMMANDLINE"
    }


def with_options(message: str) -> str:
    """Return a message in which options stand for the settings that it names.

    A library names settings as a Python program writes them: `batch_size is 0`. A name of several
    words is one wherever it stands, but in a path or in quotes. One that may be a word of English,
    such as `size`, is a setting where it begins the message and `is` follows.
    """
    for name, option in option_names().items():
        pattern = rf"(?<![\w./'-]){name}(?![\w/'-]|\.\w)" if "_" in name else rf"^{name}(?= is )"
        message = re.sub(pattern, option, message)
    return message


def _context() -> Any:
    return importlib.import_module(f"{_CLICK}.globals").get_current_context(silent=True)
