"""Text that a terminal shows as it is."""

import logging
import sys


def printable(text: str) -> str:
    """Escape what a terminal would obey instead of showing; names of files are hostile."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


class PrintableFormatter(logging.Formatter):
    """Logs messages alone, escaped."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        return printable(record.getMessage())


def log_to_stderr() -> None:
    """Show what pmsgan has to say, and the warnings of libraries."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrintableFormatter())
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.getLogger("pmsgan").setLevel(logging.INFO)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # it notes that it has no cache, too
