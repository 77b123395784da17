"""Calibrate a style for INT8 on a folder of pictures."""

import tempfile
from pathlib import Path

from pmsgan.batch.files.local import LocalFolder
from pmsgan.batch.pictures.load import load_pictures
from pmsgan.batch.plan import plan_folder
from pmsgan.batch.settings import ConvertSettings
from pmsgan.engine.graph import read_graph
from pmsgan.engine.int8.calibrate import calibrate
from pmsgan.engine.int8.calibration import Calibration, cache_calibration, write_into_style
from pmsgan.engine.trial import try_style
from pmsgan.errors import ConfigError
from pmsgan.styles.registry import Style, find_style

MAX_PICTURES = 64
"""More pictures change the ranges little."""


def calibrate_style(
    style: Style | Path | str, pictures: Path, *, into_style: bool = False
) -> Calibration:
    """Calibrate a style for INT8, check it, and keep the calibration in the user's cache.

    Args:
        style: a style, its name, or the path of its folder.
        pictures: a folder of pictures of the kind that the style takes; from a larger folder, 64
            are taken, evenly spread in the order of their names.
        into_style: also write the calibration into the style's folder, so that it travels with the
            style.

    Raises:
        StyleError: the style does not exist, or cannot be written.
        ConfigError: there are no pictures.
        EngineError: INT8 is not accurate enough, or the calibration cannot be kept.
    """
    found = find_style(style)
    folder, settings = LocalFolder(pictures), ConvertSettings()
    nowhere = LocalFolder(Path(tempfile.gettempdir(), "pmsgan-no-results"))
    jobs = [*plan_folder(folder, nowhere).jobs()]
    step = -(-len(jobs) // MAX_PICTURES)
    loaded = load_pictures(jobs[::step], folder.read, found.view, settings)[1]
    if loaded is None:
        raise ConfigError(f"{pictures} contains no readable picture")
    try_style(found)
    calibration = calibrate(read_graph(found.graph, found.view), loaded)
    cache_calibration(calibration, found)
    if into_style:
        write_into_style(calibration, found)
    return calibration
