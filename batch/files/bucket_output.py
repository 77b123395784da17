"""What a cluster run as a whole has of OUT: who it belongs to, and what is done there."""

import tempfile
from pathlib import Path

from pmsgan.batch.cluster.shard_output import REMOTE_JOURNAL, REMOTE_TRIES
from pmsgan.batch.files.bucket import Place, RemoteFolder
from pmsgan.batch.files.journal import Journal, read_owner
from pmsgan.batch.files.local_output import OutFolder, check_journal, not_ours, owner
from pmsgan.batch.settings import ConvertSettings
from pmsgan.errors import ConfigError
from pmsgan.styles.registry import Style

_FIRST = "0.jsonl"
"""Says whose OUT this is, before anything is done."""


def open_out(
    out_dir: Place, style: Style, settings: ConvertSettings, *, overwrite: bool
) -> "OutFolder | RemoteOut":
    """Return OUT, which is entered with `with`, and then has to `begin`."""
    if isinstance(out_dir, RemoteFolder):
        return RemoteOut(out_dir, style, settings, overwrite=overwrite)
    return OutFolder(out_dir.absolute(), style, settings, overwrite=overwrite)


class RemoteOut:
    """OUT in an object store, where nothing can be locked: two runs would do all twice.

    Each shard's journal is an object of its own, below OUT/.pmsgan/journal.
    """

    def __init__(
        self, folder: RemoteFolder, style: Style, settings: ConvertSettings, *, overwrite: bool
    ) -> None:
        """Take a folder.

        Args:
            folder: need not exist.
            style: what the results are made with.
            settings: how they are made.
            overwrite: do everything again, whatever is there.
        """
        self.folder = folder
        self.belongs_to = owner(style, settings)
        self._overwrite = overwrite
        self._scratch = tempfile.TemporaryDirectory(prefix="pmsgan-")
        self._journal: Journal | None = None

    @property
    def journal(self) -> Journal:
        """What has been done; valid once OUT has begun."""
        assert self._journal is not None
        return self._journal

    def begin(self) -> None:
        """Gather the journals of earlier runs, and see whether OUT can be written to.

        Raises:
            ConfigError: it cannot, or it holds what was made otherwise.
        """
        own = Path(self._scratch.name) / "journal.jsonl"
        part = Path(self._scratch.name) / "part.jsonl"
        try:
            self._journal = Journal(own, self.belongs_to)
            header = own.read_bytes()
            names = sorted(entry.name for entry in self.folder.list(REMOTE_JOURNAL))
            if self._overwrite:
                for name in names:
                    self.folder.remove(REMOTE_JOURNAL + name)
                names = []
            elif not names and self._holds_results():
                raise not_ours(str(self.folder))
            for name in names:
                part.write_bytes(self.folder.read_bytes(REMOTE_JOURNAL + name))
                check_journal(str(self.folder), self.belongs_to, part)
                if read_owner(part) == self.belongs_to:
                    self._journal.take(part)
            self.folder.write_bytes(REMOTE_JOURNAL + _FIRST, header)
            for entry in self.folder.list(REMOTE_TRIES):  # of runs that were ended
                self.folder.remove(REMOTE_TRIES + entry.name)
        except OSError as error:
            raise ConfigError(f"cannot write to {self.folder}: {error}") from error

    def _holds_results(self) -> bool:
        return any(not entry.name.startswith(".") for entry in self.folder.list(""))

    def close(self) -> None:
        """Free what this holds."""
        if self._journal is not None:
            self._journal.close()
        self._scratch.cleanup()

    def __enter__(self) -> "RemoteOut":
        """Return the folder."""
        return self

    def __exit__(self, *error: object) -> None:
        """Free what this holds."""
        self.close()
