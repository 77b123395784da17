"""Caches the latest translations, so that recolouring them does not run the network again."""

import hashlib
import threading
from collections import OrderedDict

from pmsgan.batch.settings import ConvertSettings
from pmsgan.batch.translated import TranslatedPicture

MAX_BYTES = 256 * 2**20
"""Memory of all cached pictures [bytes]."""
_SHARE = 4
"""One picture takes at most 1 / _SHARE of that."""


def picture_id(style: str, data: bytes, settings: ConvertSettings) -> str:
    """Return the key under which a picture is cached: a digest that nobody can guess.

    Args:
        style: name of the style.
        data: the picture's file.
        settings: fit and size, which the translation depends on.
    """
    how = f"{style}\0{settings.fit}\0{settings.output_size}\0"
    return hashlib.sha256(how.encode() + hashlib.sha256(data).digest()).hexdigest()[:32]


class PictureCache:
    """Maps ids to the pictures used last; any thread may use it at any time."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        """Start empty.

        Args:
            max_bytes: memory of all pictures.
        """
        self.num_bytes = 0
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._pictures: OrderedDict[str, TranslatedPicture] = OrderedDict()

    def __len__(self) -> int:
        """Return how many pictures are cached."""
        return len(self._pictures)

    def put(self, key: str, translated: TranslatedPicture) -> None:
        """Cache a picture, and drop the least recently used ones."""
        if translated.num_bytes > self._max_bytes // _SHARE:
            return
        with self._lock:
            old = self._pictures.pop(key, None)
            self.num_bytes += translated.num_bytes - (0 if old is None else old.num_bytes)
            self._pictures[key] = translated
            while self.num_bytes > self._max_bytes:
                self.num_bytes -= self._pictures.popitem(last=False)[1].num_bytes

    def get(self, key: str) -> TranslatedPicture | None:
        """Return a picture; None if it is no longer cached."""
        with self._lock:
            if key in self._pictures:
                self._pictures.move_to_end(key)
            return self._pictures.get(key)
