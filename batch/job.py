"""One picture of a run: its place, the place of its result, and the outcome."""

from dataclasses import dataclass


@dataclass(slots=True)
class Job:
    """One picture to translate."""

    source: str
    """Place of the picture: a path, or a name below a bucket's URL."""
    name: str
    """Path of the picture below IN, with slashes."""
    output: str
    """Path of the result below OUT, with slashes."""
    failure: str | None = None
    """Reason why the picture could not be translated; None if it could."""
    was_done_before: bool = False
    """Whether an earlier run has translated it."""
    num_pixels: int = 0
    """Size of the result that this run has made [pixels]."""
    note: str | None = None
    """A remark for the user, such as that only the first frame was translated."""
    parts: tuple[str, ...] = ()
    """Parts that were found in a result with a palette."""
