"""Steps on the machine, its driver, and the engines of TensorRT."""

import os
import sys
import time
from collections.abc import Iterator
from typing import Any

from gpu_steps.attempts import Figures, Parts, attempt, attempt_apart, run

PRODUCTS = ("tensorrt", "tensorrt-rtx")
COPY_BYTES = 64 << 20


def versions() -> Parts:
    """Name the card, its driver, the packages, and the backend that would be chosen."""
    query = "name,driver_version,memory.total,compute_cap,clocks.max.sm,power.limit"
    yield "cores", os.cpu_count()
    yield "card", attempt(run, "nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader")
    yield "doctor", attempt(lambda: run(sys.executable, "-m", "pmsgan", "doctor").splitlines())


def driver() -> Parts:
    """Copy 64 MiB to the card and back through pycuda; time that, and copies within the card."""
    yield "host", attempt_apart(copy_to_card)
    yield "memory_gb_per_s", attempt_apart(copy_within_card)


def copy_to_card() -> Figures:
    """Copy there and back, and compare."""
    from pmsgan.engine.tensorrt.buffers import gpu_context

    with gpu_context() as gpu:
        card = {"name": gpu.name, "capability": gpu.capability, "driver": gpu.driver}
        return card | time_copies()


def time_copies() -> Figures:
    """Copy page-locked bytes; what pycuda holds is freed on return, before the context."""
    import numpy as np
    import pycuda.driver as cuda

    stream, start, middle, end = cuda.Stream(), cuda.Event(), cuda.Event(), cuda.Event()
    sent, got = (cuda.pagelocked_empty(COPY_BYTES, np.uint8) for _ in range(2))
    sent[:] = np.arange(COPY_BYTES, dtype=np.uint32).astype(np.uint8)
    memory = cuda.mem_alloc(COPY_BYTES)
    for _ in range(3):
        start.record(stream)
        cuda.memcpy_htod_async(memory, sent, stream)
        middle.record(stream)
        cuda.memcpy_dtoh_async(got, memory, stream)
        end.record(stream)
        stream.synchronize()
    return {
        "copies_are_right": bool((sent == got).all()),
        "to_card_gb_per_s": COPY_BYTES / start.time_till(middle) / 1e6,
        "from_card_gb_per_s": COPY_BYTES / middle.time_till(end) / 1e6,
    }


def copy_within_card() -> float:
    """Return the bandwidth of the card's memory."""
    from pmsgan.engine.tensorrt.bandwidth import memory_gb_per_s

    return memory_gb_per_s()


def products() -> Parts:
    """Translate with each product in FP16, after its accuracy gate, whole and partial batches."""
    from pmsgan.engine.open import missing_requirement

    for product in PRODUCTS:
        if (missing := missing_requirement(product)) is not None:
            yield product, missing
            continue
        for batch in (8, 1, 32):
            yield f"{product}, batch {batch}", attempt_apart(translate, product, batch)
        yield f"{product}, layers", attempt_apart(time_layers, product)


def translate(product: str, batch: int) -> Figures:
    """Translate full and partial batches, and compare each with the CPU."""
    import numpy as np

    from pmsgan.engine.accuracy import compare
    from pmsgan.engine.open import open_engine

    pictures = np.random.default_rng(0).integers(0, 256, (batch * 40, 256, 256, 3), np.uint8)
    start = time.perf_counter()
    with open_engine("anime", backend=product, max_batch=batch) as engine:  # type: ignore[arg-type]
        opened = time.perf_counter() - start
        few = pictures[: max(1, batch // 2 + 1)]
        with open_engine("anime", backend="openvino", precision="fp32", max_batch=1) as cpu:
            wanted = cpu.translate(few[:4])
        accuracy = compare(engine.translate(few)[:4], wanted)
        return {
            "open_s": opened,
            "pictures_per_s": list(rates(engine, pictures)),
            "accuracy": str(accuracy),
            "engine": str(engine.info),
            "costs": str(engine.costs()),
            "gpu_times": str(engine.gpu_times),
        }


def rates(engine: Any, pictures: Any) -> Iterator[float]:
    """Yield the pictures a second of several rounds."""
    for _ in range(3):
        start = time.perf_counter()
        engine.translate(pictures)
        yield len(pictures) / (time.perf_counter() - start)


def time_layers(product: str) -> list[str]:
    """Return the table of the slowest layers."""
    from pmsgan.engine.open import open_engine

    with open_engine("anime", backend=product, max_batch=8) as engine:  # type: ignore[arg-type]
        return engine.time_layers(20).to_text().splitlines()[:22]


def targets() -> Parts:
    """Build for several targets ahead of time with TensorRT for RTX, and run each plan here."""
    for target in ("portable", "current", "8.0", "8.9", "9.0"):
        yield target, attempt_apart(run_plan_for, target)


def run_plan_for(target: str) -> Figures:
    """Build a plan for one target, and run it on the card."""
    from contextlib import ExitStack

    import numpy as np

    from pmsgan.engine.accuracy import check_pictures, compare
    from pmsgan.engine.graph import read_graph
    from pmsgan.engine.open import open_engine
    from pmsgan.engine.tensorrt.buffers import gpu_context
    from pmsgan.engine.tensorrt.build import BuildConfig, build_plan
    from pmsgan.engine.tensorrt.keys import plan_key
    from pmsgan.engine.tensorrt.product import PRODUCTS as KNOWN
    from pmsgan.engine.tensorrt.product import Library
    from pmsgan.engine.tensorrt.run import TensorRtEngine
    from pmsgan.styles.registry import find_style

    graph = read_graph(find_style("anime").graph)
    library = Library(KNOWN["tensorrt-rtx"])
    start = time.perf_counter()
    data, _ = build_plan(
        library, graph.path.read_bytes(), "anime", height=256, width=256, max_batch=8, half=True,
        config=BuildConfig(), capability=None if target == "current" else target,
    )  # fmt: skip
    built = time.perf_counter() - start
    pictures = check_pictures(256, 256)
    with open_engine("anime", backend="openvino", precision="fp32") as cpu:
        wanted = cpu.translate(pictures)
    with ExitStack() as stack:
        gpu = stack.enter_context(gpu_context())
        key = plan_key(library, graph, "auto", 8, capability=target)
        start = time.perf_counter()
        with TensorRtEngine(library, data, key, gpu, owned=stack.pop_all()) as engine:
            got = engine.translate(pictures)
            opened = time.perf_counter() - start
            return {
                "build_s": built,
                "bytes": len(data),
                "open_s": opened,
                "accuracy": str(compare(got, wanted)),
                "pictures_per_s": list(rates(engine, np.repeat(pictures, 80, axis=0))),
            }


def gpu_tests() -> Parts:
    """Run the tests of slots and streams on the real driver, then those that need a card."""
    tests = "tests/engine/tensorrt"
    for name, arguments in (
        ("on the real driver", [f"{tests}/test_run.py"]),
        ("that need a card", ["-m", "gpu", f"{tests}/test_gpu.py"]),
    ):
        command = (sys.executable, "-m", "pytest", "-q", *arguments)
        yield name, attempt(lambda command=command: run(*command).splitlines()[-30:])
