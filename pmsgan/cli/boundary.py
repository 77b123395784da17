"""Turn errors into one line and an exit code."""

import functools
import os
from collections.abc import Callable
from enum import IntEnum
from typing import ParamSpec, TypeVar

import typer

from pmsgan.cli.terminal import print_note, print_traceback
from pmsgan.cli.typed import with_options
from pmsgan.display import display
from pmsgan.errors import ConfigError, DataError, OutputError, PmsganError

P = ParamSpec("P")
R = TypeVar("R")


class ExitCode(IntEnum):
    """Exit codes of all commands."""

    OK = 0
    SOME_FAILED = 1
    USAGE = 2
    CANNOT_START = 3
    INTERRUPTED = 130


show_tracebacks = False
"""Set by --traceback."""


def one_line_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Wrap a command: errors that a user can act on, and Ctrl-C, become one line and an exit code.

    These are PmsganErrors, and errors of the system about a path. A ConfigError that names a
    setting speaks of its option, see `with_options`.
    """

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except OutputError as error:
            if not isinstance(error.__cause__, BrokenPipeError):  # the reader has seen enough
                print_note(f"error: {error}")
            raise typer.Exit(ExitCode.SOME_FAILED) from None
        except PmsganError as error:
            if show_tracebacks:
                print_traceback()
            text = str(error)
            print_note(f"error: {with_options(text) if isinstance(error, ConfigError) else text}")
            raise typer.Exit(_exit_code(error)) from None
        except MemoryError:
            if show_tracebacks:
                print_traceback()
            print_note(
                "error: not enough memory: end other programs, or raise the limit of this one"
            )
            raise typer.Exit(ExitCode.CANNOT_START) from None
        except OSError as error:
            # A folder on the way to a named file may be locked, or the name too long.
            if error.filename is None:
                raise
            if show_tracebacks:
                print_traceback()
            print_note(f"error: cannot use {os.fsdecode(error.filename)}: {error.strerror}")
            raise typer.Exit(ExitCode.USAGE) from None
        except (KeyboardInterrupt, ImportError) as error:
            if not _is_interrupt(error):
                raise
            print_note("interrupted")
            raise typer.Exit(ExitCode.INTERRUPTED) from None
        finally:
            display.flush()

    return wrapped


def _is_interrupt(error: BaseException | None) -> bool:
    """Say whether Ctrl-C caused an error: a compiled module reports it as an ImportError."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__cause__ or error.__context__
    return error is not None


def _exit_code(error: PmsganError) -> ExitCode:
    return ExitCode.USAGE if isinstance(error, ConfigError | DataError) else ExitCode.CANNOT_START
