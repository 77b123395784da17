"""Take a first look at a machine with an NVIDIA GPU: what works on it, and how fast it is.

    python tools/gpu_smoke.py OUT
    python tools/gpu_smoke.py OUT --only versions,driver

The steps that tell most come first. Each runs in a process of its own (torch and pycuda cannot
share one) and writes OUT/STEP.json; a step that fails or hangs does not stop the others. The page
is OUT/smoke.md. Without a GPU, the steps that need none still run.
"""

import argparse
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PRODUCTS = ("tensorrt", "tensorrt-rtx")
Figures = dict[str, Any]


def versions() -> Figures:
    """Name the card, its driver, and the packages."""
    from pmsgan.engine.doctor import diagnose

    query = "name,driver_version,memory.total,compute_cap,clocks.max.sm,power.limit"
    try:
        card = run("nvidia-smi", f"--query-gpu={query}", "--format=csv,noheader").strip()
    except (OSError, subprocess.CalledProcessError) as error:
        card = f"nvidia-smi: {error}"
    return {"card": card, "cores": os.cpu_count(), "doctor": diagnose().to_text().splitlines()}


def driver() -> Figures:
    """Copy 64 MiB to the card and back through pycuda, and time it."""
    import numpy as np
    import pycuda.driver as cuda

    cuda.init()
    device = cuda.Device(0)
    context = device.retain_primary_context()
    context.push()
    stream, start, middle, end = cuda.Stream(), cuda.Event(), cuda.Event(), cuda.Event()
    sent = cuda.pagelocked_empty(64 << 20, np.uint8)
    got = cuda.pagelocked_empty(64 << 20, np.uint8)
    sent[:] = np.arange(64 << 20, dtype=np.uint32).astype(np.uint8)
    memory = cuda.mem_alloc(sent.nbytes)
    for _ in range(3):
        start.record(stream)
        cuda.memcpy_htod_async(memory, sent, stream)
        middle.record(stream)
        cuda.memcpy_dtoh_async(got, memory, stream)
        end.record(stream)
        stream.synchronize()
    figures = {
        "name": device.name(),
        "capability": device.compute_capability(),
        "driver": cuda.get_driver_version(),
        "copies_are_right": bool((sent == got).all()),
        "to_card_gb_per_s": sent.nbytes / start.time_till(middle) / 1e6,
        "from_card_gb_per_s": sent.nbytes / middle.time_till(end) / 1e6,
    }
    memory.free()
    context.pop()
    context.detach()
    return figures


def products() -> Figures:
    """Open the style `anime` with each product at several batches; count pictures a second."""
    from pmsgan.engine.open import what_is_missing

    figures: Figures = {}
    for product in PRODUCTS:
        if (missing := what_is_missing(product)) is not None:
            figures[product] = missing
            continue
        for batch in (8, 1, 32):
            name = f"{product}, batch {batch}"
            figures[name] = attempt_apart(translate, product, batch)
    return figures


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
        rates = []
        for _ in range(3):
            start = time.perf_counter()
            engine.translate(pictures)
            rates.append(len(pictures) / (time.perf_counter() - start))
        times = engine.gpu_times
        return {
            "open_s": opened,
            "pictures_per_s": rates,
            "accuracy": str(accuracy),
            "engine": str(engine.info),
            "gpu_times": str(times),
        }


def targets() -> Figures:
    """Build for several targets ahead of time with TensorRT for RTX, and run each plan here."""
    return {
        target: attempt_apart(run_plan_for, target)
        for target in ("current", "portable", "8.9", "8.0", "9.0")
    }


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
            many = np.repeat(pictures, 80, axis=0)
            start = time.perf_counter()
            engine.translate(many)
            rate = len(many) / (time.perf_counter() - start)
    return {
        "build_s": built, "bytes": len(data), "open_s": opened, "pictures_per_s": rate,
        "accuracy": str(compare(got, wanted)),
    }  # fmt: skip


def gpu_tests() -> Figures:
    """Run the tests that need a card."""
    command = (sys.executable, "-m", "pytest", "-q", "-m", "gpu", "tests/engine/tensorrt")
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    return {"exit_code": done.returncode, "output": done.stdout[-6000:] + done.stderr[-2000:]}


def eager() -> Figures:
    """Time the network alone in eager PyTorch, in FP32 and FP16."""
    return time_networks(("fp32", "fp16"), (1, 8, 32))


