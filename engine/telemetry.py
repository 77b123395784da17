"""Keep the telemetry of a library out of this process."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without_telemetry() -> Iterator[None]:
    """Import OpenVINO within this block: its telemetry is then as if it were not installed.

    It would tell Intel of each run, write to the user's home, and raise where there is none.
    """
    name = "openvino_telemetry"
    is_there, before = name in sys.modules, sys.modules.get(name)
    sys.modules[name] = None  # type: ignore[assignment]  # importing it raises ImportError
    try:
        yield
    finally:
        del sys.modules[name]
        if is_there:
            sys.modules[name] = before  # type: ignore[assignment]
