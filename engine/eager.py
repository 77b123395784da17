"""Eager PyTorch: the baseline that reports compare against.

This is the one module of the package that imports torch. A folder run measures it in a child
process: torch and pycuda in one process destroy each other's contexts.
"""

from dataclasses import replace

import numpy as np
import torch
from torch import nn

from pmsgan.engine.interface import Engine, EngineInfo, Slot
from pmsgan.engine.machine import examine_machine
from pmsgan.errors import EngineError
from pmsgan.model.config import check_sides
from pmsgan.model.pixels import bytes_to_rgb, rgb_to_bytes
from pmsgan.model.weights import load_generator
from pmsgan.styles.registry import Style

BACKEND = "eager"
DEFAULT_BATCH = 4


class EagerEngine(Engine):
    """A generator that PyTorch runs operator by operator."""

    def __init__(
        self,
        network: nn.Module,
        *,
        height: int,
        width: int,
        precision: str = "auto",
        max_batch: int | None = None,
        num_threads: int | None = None,
    ) -> None:
        """Move a network to the first GPU, or leave it on the CPU.

        Args:
            network: a network that takes RGB float32 [N, 3, H, W] in [-1, 1] and returns such
                pictures in several sizes, the first of them [N, 3, H, W].
            height: height of a picture [pixels].
            width: width of a picture [pixels].
            precision: auto or fp32; bf16, or fp16 on a GPU, is autocast with channels last, the
                fastest that eager PyTorch can do.
            max_batch: pictures in a slot; 4 by default.
            num_threads: threads that the whole process computes with on a CPU; by default torch
                chooses.

        Raises:
            EngineError: fp16 was asked for on a CPU.
        """
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        if precision == "int8":
            raise EngineError("the eager backend does not run in int8: use --backend openvino")
        if precision == "fp16" and self._device.type == "cpu":
            raise EngineError("the eager backend runs in fp32 or bf16 on a CPU, not in fp16")
        if num_threads is not None:
            torch.set_num_threads(num_threads)
        self._network = network.to(self._device).eval()
        self._is_compiled = False
        # TF32 convolutions would be no more precise than FP16.
        torch.backends.cudnn.allow_tf32 = False
        self._autocast = torch.autocast(
            self._device.type,
            torch.float16 if precision == "fp16" else torch.bfloat16,
            enabled=precision in ("bf16", "fp16"),
        )
        if precision in ("bf16", "fp16"):
            self._network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.info = EngineInfo(
            backend=BACKEND,
            device=_device_name(self._device),
            precision="fp32" if precision == "auto" else precision,
            height=height,
            width=width,
            max_batch=max_batch or DEFAULT_BATCH,
            runtime=f"PyTorch {torch.__version__}",
        )

    def compile(self) -> None:
        """Compile the network with torch.compile, which makes the next batch wait for minutes."""
        self._network.compile()
        self._is_compiled = True
        self.info = replace(self.info, runtime=f"{self.info.runtime}, compiled")

    def _new_slots(self, count: int) -> list[Slot]:
        """Make slots in plain memory."""
        shape = (self.info.max_batch, self.info.height, self.info.width, 3)
        return [
            Slot(input=np.zeros(shape, np.uint8), output=np.zeros(shape, np.uint8))
            for _ in range(count)
        ]

    @torch.inference_mode()
    def _submit(self, slot: Slot, count: int) -> None:
        """Translate the first `count` rows before it returns."""
        # torch.compile would take minutes again for each new number of rows.
        num_rows = len(slot.input) if self._is_compiled else count
        image = torch.from_numpy(slot.input[:num_rows]).to(self._device)
        with self._autocast:
            translated = rgb_to_bytes(self._network(bytes_to_rgb(image))[0])
        slot.output[:count] = translated[:count].cpu().numpy()

    def _wait(self, slot: Slot) -> None:
        """Return at once, since `submit` has done the work."""

    def _close(self) -> None:
        """Do nothing, since the engine holds only Python objects."""


def open_style(
    style: Style,
    *,
    size: tuple[int, int],
    precision: str = "auto",
    max_batch: int | None = None,
    num_threads: int | None = None,
) -> EagerEngine:
    """Load a style's weights.

    Args:
        style: the style.
        size: height and width of the pictures [pixels].
        precision: as `EagerEngine` takes it.
        max_batch: pictures in a slot.
        num_threads: threads to compute with.

    Raises:
        ConfigError: a side is not a multiple of the generator's `side_multiple`.
        ConfigError: the style's network came as an ONNX file.
        CheckpointError: the weights cannot be read, or belong to another network.
        EngineError: fp16 was asked for on a CPU.
    """
    height, width = size
    network = style.native_network("run it in eager PyTorch")
    check_sides(height, width, network.side_multiple)
    return EagerEngine(
        load_generator(style.weights, network),
        height=height,
        width=width,
        precision=precision,
        max_batch=max_batch,
        num_threads=num_threads,
    )


def _device_name(device: torch.device) -> str:
    return torch.cuda.get_device_name(device) if device.type == "cuda" else examine_machine().cpu
