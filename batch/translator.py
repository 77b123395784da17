"""Translate pictures one by one, from any number of threads: `pmsgan.open_style`."""

import os
import time
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, overload

import numpy as np
from PIL import Image

from pmsgan.batch.files.local import read_through_links
from pmsgan.batch.pictures.colour import Pixels
from pmsgan.batch.pictures.load import LoadedPicture, load
from pmsgan.batch.pictures.memory import (
    ARRAYS,
    load_array,
    load_image,
    to_image,
    with_transparency,
)
from pmsgan.batch.settings import ConvertSettings
from pmsgan.batch.translated import TranslatedPicture
from pmsgan.engine.choices import Backend
from pmsgan.engine.interface import MAX_IN_FLIGHT, EngineInfo
from pmsgan.engine.open import open_engine
from pmsgan.engine.shared import SharedEngine
from pmsgan.errors import ConfigError, ImageError, name_picture
from pmsgan.styles.registry import Style, find_style
from pmsgan.styles.scaling import Scaling

PictureFile = str | os.PathLike[str] | bytes | bytearray | memoryview
"""A picture's path, or the bytes of its file."""
_PATHS = (str, os.PathLike)
_BYTES = (bytes, bytearray, memoryview)

DEFAULT_SETTINGS = ConvertSettings()
"""Results have the size of their pictures, and those of files are PNG."""


@dataclass(slots=True)
class _PendingPicture:
    """A picture that the engine translates."""

    name: str
    """Name of the picture in errors."""
    original: Any
    """The picture as the caller gave it."""
    loaded: LoadedPicture
    submitted: deque[tuple[Pixels, "Future[Pixels]"]] = field(default_factory=deque)
    """Rows that the engine translates: its input uint8 [H, W, 3] BGR, and its future result."""
    num_submitted: int = 0


class Translator:
    """A style that is ready to translate pictures; leaving its `with` block closes it.

    Any thread may call it at any time; pictures that arrive at the same time go through the engine
    as one batch. A result is of the kind of its picture:

    - a path (str or PathLike), or the bytes of a file: the bytes of a file, in the format that the
      settings say;
    - a PIL image: a PIL image, RGB or RGBA;
    - an array uint8 [H, W, 3] BGR or [H, W] grey: an array uint8 [H, W, 3] BGR; an array uint8
      [H, W, 4] BGRA: an array uint8 [H, W, 4] BGRA with its transparency.
    """

    def __init__(self, engine: SharedEngine, scaling: Scaling, settings: ConvertSettings) -> None:
        """Take over an engine."""
        self._engine = engine
        self._scaling = scaling
        self._settings = settings
        # Also at the end of the process, which must not wait for a translator left open.
        self._finalizer = weakref.finalize(self, engine.abandon)

    @property
    def info(self) -> EngineInfo:
        """A description of the engine."""
        return self._engine.info

    @overload
    def translate(self, picture: PictureFile) -> bytes: ...
    @overload
    def translate(self, picture: Image.Image) -> Image.Image: ...
    @overload
    def translate(self, picture: Pixels) -> Pixels: ...
    def translate(self, picture: Any) -> Any:
        """Translate a picture of any size, without changing it.

        Args:
            picture: a path, the bytes of a file, a PIL image, or an array.

        Returns:
            The translation, of the same kind.

        Raises:
            ConfigError: it is of another type, or an array of another type or shape.
            ImageError: it cannot be read or decoded, or its translation is not a picture.
            EngineError: the engine failed, or the translator is closed.
        """
        with self._engine.in_use():
            return self._finish(self._start(picture))

    @overload
    def translate_each(self, pictures: Iterable[PictureFile]) -> Iterator[bytes]: ...
    @overload
    def translate_each(self, pictures: Iterable[Image.Image]) -> Iterator[Image.Image]: ...
    @overload
    def translate_each(self, pictures: Iterable[Pixels]) -> Iterator[Pixels]: ...
    def translate_each(self, pictures: Iterable[Any]) -> Iterator[Any]:
        """Translate a sequence of pictures, such as the frames of a film, in their order.

        Pictures are taken when results are asked for, and at most two batches ahead, so that the
        engine always has work. The first picture that fails ends the sequence with its error.

        Args:
            pictures: as `translate` takes them.

        Raises:
            ConfigError: `pictures` is one picture, or no sequence.
        """
        is_one = isinstance(pictures, (*_PATHS, *_BYTES, Image.Image))
        if is_one or (isinstance(pictures, np.ndarray) and pictures.ndim != 4):
            raise ConfigError(
                "translate_each takes a sequence of pictures: use translate for a single picture"
            )
        if not isinstance(pictures, Iterable):
            name = type(pictures).__name__
            raise ConfigError(f"translate_each takes a sequence of pictures, not {name}")
        return self._translate_each(pictures)

    def run_network(self, data: bytes, settings: ConvertSettings) -> TranslatedPicture:
        """Run the network on a picture; colours and format are chosen afterwards.

        Args:
            data: a whole file.
            settings: fit and size of the result; the settings of the translator do not count.

        Raises:
            ImageError: it cannot be decoded, or its translation is not a picture.
            EngineError: the engine failed, or the translator is closed.
        """
        with self._engine.in_use():
            begin = time.perf_counter()
            pending = _PendingPicture("", data, load(data, self._view, settings, self._scaling))
            loaded = time.perf_counter()
            self._submit_first(pending)
            translated = self._join(pending)
            return replace(
                translated, load_s=loaded - begin, translate_s=time.perf_counter() - loaded
            )

    def close(self) -> None:
        """Wait for current calls, then close the engine; a second call does nothing."""
        self._engine.close()

    def __enter__(self) -> "Translator":
        """Return the translator."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the translator."""
        self.close()

    def _translate_each(self, pictures: Iterable[Any]) -> Iterator[Any]:
        pending: deque[_PendingPicture] = deque()
        for picture in pictures:
            with self._engine.in_use():
                pending.append(self._start(picture))
            if sum(len(one.submitted) for one in pending) >= self._num_ahead:
                yield self._finish(pending.popleft())
        while pending:
            yield self._finish(pending.popleft())

    @property
    def _view(self) -> tuple[int, int]:
        """Height and width of one view of the network [pixels]."""
        return self.info.height, self.info.width

    @property
    def _num_ahead(self) -> int:
        """How many rows are submitted before a result is waited for."""
        return MAX_IN_FLIGHT * self.info.max_batch

    def _start(self, picture: Any) -> _PendingPicture:
        is_path = isinstance(picture, _PATHS)
        name = os.fsdecode(picture) if is_path else "the picture"
        with named(name):
            pending = _PendingPicture(name, picture, self._load(picture))
            pending.loaded.choose_colours(self._settings, Path(name).name if is_path else "")
            self._submit_first(pending)
        return pending

    def _submit_first(self, pending: _PendingPicture) -> None:
        for _ in range(min(pending.loaded.num_rows, self._num_ahead)):
            self._submit(pending)

    def _submit(self, pending: _PendingPicture) -> None:
        row = np.empty((self.info.height, self.info.width, 3), np.uint8)
        pending.loaded.fill(row, pending.num_submitted)
        pending.submitted.append((row, self._engine.submit(row)))
        pending.num_submitted += 1

    def _load(self, picture: Any) -> LoadedPicture:
        how = self._view, self._settings, self._scaling
        if isinstance(picture, np.ndarray):
            return load_array(picture, *how)
        if isinstance(picture, Image.Image):
            return load_image(picture, *how)
        if isinstance(picture, _PATHS):
            return load(read_through_links(os.fsdecode(picture)), *how)
        if isinstance(picture, _BYTES):
            return load(bytes(picture), *how)
        raise ConfigError(
            f"a picture is of type {type(picture).__name__}: it must be a path, the bytes of a "
            f"file, a PIL image, or an array {ARRAYS}"
        )

    def _finish(self, pending: _PendingPicture) -> Any:
        """Wait for a translation and bring it into its picture's kind."""
        original = pending.original
        with named(pending.name):
            translated = self._join(pending)
            if not isinstance(original, np.ndarray | Image.Image):
                return translated.encode(translated.loaded, self._settings)
            result = with_transparency(translated.render(translated.loaded), translated.loaded)
            return result if isinstance(original, np.ndarray) else to_image(result)

    def _join(self, pending: _PendingPicture) -> TranslatedPicture:
        """Wait for the translation of all rows."""
        loaded = pending.loaded
        for number in range(loaded.num_rows):
            row, future = pending.submitted.popleft()
            canvas = loaded.join(future.result(), row, number)
            if pending.num_submitted < loaded.num_rows:
                self._submit(pending)
        assert canvas is not None
        return TranslatedPicture(loaded, canvas, row, _suffix(pending.original))