def compiled() -> Figures:
    """Time the network alone under torch.compile, which takes half a minute for each case."""
    return time_networks(("fp16 compiled",), (8,))


def time_networks(precisions: tuple[str, ...], batches: tuple[int, ...]) -> Figures:
    """Time several networks; on a CPU a small one in FP32 alone."""
    import torch

    from pmsgan.model.config import GeneratorConfig

    cases = [(16, 1, 256), (32, 1, 512), (24, 2, 256)]
    if not torch.cuda.is_available():
        cases, precisions, batches = [(4, 1, 64)], ("fp32",), batches[:1]
    figures: Figures = {"torch": torch.__version__}
    for base, fold, side in cases:
        config = GeneratorConfig(base_channels=base, fold=fold)
        for precision in precisions:
            for batch in batches:
                name = f"base {base}, fold {fold}, {side} px, {precision}, batch {batch}"
                figures[name] = attempt(time_network, config, side, precision, batch)
    return figures


def time_network(config: Any, side: int, precision: str, batch: int) -> Figures:
    """Return the median milliseconds of a batch that lies on the device."""
    import torch

    from pmsgan.model.generator import Generator
    from pmsgan.model.initial_weights import set_initial_weights

    torch.manual_seed(0)
    torch.backends.cudnn.allow_tf32 = False
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = Generator(config)
    set_initial_weights(network, "scaled")
    network = network.to(device).eval()
    images = torch.rand(batch, 3, side, side, device=device) * 2 - 1
    if precision.startswith("fp16"):
        network = network.half().to(memory_format=torch.channels_last)
        images = images.half().to(memory_format=torch.channels_last)
    if precision.endswith("compiled"):
        network.compile()
    milliseconds = []
    with torch.inference_mode():
        for _ in range(5):
            network(images)
        for _ in range(20):
            wait(device)
            start = time.perf_counter()
            network(images)
            wait(device)
            milliseconds.append((time.perf_counter() - start) * 1000)
    median = statistics.median(milliseconds)
    return {"batch_ms": median, "pictures_per_s": batch * 1000 / median}


def wait(device: str) -> None:
    """Wait for the card."""
    import torch

    if device == "cuda":
        torch.cuda.synchronize()


def training() -> Figures:
    """Count training steps a second of small and large batches."""
    import torch

    on_card = torch.cuda.is_available()
    return {
        f"base {base}, fold {fold}, batch {batch}": attempt(time_training, base, fold, batch)
        for base, fold in ((24, 2), (16, 1))
        for batch in ((8, 32, 64) if on_card else (1,))
    }


def time_training(base: int, fold: int, batch: int) -> Figures:
    """Run the trainer's own step on random pictures."""
    import torch

    from pmsgan.model.config import GeneratorConfig
    from pmsgan.training.config import TrainingConfig
    from pmsgan.training.hardware import make_fabric
    from pmsgan.training.trainer import Trainer

    config = TrainingConfig(
        lambda_adversarial=0.0, perceptual="l1", precision="bf16", ema_decay=0.999, batch_size=batch
    )
    fabric = make_fabric(config)
    fabric.launch()
    trainer = Trainer(config, GeneratorConfig(base_channels=base, fold=fold), fabric)
    source, target = (torch.rand(2, batch, 3, 256, 256, device=fabric.device) * 2 - 1).unbind()
    num_steps = 30 if torch.cuda.is_available() else 1
    for step in range(num_steps + 5):
        if step == 5:
            wait(fabric.device.type)
            start = time.perf_counter()
        trainer.step(source, target)
    wait(fabric.device.type)
    rate = num_steps / (time.perf_counter() - start)
    return {"steps_per_s": rate, "pictures_per_s": rate * batch}


def ceiling() -> Figures:
    """Measure how fast folders are read and written where the engine costs nothing."""
    from pmsgan.engine.gpu import count_gpus

    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        many(Path(folder), 4000 if count_gpus() else 40)
        for form in ("png", "jpg"):
            figures[form] = run(
                sys.executable, "tools/bench_folder.py", folder, "--no-engine", "--format", form
            ).splitlines()
    pictures = "1000" if count_gpus() else "40"
    figures["with the interpreter held"] = run(
        sys.executable, "tools/bench_gil.py", "16", "256", "512", "--threads", "8",
        "--pictures", pictures, "--rounds", "3",
    ).splitlines()  # fmt: skip
    return figures


