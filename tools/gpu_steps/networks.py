"""Steps on the network in PyTorch: what TensorRT has to beat, and training."""

import statistics
import time
from typing import Any

from gpu_steps.attempts import Figures, Parts, attempt


def eager() -> Parts:
    """Time the network alone in eager PyTorch, in FP32 and in FP16 with channels last."""
    yield from time_networks(("fp32", "fp16"), (1, 8, 32))


def compiled() -> Parts:
    """Time the network alone under torch.compile, which takes half a minute for each case."""
    yield from time_networks(("fp16 compiled",), (8,))


def time_networks(precisions: tuple[str, ...], batches: tuple[int, ...]) -> Parts:
    """Time several networks; on a CPU a small one in FP32 alone."""
    import torch

    from pmsgan.model.config import GeneratorConfig

    cases = [(16, 1, 256), (32, 1, 512), (24, 2, 256)]
    if not torch.cuda.is_available():
        cases, precisions, batches = [(4, 1, 64)], ("fp32",), batches[:1]
    yield "torch", torch.__version__
    for base, fold, side in cases:
        config = GeneratorConfig(base_channels=base, fold=fold)
        for precision in precisions:
            for batch in batches:
                name = f"base {base}, fold {fold}, {side} px, {precision}, batch {batch}"
                yield name, attempt(time_network, config, side, precision, batch)


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


def training() -> Parts:
    """Count training steps a second of small and large batches."""
    import torch

    on_card = torch.cuda.is_available()
    for base, fold in ((24, 2), (16, 1)) if on_card else ((4, 2),):
        for batch in (8, 32, 64) if on_card else (1,):
            name = f"base {base}, fold {fold}, batch {batch}"
            yield name, attempt(time_training, base, fold, batch)


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
    num_steps, num_warm_ups = (30, 5) if torch.cuda.is_available() else (2, 1)
    for step in range(num_warm_ups + num_steps):
        if step == num_warm_ups:
            wait(fabric.device.type)
            start = time.perf_counter()
        trainer.step(source, target)
    wait(fabric.device.type)
    rate = num_steps / (time.perf_counter() - start)
    return {"steps_per_s": rate, "pictures_per_s": rate * batch}
