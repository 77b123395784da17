"""The styles of a server, each opened on the first request for it."""

import threading
from collections.abc import Callable
from concurrent.futures import Future

from pmsgan.batch.settings import ConvertSettings
from pmsgan.batch.translated import TranslatedPicture
from pmsgan.batch.translator import Translator
from pmsgan.errors import EngineError
from pmsgan.styles.registry import Style


class OpenStyles:
    """Styles by their names; any thread may use them at any time."""

    def __init__(self, styles: list[Style], open_one: Callable[[Style], Translator]) -> None:
        """Note the styles; none is opened yet.

        Args:
            styles: those that may be asked for.
            open_one: opens a style.
        """
        self.styles = {style.name: style for style in styles}
        self._open_one = open_one
        self._lock = threading.Lock()
        self._opened: dict[str, Future[Translator]] = {}

    def open(self, name: str) -> Translator:
        """Open a style, or return it if it is open.

        Raises:
            StyleError: it is damaged.
            EngineError: the backend cannot run it.
        """
        with self._lock:
            is_new = name not in self._opened
            opened = self._opened.setdefault(name, Future())
        if is_new:
            try:
                opened.set_result(self._open_one(self.styles[name]))
            except BaseException as error:
                self._forget(name, opened)
                opened.set_exception(error)
        return opened.result()

    def run_network(self, name: str, data: bytes, settings: ConvertSettings) -> TranslatedPicture:
        """Run a style's network on a picture, see `Translator.run_network`; drop a lost engine.

        Raises:
            ImageError: it is not a picture that can be translated.
            StyleError: the style is damaged.
            EngineError: the engine failed.
        """
        translator = self.open(name)
        try:
            return translator.run_network(data, settings)
        except EngineError:
            with self._lock:
                opened = self._opened.get(name)
            if opened is not None and opened.done() and opened.result() is translator:
                self._forget(name, opened)
            raise

    def close(self) -> None:
        """Wait for current pictures, then close all engines."""
        with self._lock:
            opened = [*self._opened.values()]
            self._opened.clear()
        for one in opened:
            one.result().close()

    def _forget(self, name: str, opened: "Future[Translator]") -> None:
        with self._lock:
            if self._opened.get(name) is opened:
                del self._opened[name]
