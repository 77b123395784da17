"""How many threads and slots a run has."""

from dataclasses import dataclass

from pmsgan.engine.interface import MAX_IN_FLIGHT
from pmsgan.engine.machine import count_cores
from pmsgan.errors import ConfigError

MIN_SLOTS = MAX_IN_FLIGHT + 2
"""One more is being filled, and one written from."""
MAX_THREADS = 8
"""Readers and writers each, on a machine with many cores."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Workers:
    """How many of each there are."""

    readers: int
    """Threads that read, decode and resize."""
    writers: int
    """Threads that encode and write."""
    slots: int = MIN_SLOTS
    """Batches in memory."""


def choose_workers(
    num_readers: int | None, num_writers: int | None, num_slots: int, cores: int | None = None
) -> Workers:
    """Return how many threads and slots to use.

    Args:
        num_readers: None is one for each core, at most 8.
        num_writers: likewise.
        num_slots: at least 1.
        cores: by default all that this process may use.

    Raises:
        ConfigError: a number is below 1.
    """
    for name, number in (
        ("readers", num_readers), ("writers", num_writers), ("slots", num_slots)
    ):  # fmt: skip
        if number is not None and number < 1:
            raise ConfigError(f"the number of {name} is {number}: it must be at least 1")
    usual = min(MAX_THREADS, cores or count_cores())
    return Workers(readers=num_readers or usual, writers=num_writers or usual, slots=num_slots)
