"""The paper's five metrics, readable without torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

MetricName = Literal["fid", "fsim", "lpips-alex", "lpips-squeeze", "lpips-vgg"]
METRIC_NAMES: tuple[MetricName, ...] = get_args(MetricName)

MIN_FID_PICTURES = 2048
"""FID compares covariances of 2,048 features: of fewer pictures they have not full rank."""


@dataclass(frozen=True, slots=True)
class Metric:
    """What tables say of a metric."""

    title: str
    better: Literal["higher", "lower"]
    packages: tuple[str, ...]
    """The library it comes from."""

    @property
    def arrow(self) -> str:
        """Which way is better, in LaTeX."""
        return r"$\uparrow$" if self.better == "higher" else r"$\downarrow$"


METRICS: Mapping[MetricName, Metric] = MappingProxyType(
    {
        "fid": Metric("FID", "lower", ("torch_fidelity",)),
        "fsim": Metric("FSIM", "higher", ("piq",)),
        "lpips-alex": Metric("LPIPS (alex)", "lower", ("lpips",)),
        "lpips-squeeze": Metric("LPIPS (squeeze)", "lower", ("lpips",)),
        "lpips-vgg": Metric("LPIPS (vgg)", "lower", ("lpips",)),
    }
)
