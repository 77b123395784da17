"""Progress bars."""

from collections.abc import Iterator
from contextlib import contextmanager

from pmsgan.bar import Bar
from pmsgan.batch.job import Job
from pmsgan.cli.terminal import log_to_stderr
from pmsgan.counts import count
from pmsgan.display import display
from pmsgan.errors import name_picture


class FolderProgress:
    """Counts pictures on stderr with an ETA, and names those that fail.

    Pictures that an earlier run has done do not count for the ETA.
    """

    def __init__(self) -> None:
        self._bar: Bar | None = None
        self._comparing: Bar | None = None

    def start(self, num_pictures: int) -> None:
        """Show the bar."""
        self._bar = Bar(total=num_pictures, desc="converting", unit="picture")

    def done(self, job: Job) -> None:
        """Count a picture that is done, was done before, or has failed; the last ends the bar."""
        assert self._bar is not None
        if job.failure is not None:
            display.write(f"failed: {name_picture(job.name, job.failure)}")
        if job.was_done_before:
            self._bar.initial += 1
        self._bar.update()
        if self._bar.n == self._bar.total:
            self._bar.close()

    def workers(self, alive: int, wanted: int) -> None:
        """Show how many workers of a cluster are alive."""
        assert self._bar is not None
        self._bar.set_postfix(f"{alive} of {count(wanted, 'worker')}")

    def comparing(self, baseline: str, elapsed_s: float, limit_s: float) -> None:
        """Show how long the baseline may still take; it mostly ends earlier."""
        if self._comparing is None:
            display.write(
                f"timing {baseline} on some of the pictures, for about {limit_s:.0f} s; "
                "--no-baseline skips this"
            )
            self._comparing = Bar(
                total=round(limit_s), desc="comparing", unit="s",
                bar_format="{desc}: {n:.0f} of {total} s {bar}",
            )  # fmt: skip
        self._comparing.n = round(min(elapsed_s, limit_s))

    def __enter__(self) -> "FolderProgress":
        return self

    def __exit__(self, *error: object) -> None:
        for bar in (self._bar, self._comparing):
            if bar is not None:
                bar.close()


@contextmanager
def shown_conversion() -> Iterator[FolderProgress]:
    """Show log and progress of a conversion in a dedicated process."""
    log_to_stderr()
    with FolderProgress() as progress:
        yield progress


class PictureProgress:
    """Counts pictures that are compared, on stderr; a new bar for each method."""

    def __init__(self) -> None:
        self._bar: Bar | None = None

    def start(self, num_pictures: int) -> None:
        """Show a bar."""
        self.__exit__()
        self._bar = Bar(total=num_pictures, desc="comparing", unit="picture")

    def count(self) -> None:
        """Count one."""
        assert self._bar is not None
        self._bar.update()

    def __enter__(self) -> "PictureProgress":
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.close()
