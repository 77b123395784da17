"""A folder that is a URL, such as s3://bucket/pictures."""

from collections.abc import Iterable, Iterator
from typing import Any

from pmsgan.batch.files.bucket_output import BucketOutput
from pmsgan.batch.files.folder import Entry, Folder
from pmsgan.batch.files.stamp import MAX_FILE_BYTES, FileStamp, too_large
from pmsgan.batch.files.store import Store, Streak
from pmsgan.errors import ImageError


class BucketFolder:
    """A folder in an object store; sources are names below its URL."""

    path = None
    includes_everything = False

    def __init__(self, url: str) -> None:
        """Take a URL without a trailing slash; a connection is opened only when it is needed."""
        self.store = Store(url)
        self._streak = Streak()

    def __str__(self) -> str:
        """Return the URL."""
        return self.store.url

    def __reduce__(self) -> tuple[type["BucketFolder"], tuple[str]]:
        """Pickle the URL alone."""
        return BucketFolder, (self.store.url,)

    def identity(self, name: str = "") -> str:
        """Identify this folder, or one below it, by its URL."""
        return f"{self.store.url}/{name}".rstrip("/")

    def parents(self) -> Iterator[str]:
        """Identify the folders that this one lies in."""
        scheme, _, rest = self.store.url.partition("://")
        while rest := rest.rpartition("/")[0]:
            yield f"{scheme}://{rest}"

    def list(self, name: str) -> Iterable[Entry]:
        """List a folder below this one; raise OSError if that fails."""
        return self.store.list(name)

    def source(self, name: str) -> str:
        """Return the name."""
        return name

    def read(self, source: str) -> tuple[bytes, FileStamp]:
        """Read a picture.

        Raises:
            ImageError: it cannot be read, is empty or too large, or has changed.
            FolderError: too many in a row could not be read, so the store is at fault.
        """
        try:
            stamp = self.store.stamp(source)
            if stamp.size > MAX_FILE_BYTES:
                raise ImageError(too_large(stamp.size))
            data = self.store.read(source)
        except FileNotFoundError as error:
            raise ImageError(f"cannot be read: {error}") from error
        except OSError as error:
            self._streak.count(f"IN can no longer be read: {error}")
            raise ImageError(f"cannot be read: {error}") from error
        self._streak.end()
        if not data:
            raise ImageError("is empty")
        if len(data) != stamp.size:
            raise ImageError("was changed while it was being read: try again when it is complete")
        return data, stamp

    def head(self, source: str, num_bytes: int) -> bytes:
        """Return no bytes: each file would take a request."""
        return b""

    def stamp(self, source: str) -> FileStamp:
        """Return the size of a picture, and when it was written; raise OSError if that fails."""
        return self.store.stamp(source)

    def output(
        self,
        run_identity: dict[str, Any],
        pictures: Folder,
        *,
        overwrite: bool,
        verify: bool = False,
    ) -> BucketOutput:
        """Use this folder for the results of a run, see `Folder.output`."""
        return BucketOutput(
            self.store, run_identity, pictures.stamp, overwrite=overwrite, verify=verify
        )
