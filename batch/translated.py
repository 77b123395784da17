"""Pictures with their translations, which can be rendered again in other colours."""

from dataclasses import dataclass, replace

from pmsgan.batch.pictures.colour import Pixels
from pmsgan.batch.pictures.encode import encode
from pmsgan.batch.pictures.load import LoadedPicture
from pmsgan.batch.settings import ConvertSettings
from pmsgan.formats import output_suffix


@dataclass(frozen=True, slots=True)
class TranslatedPicture:
    """A picture and the network's output for it; any thread may make results from it."""

    loaded: LoadedPicture
    canvas: Pixels
    """Translation of the whole canvas, uint8 [H, W, 3] BGR."""
    row: Pixels
    """The row of the engine that came last, uint8 [h, w, 3] BGR."""
    suffix: str
    """The suffix that the picture's file has or, by its content, should have."""
    load_s: float = 0.0
    """Time that decoding took [s]."""
    translate_s: float = 0.0
    """Time that the network took, including the wait for it [s]."""

    @property
    def num_bytes(self) -> int:
        """Memory that it takes [bytes]."""
        loaded = self.loaded
        guide = None if loaded.guide is None else loaded.guide.grey
        arrays = (self.canvas, self.row, guide, loaded.alpha)
        metadata = (loaded.picture.metadata.exif, loaded.picture.metadata.xmp)
        pixels = sum(array.nbytes for array in arrays if array is not None)
        return pixels + sum(len(data) for data in metadata if data is not None)

    def with_colours(self, settings: ConvertSettings, name: str = "") -> LoadedPicture:
        """Return the picture for a result in some colours; its notes stay with that result.

        Args:
            settings: for the style, see `ConvertSettings.for_style`.
            name: path of the picture below IN, by which a palette chooses; empty if it has none.
        """
        loaded = replace(self.loaded)
        loaded.choose_colours(settings, name)
        return loaded

    def render(self, loaded: LoadedPicture) -> Pixels:
        """Return a result uint8 [h, w, 3] BGR.

        Raises:
            ImageError: it has a size that cannot be converted.
        """
        return loaded.finish(self.canvas, self.row)

    def encode(self, loaded: LoadedPicture, settings: ConvertSettings) -> bytes:
        """Return the file of a result.

        Args:
            loaded: from `with_colours`.
            settings: format, compression, metadata.

        Raises:
            ImageError: it cannot be encoded.
        """
        suffix = output_suffix(self.suffix, settings.output_format)
        return encode(self.render(loaded), loaded, suffix, settings)
