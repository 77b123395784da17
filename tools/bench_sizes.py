"""Compare a style with eager PyTorch on the whole picture in its own size.

    python tools/bench_sizes.py PICTURE --style anime --sides 256,512,1024

Both translate PICTURE, enlarged to each side, from array to array: the style as `pmsgan convert`
does, the same network in eager PyTorch without any scaling. They take turns. --peer names another
style, such as one of pix2pix, whose engine translates the whole picture in its own size, too.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import cv2
import numpy as np

import pmsgan
from pmsgan.engine import eager
from pmsgan.engine.open import open_engine
from pmsgan.styles.registry import find_style

NUM_THREADS = 4
"""Threads that call the translator, so that its engine gets batches."""


def pictures_per_s(work: Callable[[], object], count: int) -> float:
    """Return the rate of `work`, which translates `count` pictures."""
    start = time.perf_counter()
    work()
    return count / (time.perf_counter() - start)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("picture", type=Path)
    parser.add_argument("--style", default="anime")
    parser.add_argument("--sides", default="256,512,1024")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer", metavar="STYLE", help="a style to compare with, deployed")
    parser.add_argument("--eager-up-to", type=int, default=1024, help="side (default: 1024)")
    arguments = parser.parse_args()
    style = find_style(arguments.style)
    peer = find_style(arguments.peer) if arguments.peer else None
    picture = cv2.imread(str(arguments.picture))
    others = [*([f"times {peer.name}"] if peer else []), "times eager FP32", "times eager BF16"]
    print(f"| side | pictures/s | megapixels/s | {' | '.join(others)} |")
    print("|---" * (3 + len(others)) + "|")
    with pmsgan.open_style(style) as translator, ThreadPoolExecutor(NUM_THREADS) as threads:

        def translate_many(pictures: list[np.ndarray]) -> list[object]:
            return list(threads.map(translator.translate, pictures))

        for side in map(int, arguments.sides.split(",")):
            large = cv2.resize(picture, (side, side), interpolation=cv2.INTER_CUBIC)
            count = max(2, min(32, 2**24 // side**2))
            works: list[tuple[Callable[[], object], int]] = [
                (partial(translate_many, [large] * count), count)
            ]
            if peer is not None:
                deployed = open_engine(peer, size=(side, side))
                batch = np.repeat(large[None], max(2, count // 2), axis=0)
                works.append((partial(deployed.translate, batch), len(batch)))
            for precision in ("fp32", "bf16") if side <= arguments.eager_up_to else ():
                engine = eager.open_style(
                    style, size=(side, side), precision=precision, max_batch=1
                )
                works.append((partial(engine.translate, np.ascontiguousarray(large[None])), 1))
            for work, _ in works:
                work()
            rounds = [
                [pictures_per_s(work, number) for work, number in works]
                for _ in range(arguments.rounds)
            ]
            rate = statistics.median(rates[0] for rates in rounds)
            times = [
                f"{statistics.median(rates[0] / rates[other] for rates in rounds):.3g}"
                for other in range(1, len(works))
            ]
            cells = [f"{rate:.3g}", f"{rate * side**2 / 1e6:.3g}", *times]
            cells += ["-"] * (2 + len(others) - len(cells))
            print(f"| {side} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
