"""Find the weights of VGG-19, or download them."""

import hashlib
import http.client
import logging
import os
import urllib.request
from pathlib import Path

import torch

from pmsgan.errors import CheckpointError

WEIGHTS_NAME = "vgg19-dcbb9e9d.pth"
WEIGHTS_URL = f"https://download.pytorch.org/models/{WEIGHTS_NAME}"
"""torchvision's VGG-19, trained on ImageNet."""
SHA256_PREFIX = "dcbb9e9d"
"""The first digits of the file's SHA-256, as its publisher names it."""
TIMEOUT_S = 30.0
_CHUNK = 1 << 20

_log = logging.getLogger(__name__)


def cached_weights() -> Path:
    """Return where torch hub's cache has the weights; the file may not be there."""
    return Path(torch.hub.get_dir(), "checkpoints", WEIGHTS_NAME)


def fetch_weights() -> Path:
    """Return the weights in torch hub's cache, downloaded if they are not there yet.

    Raises:
        CheckpointError: they cannot be downloaded or written, or do not match their hash.
    """
    path = cached_weights()
    if path.exists():
        return path
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")  # processes may do so at once
    _log.info("downloading the weights of VGG-19, 548 MB, to %s", path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        sha256 = _download(temporary)
        if not sha256.startswith(SHA256_PREFIX):
            raise CheckpointError(
                f"{WEIGHTS_URL} does not hold the weights of VGG-19: its SHA-256 is {sha256}, not "
                f"{SHA256_PREFIX}..."
            )
        temporary.replace(path)
    except (OSError, http.client.HTTPException) as error:
        raise CheckpointError(
            f"the weights of VGG-19 cannot be downloaded from {WEIGHTS_URL} ({error}): copy them "
            f"to {path}, give another file with --vgg-weights, or train without them with "
            "--perceptual l1"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return path


def _download(path: Path) -> str:
    """Write the weights to `path`; return their SHA-256."""
    digest = hashlib.sha256()
    with urllib.request.urlopen(WEIGHTS_URL, timeout=TIMEOUT_S) as source, path.open("wb") as file:
        while chunk := source.read(_CHUNK):
            digest.update(chunk)
            file.write(chunk)
    return digest.hexdigest()
