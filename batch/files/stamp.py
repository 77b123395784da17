"""Stamps that show whether a file has changed."""

from dataclasses import dataclass

MAX_FILE_BYTES = 512 * 2**20
"""Largest file that is read [bytes]."""


@dataclass(frozen=True, slots=True)
class FileStamp:
    """Size and time of a file; a different stamp means different content."""

    size: int
    """Size in bytes."""
    mtime_ns: int
    """When the file was last written to [ns since 1970]."""


def too_large(size: int) -> str:
    """Say that a file of this size [bytes] is refused."""
    return f"is too large: {size / 2**20:.0f} MiB, at most {MAX_FILE_BYTES // 2**20} MiB are read"
