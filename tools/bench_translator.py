"""Compare a translator with its engine: a single call, and calls of many threads.

python tools/bench_translator.py --style anime

Both translate the same pictures of the style's size, in memory, in turn (A B B A), on engines of
their own in one process. A ratio of 1 means that sharing the engine costs nothing.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

import pmsgan
from pmsgan.engine.open import open_engine


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--style", default="anime")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--pictures", type=int, default=64, help="in a round (default: 64)")
    parser.add_argument("--threads", type=int, default=8, help="that call (default: 8)")
    parser.add_argument("--max-batch", type=int)
    arguments = parser.parse_args()
    with (
        open_engine(arguments.style, max_batch=arguments.max_batch) as engine,
        pmsgan.open_style(arguments.style, max_batch=arguments.max_batch) as translator,
        ThreadPoolExecutor(arguments.threads) as threads,
    ):
        info = engine.info
        shape = (arguments.pictures, info.height, info.width, 3)
        pictures = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
        print(f"{info.backend} {info.precision}, {info.device}, batches of {info.max_batch}")

        def one_by_one(translate: Callable[[np.ndarray], object]) -> float:
            return statistics.median(seconds(partial(translate, it)) for it in pictures[:16])

        works: dict[str, tuple[Callable[[], float], Callable[[], float]]] = {
            "a single call [ms]": (
                lambda: 1e3 * one_by_one(translator.translate),
                lambda: 1e3 * one_by_one(lambda picture: engine.translate(picture[None])),
            ),
            f"{arguments.threads} threads [pictures/s]": (
                lambda: (
                    len(pictures)
                    / seconds(lambda: list(threads.map(translator.translate, pictures)))
                ),
                lambda: len(pictures) / seconds(lambda: engine.translate(pictures)),
            ),
            "translate_each [pictures/s]": (
                lambda: len(pictures) / seconds(lambda: list(translator.translate_each(pictures))),
                lambda: len(pictures) / seconds(lambda: engine.translate(pictures)),
            ),
        }
        for name, (shared, alone) in works.items():
            shared(), alone()  # warm-up
            pairs = []
            for number in range(arguments.rounds):
                if number % 2:
                    second, first = alone(), shared()
                else:
                    first, second = shared(), alone()
                pairs.append((first, second))
            ratios = [first / second for first, second in pairs]
            first, second = (statistics.median(column) for column in zip(*pairs, strict=True))
            print(
                f"{name}: translator {first:.3g}, engine {second:.3g}, ratio "
                f"{statistics.median(ratios):.3f} ({min(ratios):.3f}..{max(ratios):.3f})"
            )


if __name__ == "__main__":
    main()