def workers() -> Figures:
    """Convert a folder by one to four workers that share the GPU."""
    from pmsgan.engine.gpu import count_gpus

    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "in"
        pictures.mkdir()
        many(pictures, 8000 if count_gpus() else 40)
        for count in range(1, 5):
            report = Path(folder) / f"{count}.json"
            run(
                sys.executable, "-m", "pmsgan", "convert", str(pictures), f"{folder}/{count}",
                "--style", "anime", "--format", "jpg", "--devices", "0",
                "--workers", str(count), "--report", str(report),
            )  # fmt: skip
            told = json.loads(report.read_text())
            figures[f"{count} workers"] = {
                name: told[name] for name in ("pictures_per_s", "engine", "stages", "parallelism")
            }
    return figures


def convert() -> Figures:
    """Convert a folder with the backend that `auto` chooses, with the comparison."""
    from pmsgan.engine.gpu import count_gpus

    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        pictures = Path(folder) / "in"
        pictures.mkdir()
        many(pictures, 4000 if count_gpus() else 40)
        for form in ("png", "jpg"):
            report = Path(folder) / f"{form}.json"
            run(
                sys.executable, "-m", "pmsgan", "convert", str(pictures), f"{folder}/{form}",
                "--style", "anime", "--format", form, "--report", str(report),
            )  # fmt: skip
            figures[form] = json.loads(report.read_text())
    return figures


def many(folder: Path, count: int) -> None:
    """Copy the sample sketches until there are `count` pictures."""
    samples = sorted((ROOT / "samples/sketches").iterdir())
    for number in range(count):
        source = samples[number % len(samples)]
        shutil.copy(source, folder / f"{number:05d}{source.suffix}")


STEPS: dict[str, tuple[Callable[[], Figures], float]] = {
    "versions": (versions, 60),
    "driver": (driver, 30),
    "products": (products, 120),
    "targets": (targets, 120),
    "eager": (eager, 90),
    "training": (training, 90),
    "gpu_tests": (gpu_tests, 120),
    "convert": (convert, 120),
    "workers": (workers, 150),
    "ceiling": (ceiling, 150),
    "compiled": (compiled, 150),
}
"""Each step, and the seconds that it may take."""


def attempt(work: Callable[..., Figures], *arguments: Any) -> Figures:
    """Return the figures of `work`, or its error."""
    try:
        return work(*arguments)
    except Exception as error:
        return {
            "error": f"{type(error).__name__}: {error}",
            "where": traceback.format_exc()[-1500:],
        }


def attempt_apart(work: Callable[..., Figures], *arguments: Any) -> Figures:
    """Do what `attempt` does in a new process, which may crash."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return attempt(lambda: pool.submit(work, *arguments).result())


def run(*command: str) -> str:
    """Run a command at the top of the repository; return what it prints."""
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    if done.returncode:
        raise RuntimeError(f"exit code {done.returncode}: {(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def run_step(name: str, out: Path) -> Figures:
    """Run one step in a process of its own."""
    path, limit = out / f"{name}.json", STEPS[name][1]
    command = [sys.executable, __file__, str(out), "--here", name]
    start = time.perf_counter()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
        log, code = done.stdout + done.stderr, done.returncode
    except subprocess.TimeoutExpired as error:
        log, code = f"{error.stdout!r} {error.stderr!r}", "ended by its time limit"
    figures = json.loads(path.read_text()) if path.exists() else {}
    figures |= {"exit_code": code, "seconds": time.perf_counter() - start, "log": log[-4000:]}
    path.write_text(json.dumps(figures, indent=1, default=str))
    return figures


def main() -> None:
    """Read the command line, run the steps, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--only", default=",".join(STEPS), help="names of steps, with commas")
    parser.add_argument("--here", choices=STEPS, help="run one step in this process")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.here:
        figures = attempt(STEPS[arguments.here][0])
        text = json.dumps(figures, indent=1, default=str)
        (arguments.out / f"{arguments.here}.json").write_text(text)
        return
    page = ["# First look at this machine", ""]
    for name in arguments.only.split(","):
        figures = run_step(name, arguments.out)
        shown = json.dumps(figures, indent=1, default=str)
        page += [f"## {name}", "", STEPS[name][0].__doc__ or "", "", "```json", shown, "```", ""]
        (arguments.out / "smoke.md").write_text("\n".join(page))
        print(f"{name}: {figures['seconds']:.0f} s, exit code {figures['exit_code']}", flush=True)


if __name__ == "__main__":
    main()
