"""Text that a terminal shows as it is."""

import io
import logging
import os
import sys

import typer

from pmsgan.terminal import fitted


def printable(text: str) -> str:
    """Escape what a terminal would obey instead of showing; names of files are hostile."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def show(text: str) -> None:
    """Print a result of one or more lines on stdout."""
    typer.echo(fitted("\n".join(map(printable, text.split("\n"))), sys.stdout))


def tell(text: str) -> None:
    """Print one line for people on stderr, above the bars; it is lost where nobody can read it."""
    from pmsgan.bar import Bar

    Bar.write(printable(text))


class StderrHandler(logging.Handler):
    """Logs messages alone, one on each line."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a message."""
        tell(record.getMessage())


def log_to_stderr() -> None:
    """Show what pmsgan has to say, and the warnings of libraries."""
    logging.basicConfig(handlers=[StderrHandler()], level=logging.WARNING)
    logging.getLogger("pmsgan").setLevel(logging.INFO)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it notes that it has no cache, too


def fill_closed_streams() -> None:
    """Open what was closed when the command began, or the next file would take its number.

    A library that writes to stderr would then write into a result.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free


def escape_what_stdout_lacks() -> None:
    """Let stdout escape the letters that its encoding lacks, as stderr does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
