"""The errors that pmsgan raises on purpose.

Each message is one line that says what failed, on which file, and what to do next. The command line
prints it unchanged, as it does errors of the system about a path. Any other error that escapes is a
bug.
"""


class PmsganError(Exception):
    """Base of every error that a user can act on."""


class ConfigError(PmsganError):
    """A setting, an option or an argument is wrong."""


class StyleError(PmsganError):
    """A style is missing, incomplete or damaged."""


class CheckpointError(PmsganError):
    """A training checkpoint or a weights file cannot be read or written."""


class TrainingError(PmsganError):
    """A training cannot continue."""


class DataError(PmsganError):
    """A folder of training pairs is unusable."""


class ExportError(PmsganError):
    """A deployment graph could not be written, or did not pass its check."""


class EngineError(PmsganError):
    """A runtime is missing, or failed to build or to run a graph."""


class ImageError(PmsganError):
    """One picture cannot be read or written."""


class FolderError(PmsganError):
    """IN or OUT cannot be used any more; no picture is to blame."""


class DiskFullError(FolderError):
    """OUT has no room left."""


class OutputError(PmsganError):
    """The standard output cannot be written; its output is lost."""


class EvaluationError(PmsganError):
    """A metric cannot be measured, or its pictures cannot be made."""


class ChildError(PmsganError):
    """A child process failed, died or did not answer in time."""


_VERBS = ("is", "has", "was", "cannot", "does", "took")
"""First words of reasons that continue a sentence whose subject is the picture's name."""


def name_picture(name: str, reason: str) -> str:
    """Name the picture that a reason is about.

    It becomes `a.png is damaged`, or `a.png: its translation is empty`.

    Args:
        name: the picture.
        reason: what is wrong with it, such as `is damaged`, or `its translation is empty`.
    """
    return f"{name} {reason}" if reason.split(" ", 1)[0] in _VERBS else f"{name}: {reason}"


def os_reason(error: BaseException) -> str:
    """Return the system's message for an error."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
