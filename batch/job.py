"""One picture of a run: where it is, where its result goes, and how that ended."""

from dataclasses import dataclass


@dataclass(slots=True)
class Job:
    """One picture to translate."""

    source: str
    """Where the picture is, in the words of its folder: a path, or a name below a bucket's URL."""
    name: str
    """Path of the picture below IN, with slashes."""
    output: str
    """Path of the result below OUT, with slashes."""
    failure: str | None = None
    """Why the picture could not be translated, if it could not."""
    was_done_before: bool = False
    """An earlier run has translated it."""
    num_pixels: int = 0
    """Size of the result that this run has made [pixels]."""
    note: str | None = None
    """A remark for the user, such as that only the first frame was translated."""
    parts: tuple[str, ...] = ()
    """Parts that were found in a result with a palette."""
