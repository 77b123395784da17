"""Counts and times of a server for Prometheus."""

from collections.abc import Callable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    generate_latest,
)

_BUCKETS_S = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)


class Metrics:
    """Counts of one server; any thread may add to them."""

    def __init__(self, in_work: Callable[[], int], kept_bytes: Callable[[], int]) -> None:
        """Start at 0.

        Args:
            in_work: returns how many pictures wait or are worked on.
            kept_bytes: returns the memory of the pictures that are kept for recolouring.
        """
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.requests = Counter(
            "pmsgan_requests", "Requests that were answered.", ["status"], registry=self._registry
        )
        self.seconds = Histogram(
            "pmsgan_picture_seconds",
            "Time from receiving a whole picture to its result, including waiting.",
            ["style", "way"],
            buckets=_BUCKETS_S,
            registry=self._registry,
        )
        for name, text, number in (
            ("pmsgan_pictures_in_work", "Pictures that are waiting or being processed.", in_work),
            ("pmsgan_kept_bytes", "Memory of the pictures cached for recolouring.", kept_bytes),
        ):
            Gauge(name, text, registry=self._registry).set_function(number)

    def text(self) -> bytes:
        """Return all numbers in the format of Prometheus."""
        return generate_latest(self._registry)
