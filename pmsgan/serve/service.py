"""State that the requests of a server share: styles, threads, cached pictures, counts."""

from http import HTTPStatus

from pmsgan.batch.pictures.decode import count_pixels
from pmsgan.batch.pictures.opened import MAX_PIXELS
from pmsgan.batch.settings import ConvertSettings
from pmsgan.batch.translated import TranslatedPicture
from pmsgan.batch.translator import named
from pmsgan.serve.bodies import Bodies, BodyLimits
from pmsgan.serve.metrics import Metrics
from pmsgan.serve.open_styles import OpenStyles
from pmsgan.serve.picture_cache import PictureCache, picture_id
from pmsgan.serve.problems import RefusedError
from pmsgan.serve.results import ResultFile, make_result
from pmsgan.serve.workers import PixelBudget, Workers
from pmsgan.styles.registry import Style

NUM_TRANSLATING = 16
"""Pictures that are decoded, in the engine or encoded at a time."""
NUM_RECOLOURING = 2
"""Pictures that are recoloured at a time."""


class Service:
    """State that the requests of a server share; any thread may make results."""

    def __init__(
        self, styles: OpenStyles, default: str, max_waiting: int, limits: BodyLimits
    ) -> None:
        """Make the threads and queues.

        Args:
            styles: the styles that may be asked for.
            default: name of the style that the page begins with.
            max_waiting: most pictures that may wait.
            limits: what clients may send.
        """
        self.styles = styles
        self.default = default
        self.bodies = Bodies(limits)
        self.cache = PictureCache()
        self.pixels = PixelBudget(2 * MAX_PIXELS)
        self.translating = Workers(NUM_TRANSLATING, max_waiting, "translate")
        self.recolouring = Workers(NUM_RECOLOURING, max_waiting, "recolour")
        self.metrics = Metrics(
            lambda: self.translating.num_requests + self.recolouring.num_requests,
            lambda: self.cache.num_bytes,
        )

    def style(self, name: str) -> Style:
        """Return a style; raise RefusedError if there is none of this name."""
        if (style := self.styles.styles.get(name)) is None:
            known = ", ".join(self.styles.styles)
            raise RefusedError(HTTPStatus.NOT_FOUND, f"there is no style {name!r} (known: {known})")
        return style

    def translate(
        self, style: str, data: bytes, settings: ConvertSettings, name: str
    ) -> ResultFile:
        """Return the result of a picture that was sent, and cache its translation.

        Args:
            style: name of a style that there is.
            data: the picture's file; hostile.
            settings: for the style.
            name: what the client calls the picture; hostile.

        Raises:
            ImageError: it is not a picture that can be translated.
            StyleError: the style is damaged.
            EngineError: the engine failed.
        """
        key = picture_id(style, data, settings)
        size = settings.output_size
        with named(name or "the picture"):
            num_pixels = max(count_pixels(data), size * size if isinstance(size, int) else 0)
            with self.pixels.hold(min(num_pixels, MAX_PIXELS)):
                if (translated := self.cache.get(key)) is None:
                    translated = self.styles.run_network(style, data, settings)
                    self.cache.put(key, translated)
                result = make_result(translated, self.style(style), settings, name, is_new=True)
        result.headers["Content-Location"] = f"/v1/styles/{style}/pictures/{key}"
        return result

    def render_again(
        self, style: str, translated: TranslatedPicture, settings: ConvertSettings, name: str
    ) -> ResultFile:
        """Return another result of a cached picture, see `translate`."""
        height, width = translated.loaded.placement.output
        with named(name or "the picture"), self.pixels.hold(height * width):
            return make_result(translated, self.style(style), settings, name, is_new=False)

    def close(self) -> None:
        """Wait for current requests, then close the engines."""
        self.translating.close()
        self.recolouring.close()
        self.styles.close()
