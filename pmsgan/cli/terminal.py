"""Print text that is safe for a terminal."""

import io
import logging
import os
import sys
import traceback
from contextlib import suppress

import typer

from pmsgan.display import display
from pmsgan.errors import OutputError, os_reason
from pmsgan.terminal import fitted, printable


def show(line: str) -> None:
    """Print a result of one line on stdout.

    Raises:
        OutputError: it cannot be written.
    """
    show_lines(printable(line))


def show_lines(text: str) -> None:
    """Print a result of several lines on stdout; names in it must not hold line breaks.

    Raises:
        OutputError: it cannot be written.
    """
    display.flush()  # both may be one terminal
    try:
        typer.echo(fitted("\n".join(map(printable, text.split("\n"))), sys.stdout))
    except (OSError, ValueError) as error:
        raise abandon_stdout(error) from error


def abandon_stdout(error: Exception) -> OutputError:
    """Redirect an unwritable standard output to nowhere, and return the error for it.

    Otherwise the output that Python still buffers would fail again when the process ends.
    """
    with suppress(AttributeError, OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return OutputError(f"cannot write to the standard output: {os_reason(error)}")


def print_note(text: str) -> None:
    """Print one line for people on stderr, above the bars; it is lost if stderr is closed."""
    display.write(text)
    display.flush()


class StderrHandler(logging.Handler):
    """Logs messages alone, one on each line."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print a message without waiting, since the logging thread may hold a lock."""
        display.write(record.getMessage())


def print_traceback() -> None:
    """Print the traceback of the current error; its message is one line."""
    for part in traceback.format_exception(*sys.exc_info()):
        is_ours = part.startswith(("Traceback", "  File", "\n"))
        for line in part.strip("\n").split("\n") if is_ours else (part.rstrip("\n"),):
            display.write(line)
    display.flush()


def log_to_stderr() -> None:
    """Log pmsgan's messages and the warnings of libraries to stderr."""
    logging.captureWarnings(True)
    logging.basicConfig(handlers=[StderrHandler()], level=logging.WARNING)
    logging.getLogger("pmsgan").setLevel(logging.INFO)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it notes that it has no cache, too


def fill_closed_streams() -> None:
    """Open closed standard streams, or the next file would get their descriptor.

    A library that writes to stderr would then write into a result.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # it gets the lowest number that is free


def escape_unencodable_output() -> None:
    """Let stdout escape characters that its encoding lacks, as stderr does."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
