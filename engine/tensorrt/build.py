"""Build a plan: parse a deployment graph, set its shapes, and let TensorRT choose kernels."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pmsgan.bar import Bar
from pmsgan.engine.named_graph import INPUT_NAME
from pmsgan.engine.tensorrt.product import Library, capability_name
from pmsgan.errors import ConfigError, EngineError
from pmsgan.interrupt import interruptible

DEFAULT_BATCH = 8
MIB = 1 << 20


@dataclass(frozen=True, kw_only=True, slots=True)
class BuildConfig:
    """Settings of TensorRT's search for kernels, which change the speed, not the results."""

    workspace_mib: int | None = None
    """Memory limit of kernels beside activations [MiB]; by default all memory."""
    max_aux_streams: int | None = None
    """Additional streams on which independent branches may run; by default TensorRT chooses."""
    optimization_level: int | None = None
    """0 (fastest build) to 5 (longest search); by default TensorRT chooses."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a value outside its range."""
        if self.workspace_mib is not None and self.workspace_mib < 1:
            raise ConfigError(f"workspace is {self.workspace_mib} MiB: it must be at least 1")
        if self.max_aux_streams is not None and self.max_aux_streams < 0:
            raise ConfigError(f"max_aux_streams is {self.max_aux_streams}: it cannot be negative")
        if self.optimization_level is not None and not 0 <= self.optimization_level <= 5:
            raise ConfigError(f"optimization_level is {self.optimization_level}: use 0 to 5")


def build_plan(
    library: Library,
    graph: bytes,
    name: str,
    *,
    height: int,
    width: int,
    max_batch: int,
    half: bool,
    config: BuildConfig,
    capability: str | None,
    timing_cache: bytes = b"",
) -> tuple[bytes, bytes]:
    """Build a plan, which takes seconds to minutes; stderr shows a progress bar.

    Args:
        library: the product that builds.
        graph: the bytes of an ONNX file, a deployment graph.
        name: name of the file, for messages.
        height: height of a picture [pixels].
        width: width of a picture [pixels].
        max_batch: largest number of pictures in a batch, and the one to optimise for.
        half: the graph computes in FP16, or in INT8 and FP16; otherwise it computes in FP32
            without TF32.
        config: settings of the builder.
        capability: the compute capability to build for ahead of time, such as 8.9 or portable;
            None builds for the GPU that is here.
        timing_cache: the timing cache that an earlier build returned.

    Returns:
        The serialised plan, and the timing cache for the next build.

    Raises:
        EngineError: TensorRT refuses the graph (the message has every error of the parser), or
            cannot build it.
    """
    api = library.api
    builder = library.make("Builder", library.log)
    # The graph determines all types. TensorRT 11 has no other mode.
    strongly_typed = 1 << int(api.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = library.require(builder.create_network(strongly_typed), "make a network")
    _parse(library, network, graph, name)
    options = _make_options(library, builder, config, capability, half=half)
    profile = builder.create_optimization_profile()
    best = (max_batch, height, width, 3)
    profile.set_shape(INPUT_NAME, (1, height, width, 3), best, best)
    if options.add_optimization_profile(profile) < 0:
        raise EngineError(
            f"{library.product.title} refuses batches of {max_batch}: use a smaller --max-batch"
        )
    # TensorRT for RTX times no kernels when it builds.
    timings = None if library.product.builds_ahead else _use_timing_cache(options, timing_cache)
    with (
        interruptible(second_raises=False) as interrupted,
        _progress_bar(library, options, interrupted),
    ):
        plan = builder.build_serialized_network(network, options)
        if interrupted():
            raise KeyboardInterrupt
    library.require(plan, f"build an engine from {name}")
    return bytes(plan), bytes(timings.serialize()) if timings is not None else b""


def _parse(library: Library, network: Any, graph: bytes, name: str) -> None:
    parser = library.make("OnnxParser", network, library.log)
    if parser.parse(graph):
        return
    reasons = [
        f"node {error.node_name() or error.node()} ({error.node_operator() or '?'}): "
        f"{error.desc().strip()}"
        for error in map(parser.get_error, range(parser.num_errors))
    ]
    raise EngineError(
        f"{library.product.title} refuses {name}: {'; '.join(reasons) or library.log.summary()}; "
        "export it again"
    )


def _make_options(
    library: Library, builder: Any, config: BuildConfig, capability: str | None, *, half: bool
) -> Any:
    api = library.api
    options = builder.create_builder_config()
    if config.workspace_mib is not None:
        options.set_memory_pool_limit(api.MemoryPoolType.WORKSPACE, config.workspace_mib * MIB)
    if config.max_aux_streams is not None:
        options.max_aux_streams = config.max_aux_streams
    if config.optimization_level is not None:
        options.builder_optimization_level = config.optimization_level
    if not half:
        options.clear_flag(api.BuilderFlag.TF32)  # it is no more precise than FP16
    # A plan is no larger for it, and its layers can be told apart.
    options.profiling_verbosity = api.ProfilingVerbosity.DETAILED
    # Else a smaller batch would need as much memory as the largest one.
    options.set_preview_feature(api.PreviewFeature.RUNTIME_ACTIVATION_RESIZE_10_10, True)
    _set_capability(library, options, capability)
    return options


def _set_capability(library: Library, options: Any, capability: str | None) -> None:
    if capability is None:
        return
    wanted = capability_name(library, capability)
    if wanted is not None:
        options.num_compute_capabilities = 1
        member = getattr(library.api.ComputeCapability, wanted)
        library.require(options.set_compute_capability(member, 0), f"build for {capability}")


def _use_timing_cache(options: Any, data: bytes) -> Any:
    """Let the builder use a timing cache; one that it refuses is replaced by an empty one."""
    for content in (data, b""):
        timings = options.create_timing_cache(content)
        if timings is not None and options.set_timing_cache(timings, ignore_mismatch=False):
            return timings
    return None


def _progress_bar(library: Library, options: Any, interrupted: Callable[[], bool]) -> Any:
    api = library.api

    class ProgressBar(api.IProgressMonitor):  # type: ignore[misc, name-defined]
        """Shows the steps of all phases that have begun; ends the build after Ctrl-C."""

        def __init__(self) -> None:
            api.IProgressMonitor.__init__(self)
            self._done: dict[str, int] = {}
            self._bar = Bar(total=0, desc="building", unit="step")

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self._done[phase_name] = 0
            self._bar.total = (self._bar.total or 0) + num_steps

        def step_complete(self, phase_name: str, step: int) -> bool:
            self._bar.update(step + 1 - self._done.get(phase_name, 0))
            self._done[phase_name] = step + 1
            return not interrupted()

        def phase_finish(self, phase_name: str) -> None:
            self._done.pop(phase_name, None)

        def __enter__(self) -> "ProgressBar":
            options.progress_monitor = self
            return self

        def __exit__(self, *error: object) -> None:
            options.progress_monitor = None
            self._bar.close()

    return ProgressBar()
