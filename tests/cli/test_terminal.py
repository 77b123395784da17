import logging
import os

from pmsgan.cli.terminal import PrintableFormatter, printable


def test_what_a_terminal_would_obey_is_escaped() -> None:
    assert printable("caf\u00e9 \U0001f600.png") == "caf\u00e9 \U0001f600.png"
    assert printable("\x1b[31mred\n\u202e") == "\\x1b[31mred\\n\\u202e"
    assert printable(os.fsdecode(b"\xff")) == "\\udcff"
    record = logging.LogRecord("name", logging.INFO, "file", 1, "%s is full", ("a\x07",), None)
    assert PrintableFormatter().format(record) == "a\\x07 is full"