def open_style(
    style: Style | Path | str,
    *,
    settings: ConvertSettings = DEFAULT_SETTINGS,
    backend: Backend = "auto",
    max_batch: int | None = None,
    require_gpu: bool = False,
    num_threads: int | None = None,
) -> Translator:
    """Open a style to translate pictures one by one, from any number of threads.

    Args:
        style: a style, its name, or the path of its folder.
        settings: how pictures are fitted, computed and encoded, as for `convert_folder`. A palette
            takes the last part of a path as the picture's name; pictures without a path have none.
        backend: a backend, or auto for the first one that can run here.
        max_batch: pictures that the engine translates at a time, at least 1; by default the engine
            chooses.
        require_gpu: refuse backends that run on the CPU.
        num_threads: threads that a CPU computes with; by default one for each core.

    Raises:
        ConfigError: the style does not support the settings.
        StyleError: the style does not exist, or is damaged.
        EngineError: the backend cannot run here, or cannot run this graph.
    """
    found = find_style(style)
    settings = settings.for_style(found)
    found = replace(found, scaling=settings.scaling(found))
    opener = partial(
        open_engine,
        found,
        backend=backend,
        precision=settings.precision,
        max_batch=max_batch,
        require_gpu=require_gpu,
        num_threads=num_threads,
    )
    return Translator(SharedEngine(opener), found.scaling, settings)


@contextmanager
def named(name: str) -> Iterator[None]:
    """Name the picture in an error.

    Raises:
        ImageError: the original error, with the name.
    """
    try:
        yield
    except ImageError as error:
        raise ImageError(name_picture(name, str(error))) from error


def _suffix(picture: Any) -> str:
    """Return the suffix of a path, or the one that the bytes of a file should have."""
    if isinstance(picture, _PATHS):
        return Path(os.fsdecode(picture)).suffix
    if not isinstance(picture, _BYTES):
        return ""
    start = bytes(picture[:12])
    if start[:3] == b"\xff\xd8\xff":
        return ".jpg"
    return ".webp" if start[:4] == b"RIFF" and start[8:] == b"WEBP" else ".png"
