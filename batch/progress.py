"""The interface by which a run reports its progress."""

from typing import Protocol

from pmsgan.batch.job import Job


class Progress(Protocol):
    """Follows a run; one call at a time, from any thread."""

    def start(self, num_pictures: int) -> None:
        """Begin: the run has this many pictures."""

    def done(self, job: Job) -> None:
        """Count a picture that is done, was done before, or has failed."""

    def workers(self, alive: int, wanted: int) -> None:
        """Report how many workers of a cluster are alive, and how many there should be."""

    def comparing(self, baseline: str, elapsed_s: float, limit_s: float) -> None:
        """Report that the run is done, which baseline is measured, and how long that may take."""


class NoProgress:
    """Shows nothing."""

    def start(self, num_pictures: int) -> None:
        """Ignore it."""

    def done(self, job: Job) -> None:
        """Ignore it."""

    def workers(self, alive: int, wanted: int) -> None:
        """Ignore it."""

    def comparing(self, baseline: str, elapsed_s: float, limit_s: float) -> None:
        """Ignore it."""
