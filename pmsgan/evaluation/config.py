"""The paper's five metrics, and the choices of an evaluation, readable without torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

from pmsgan.batch.settings import Fit
from pmsgan.data.config import PresetName
from pmsgan.engine.choices import Backend, Precision

MetricName = Literal["fid", "fsim", "lpips-alex", "lpips-squeeze", "lpips-vgg"]
METRIC_NAMES: tuple[MetricName, ...] = get_args(MetricName)

MIN_FID_PICTURES = 2048
"""Fewest pictures for FID: it compares covariances of 2,048 features."""


WORST_LEVEL, BEST_LEVEL = "1 very unsatisfactory", "5 very satisfactory"
"""Ends of the scale of a user study, in the paper's words."""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric as tables show it."""

    title: str
    better: Literal["higher", "lower"]
    package: str
    """The module that measures it."""
    distribution: str
    """The library that the module comes from."""
    measured_on: str
    """The colours that it sees, and its version."""

    @property
    def arrow(self) -> str:
        """Arrow towards better values, in LaTeX."""
        return r"$\uparrow$" if self.better == "higher" else r"$\downarrow$"


_LPIPS = "weights of version 0.1, RGB"

METRICS: Mapping[MetricName, Metric] = MappingProxyType(
    {
        "fid": Metric("FID", "lower", "torch_fidelity", "torch-fidelity", "Inception of 2015, RGB"),
        "fsim": Metric("FSIM", "higher", "piq", "piq", "grey levels"),
        "lpips-alex": Metric("LPIPS (alex)", "lower", "lpips", "lpips", _LPIPS),
        "lpips-squeeze": Metric("LPIPS (squeeze)", "lower", "lpips", "lpips", _LPIPS),
        "lpips-vgg": Metric("LPIPS (vgg)", "lower", "lpips", "lpips", _LPIPS),
    }
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SizeChoice:
    """The size in which results and true pictures are compared."""

    fit: Fit | None = None
    """With folders: how pictures were fitted to a network whose results differ in shape from the
    true pictures."""
    resize_truth: bool = False
    """Compare at the size of the results (with --style and --ablation, of the network) instead of
    the true pictures."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RuntimeChoice:
    """The runtimes that a style is evaluated on."""

    backend: Backend = "auto"
    """With --style: runtime."""
    precision: Precision = "auto"
    """With --style: arithmetic."""
    against: Backend | None = None
    """With --style: another backend to compare it with; eager runs in FP32."""

    def runtimes(self) -> list[tuple[Backend, Precision]]:
        """Return backend and precision of each runtime, the one to evaluate first."""
        chosen = [(self.backend, self.precision)]
        if self.against is not None:
            chosen.append((self.against, "fp32" if self.against == "eager" else "auto"))
        return chosen


@dataclass(frozen=True, kw_only=True, slots=True)
class HeldOutChoice:
    """The choice of pairs that a training did not use."""

    preset: PresetName | None = None
    """With pairs: a data set of the paper, whose held-out pairs are evaluated."""
    train_list: Path | None = None
    """With pairs: file that names the pairs trained on; the others are evaluated."""
    split: str | None = None
    """With pairs: the --split of the training, such as random:0."""
    direction: str | None = None
    """With pairs: FROM:TO."""
    include_trained: bool = False
    """Also score pairs that were trained on."""
