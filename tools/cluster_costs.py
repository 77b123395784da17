"""Measure what a run costs beside the work on pictures: for the plan of docs/cluster.md.

python tools/cluster_costs.py --count 1000000

Makes up a journal of so many pictures, and prints what each of them takes.
"""

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from pmsgan.batch.cluster.ray_pool import pack
from pmsgan.batch.cluster.run import LARGEST_SHARD
from pmsgan.batch.cluster.task import Shard
from pmsgan.batch.files.journal import Journal
from pmsgan.batch.files.stamp import FileStamp


def timed(work: Callable[[], object], count: int) -> float:
    """Return how long each of `count` took in microseconds."""
    start = time.perf_counter()
    work()
    return 1e6 * (time.perf_counter() - start) / count


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=1_000_000)
    count = parser.parse_args().count
    names = [(f"session_{n // 1000:05}/IMG_{n:08}.jpg", f"session_{n // 1000:05}/IMG_{n:08}.png")
             for n in range(count)]  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "journal.jsonl"

        result, stamp = bytes(61_234), FileStamp(51_234, 1_795_400_000_000_000_000)

        def write() -> None:
            journal = Journal(path, {})
            for name, output in names:
                journal.add_done(name, stamp, output, result)
            journal.close()

        print(f"journal: {timed(write, count):.1f} us to note a picture")
        print(f"journal: {path.stat().st_size / count:.0f} bytes for a picture")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        kept: list[Journal] = []
        print(f"resume: {timed(lambda: kept.append(Journal(path, {})), count):.1f} us to read one")
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        unit = 1 if sys.platform == "darwin" else 1024
        print(f"resume: {(after - before) * unit / count:.0f} bytes of memory for a picture")
        shards = [
            Shard(0, names[at : at + LARGEST_SHARD], {}) for at in range(0, count, LARGEST_SHARD)
        ]
        packed: list[int] = []
        took = timed(lambda: packed.extend(len(pack(shard)) for shard in shards), count)
        print(f"shards: {took:.2f} us and {sum(packed) / count:.1f} bytes for a picture")


if __name__ == "__main__":
    main()
