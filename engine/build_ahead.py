"""Prepare an engine ahead of time."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pmsgan.engine.cache import require_cache_folder
from pmsgan.engine.choices import CompilingBackend, Precision
from pmsgan.engine.interface import EngineInfo
from pmsgan.engine.layer_times import LayerTimes
from pmsgan.engine.named_graph import graph_of
from pmsgan.engine.open import choose_backend, open_engine, require_calibration
from pmsgan.engine.tensorrt.build import DEFAULT_BATCH, BuildConfig
from pmsgan.engine.tensorrt.open import build_for_capability
from pmsgan.engine.tensorrt.product import PRODUCTS
from pmsgan.engine.trial import try_style
from pmsgan.errors import ConfigError, EngineError
from pmsgan.styles.registry import find_style
from pmsgan.terminal import printable

NUM_TIMED_BATCHES = 50


@dataclass(frozen=True, kw_only=True, slots=True)
class PreparedEngine:
    """An engine that was compiled ahead of time."""

    style: str
    backend: str
    path: Path
    """The plan, or the cache folder of the runtime."""
    engine: EngineInfo | None
    """The engine that will run; None if it was built for another GPU."""
    compute_capability: str | None
    """Compute capability that it was built for; None for this machine."""
    layer_times: LayerTimes | None = None
    """Time of each layer; None if it was not requested."""

    def to_json(self) -> dict[str, Any]:
        """Return the content for JSON."""
        times = self.layer_times and self.layer_times.to_json()
        return asdict(self) | {"path": str(self.path), "layer_times": times}

    def to_text(self) -> str:
        """Return one line for people, and the table of layers if there is one."""
        return "\n".join(
            [printable(str(self)), *([self.layer_times.to_text()] if self.layer_times else [])]
        )

    def __str__(self) -> str:
        """Return one line for people."""
        text = f"prepared {self.style} for {self.backend}"
        if (info := self.engine) is None:
            return f"{text}, compute capability {self.compute_capability}: {self.path}"
        return (
            f"{text} ({info.runtime}, {info.device}, {info.arithmetic}, "
            f"{info.width}x{info.height}) in {self.path}"
        )


def prepare_engine(
    style: str,
    *,
    size: tuple[int, int] | None = None,
    backend: CompilingBackend = "auto",
    precision: Precision = "auto",
    max_batch: int = DEFAULT_BATCH,
    config: BuildConfig | None = None,
    compute_capability: str | None = None,
    require_gpu: bool = False,
    with_layer_times: bool = False,
) -> PreparedEngine:
    """Compile a style into the user's cache.

    Args:
        style: name of a style, or the path of its folder.
        size: height and width of one view of the network [pixels]; by default `Style.view`.
        backend: a backend, or auto for the first one that can run here.
        precision: arithmetic; auto is the fastest in which the backend is known to be accurate.
        max_batch: pictures that TensorRT translates at a time.
        config: settings of TensorRT's builder; by default any cached engine is used.
        compute_capability: build with TensorRT for RTX for another GPU, such as 8.9, or portable
            for 8.0 and newer.
        require_gpu: refuse backends that run on the CPU.
        with_layer_times: run the engine and time each of its layers; this needs TensorRT.

    Returns:
        The prepared engine, and its place.

    Raises:
        ConfigError: the backend cannot build for another GPU, layers cannot be timed there or
            without TensorRT, or a side is not the multiple that the network needs.
        StyleError: the style does not exist.
        EngineError: no backend here can run it, the chosen one compiles nothing, or there is no
            cache for the result.
    """
    if compute_capability is not None:
        if backend not in ("auto", "tensorrt-rtx"):
            raise ConfigError(
                f"{backend} only builds for GPUs of this machine: use --backend tensorrt-rtx"
            )
        if with_layer_times:
            raise ConfigError(
                "--profile times layers on this machine's GPU: leave out --compute-capability"
            )
        return _prepare_for_other_gpu(style, size, compute_capability, precision, max_batch, config)
    choice = choose_backend(backend, require_gpu=require_gpu)
    if choice.backend in ("eager", "onnxruntime"):
        raise EngineError(f"{choice.backend} compiles nothing: pip install openvino")
    if with_layer_times and choice.backend not in PRODUCTS:
        raise ConfigError(
            f"only TensorRT can time its layers, and not {choice.backend} ({choice.reason}): "
            "leave out --profile"
        )
    folder = require_cache_folder(choice.backend)
    if not os.access(folder, os.W_OK):
        raise EngineError(f"cannot store the engine: {folder} is not writable")
    with open_engine(
        style,
        size=size,
        backend=backend,
        precision=precision,
        max_batch=max_batch,
        require_gpu=require_gpu,
        config=config,
    ) as engine:
        layer_times = engine.time_layers(NUM_TIMED_BATCHES) if with_layer_times else None
        info = engine.info
    return PreparedEngine(
        style=style,
        backend=info.backend,
        path=folder,
        engine=info,
        compute_capability=None,
        layer_times=layer_times,
    )


def _prepare_for_other_gpu(
    style: str,
    size: tuple[int, int] | None,
    capability: str,
    precision: Precision,
    max_batch: int,
    config: BuildConfig | None,
) -> PreparedEngine:
    found = find_style(style)
    calibration = require_calibration(found) if precision == "int8" else None
    try_style(found)
    graph = graph_of(found, size or found.view, calibration).checked()
    path = build_for_capability(
        graph, capability, precision=precision, max_batch=max_batch, config=config
    )
    return PreparedEngine(
        style=style,
        backend="tensorrt-rtx",
        path=path,
        engine=None,
        compute_capability=capability,
    )
