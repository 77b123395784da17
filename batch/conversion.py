"""The task of a run and its outcome, both on this machine and on a cluster."""

import itertools
from dataclasses import asdict, dataclass, replace
from typing import Any

from pmsgan.batch.comparison.baseline import Baseline
from pmsgan.batch.files.folder import Folder
from pmsgan.batch.pictures.colour import Pixels
from pmsgan.batch.pictures.load import load_pictures
from pmsgan.batch.pipeline import Outcome
from pmsgan.batch.plan import Plan
from pmsgan.batch.progress import Progress
from pmsgan.batch.report.report import Equipment
from pmsgan.batch.settings import ConvertSettings, RunSettings
from pmsgan.styles.registry import GRAPH_NAME, Style


@dataclass(frozen=True, kw_only=True, slots=True)
class Conversion:
    """A folder to convert, with everything that is known before an engine is opened."""

    pictures: Folder
    """IN."""
    out: Folder
    """OUT."""
    plan: Plan
    style: Style
    settings: ConvertSettings
    run: RunSettings
    progress: Progress

    @property
    def scaled_style(self) -> Style:
        """The style with the settings' scaling; raises ConfigError where they forbid it."""
        return replace(self.style, scaling=self.settings.scaling(self.style))

    @property
    def style_size(self) -> tuple[int, int]:
        """Height and width of one view of the network [pixels]."""
        return self.scaled_style.view

    @property
    def num_rows(self) -> int | None:
        """Number of engine rows that the pictures take; None if they are cut into tiles."""
        return None if self.scaled_style.scaling.mode == "tiles" else self.plan.num_jobs

    @property
    def is_local(self) -> bool:
        """Whether both folders are on this machine's disk."""
        return self.pictures.path is not None and self.out.path is not None

    def run_identity(self) -> dict[str, Any]:
        """Return everything that decides how results look; all results in one folder share it."""
        return run_identity(self.style, self.settings)

    def first_pictures(self, count: int) -> Pixels | None:
        """Load the first pictures that can be read, uint8 [N, H, W, 3] BGR in the style's size."""
        jobs = itertools.islice(self.plan.jobs(), count)
        return load_pictures(jobs, self.pictures.read, self.style_size, self.settings)[1]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunEnd:
    """How a run ended."""

    outcome: Outcome
    equipment: Equipment
    baselines: tuple[Baseline, ...] = ()
    no_baseline: str | None = None
    """Reason why a baseline, or the second one, is missing."""


def run_identity(style: Style, settings: ConvertSettings) -> dict[str, Any]:
    """The style and the settings, as JSON values."""
    scaling = asdict(style.scaling)
    del scaling["figures"]
    return {
        "style": style.name,
        "graph_sha256": style.sha256[GRAPH_NAME],
        "scaling": scaling,
        **settings.to_json(),
    }
