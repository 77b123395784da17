"""Import OpenVINO without its telemetry and its converter."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

_LEFT_OUT = ("openvino_telemetry", "openvino.tools.ovc")


@contextmanager
def without_telemetry() -> Iterator[None]:
    """Import OpenVINO within this block: its telemetry is then as if it were not installed.

    The telemetry would report each run to Intel, write to the user's home, and fail without one.
    The converter of models is left out, too: its import takes 30 ms, and nothing here needs it.
    """
    before = {name: sys.modules[name] for name in _LEFT_OUT if name in sys.modules}
    for name in _LEFT_OUT:
        sys.modules[name] = None  # type: ignore[assignment]  # importing it raises ImportError
    try:
        yield
    finally:
        for name in _LEFT_OUT:
            del sys.modules[name]
        sys.modules.update(before)
