"""Record the pairs that a run is trained on in its checkpoint."""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import torch

from pmsgan.data.pairs import Pair
from pmsgan.data.trained_pairs import TrainedPairs

_KEY = "trained_pairs"


@contextmanager
def recording(
    pairs: Sequence[Pair], before: TrainedPairs | None
) -> Iterator[Callable[[], dict[str, Any]]]:
    """Hash the pairs of a run while it trains, since a large set takes minutes to read.

    Args:
        pairs: pairs to train on.
        before: pairs that an earlier part of the run was trained on.

    Yields:
        A function that waits for the hashes, and returns them as an entry of a checkpoint.
    """
    ended = threading.Event()

    def until_ended() -> Iterator[Pair]:
        for pair in pairs:
            if ended.is_set():
                return
            yield pair

    with ThreadPoolExecutor(1) as pool:
        hashed = pool.submit(TrainedPairs.of, until_ended())

        def entry() -> dict[str, Any]:
            record = hashed.result() if before is None else before | hashed.result()
            return {_KEY: torch.frombuffer(bytearray(record.to_bytes()), dtype=torch.uint8)}

        try:
            yield entry
        finally:
            ended.set()


def recorded_in(state: Mapping[str, Any]) -> TrainedPairs | None:
    """Return the pairs that a checkpoint was trained on; None if it does not say that.

    Raises:
        DataError: its entry is damaged.
    """
    if _KEY not in state:
        return None
    return TrainedPairs.from_bytes(state[_KEY].numpy().tobytes())
