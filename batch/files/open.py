"""Open the folder that a user names."""

from pathlib import Path

from pmsgan.batch.files.bucket import BucketFolder
from pmsgan.batch.files.folder import Folder
from pmsgan.batch.files.local import LocalFolder
from pmsgan.errors import ConfigError

_PACKAGES = {"s3": "s3fs", "gs": "gcsfs", "gcs": "gcsfs", "az": "adlfs", "abfs": "adlfs"}
"""Packages that install fsspec and read such URLs."""


def open_folder(place: Path | str) -> Folder:
    """Return the folder that a user names by a path, or by a URL such as s3://bucket/pictures.

    Raises:
        ConfigError: such URLs are not known, or a package that they need is not installed.
    """
    scheme, separator, rest = str(place).partition("://")
    if not separator or isinstance(place, Path):
        return LocalFolder(Path(place))
    if scheme in ("file", "local"):
        return LocalFolder(Path(rest))
    if not rest.strip("/"):
        raise ConfigError(f"{place} names no bucket: give a folder, or {scheme}://BUCKET/FOLDER")
    try:
        import fsspec
    except ImportError:
        from pmsgan.install import pip_install

        package = _PACKAGES.get(scheme, "fsspec")
        raise ConfigError(f"{place} needs fsspec: {pip_install([package])}") from None
    try:
        fsspec.get_filesystem_class(scheme)
    except ImportError as error:
        raise ConfigError(f"{place}: {error}") from error
    except ValueError:
        raise ConfigError(
            f"{place}: URLs with {scheme}:// are not supported; give a folder, or s3://..., "
            "gs://..., az://..."
        ) from None
    return BucketFolder(place.rstrip("/"))


def is_folder(place: str) -> bool:
    """Say whether a place is a folder: a path that is one, or a URL that is not on the web."""
    return is_url(place) or Path(place).is_dir()


def is_url(place: str) -> bool:
    """Say whether a place is the URL of a folder."""
    return "://" in place and not is_on_web(place)


def is_on_web(place: str) -> bool:
    """Say whether a place is a page or a picture on the web."""
    return place.lower().startswith(("http://", "https://"))
