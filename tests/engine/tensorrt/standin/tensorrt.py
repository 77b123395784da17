"""A stand-in for the modules `tensorrt` and `tensorrt_rtx`: an "engine" that gives 255 - x.

Its classes have the names, members and parameters of the real ones, and nothing beyond what the
code uses; test_bindings.py compares them with the real ones. Its context computes, in the order of
the stream, from the addresses that it was given before. It is as unkind as the real library:

- a class that cannot be made raises TypeError, other calls return None, False, 0 or -1;
- memory that was set before `update_device_memory_size_for_shapes` counts no more;
- the memory shrinks with the batch only if the plan was built so;
- a plan or a timing cache of another GPU is refused;
- a profiler is told nothing of a CUDA graph;
- a batch takes as many launches as a test says, with and without CUDA graphs;
- a runtime that is newer than the driver is made, and then crashes.
"""

import json
from enum import IntEnum
from types import SimpleNamespace
from typing import Any

from pmsgan.engine.gpu import driver_cuda, gpu_capability, gpu_names

ACTIVATION_BYTES = 4096
"""Memory for activations that each picture of a batch needs [bytes]."""


class Severity(IntEnum):
    ERROR = 1
    WARNING = 2
    INFO = 3


class NetworkDefinitionCreationFlag(IntEnum):
    STRONGLY_TYPED = 1


class BuilderFlag(IntEnum):
    TF32 = 0


class MemoryPoolType(IntEnum):
    WORKSPACE = 0


class PreviewFeature(IntEnum):
    RUNTIME_ACTIVATION_RESIZE_10_10 = 0


class ProfilingVerbosity(IntEnum):
    LAYER_NAMES_ONLY = 0
    DETAILED = 2


class LayerInformationFormat(IntEnum):
    ONELINE = 0
    JSON = 1


class ExecutionContextAllocationStrategy(IntEnum):
    STATIC = 0
    USER_MANAGED = 2


class ComputeCapability(IntEnum):
    CURRENT = 1
    SM75 = 75
    SM80 = 80
    SM86 = 86
    SM89 = 89
    SM120 = 120


class DynamicShapesKernelSpecializationStrategy(IntEnum):
    LAZY = 0
    EAGER = 1


class CudaGraphStrategy(IntEnum):
    DISABLED = 0
    WHOLE_GRAPH_CAPTURE = 1


ENUMS = (
    NetworkDefinitionCreationFlag, BuilderFlag, MemoryPoolType, PreviewFeature,
    ProfilingVerbosity, LayerInformationFormat, ExecutionContextAllocationStrategy,
)  # fmt: skip
RTX_ENUMS = (ComputeCapability, DynamicShapesKernelSpecializationStrategy, CudaGraphStrategy)


def make_api(driver: Any, *, is_rtx: bool = False, version: str = "10.13.0") -> SimpleNamespace:
    """Return what the code under test takes for TensorRT, or TensorRT for RTX.

    Faults are names in its `fails`; beside them it counts and keeps what tests ask for.
    """
    api = SimpleNamespace(
        __version__=version, wheel_cuda=13, fails=set(), num_built=0, num_updates=0,
        largest_enqueued=99, largest_graph=99, num_contexts=0, num_compiled=0,
        launches=1, graph_launches=1,
        layer_ms={"conv 1": 2.0, "norm 1": 0.5, "conv 2": 1.0},
        cleared=None, timing_caches=[], kernels={"kernel 1"},
    )  # fmt: skip

    def log_error(message: str) -> None:
        api.log.log(Severity.ERROR, message)

    def refuse_if(fault: str) -> None:
        if fault in api.fails:
            raise TypeError("pybind11::init(): factory function returned nullptr")

    class ILogger:
        __slots__ = ("__dict__",)

        def log(self, severity: Severity, msg: str) -> None:
            raise NotImplementedError

    class IProgressMonitor:
        __slots__ = ("__dict__",)

        def phase_start(self, phase_name: str, parent_phase: str, num_steps: int) -> None:
            raise NotImplementedError

        def step_complete(self, phase_name: str, step: int) -> bool:
            raise NotImplementedError

        def phase_finish(self, phase_name: str) -> None:
            raise NotImplementedError

    class IProfiler:
        __slots__ = ("__dict__",)

        def report_layer_time(self, layer_name: str, ms: float) -> None:
            raise NotImplementedError

    class IExecutionContext:
        __slots__ = ("_addresses", "_graphs", "_memory", "_plan", "_shape", "profiler")

        def __init__(self, plan: dict[str, Any], graphs: bool) -> None:
            self._plan = plan
            self._graphs = graphs
            self.profiler: Any = None
            self._addresses: dict[str, int] = {}
            self._shape: tuple[int, ...] = ()
            self._memory: tuple[int, int] | None = None

        def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
            self._shape = shape
            return "set_input_shape" not in api.fails and shape[0] <= self._plan["max_batch"]

        def update_device_memory_size_for_shapes(self) -> int:
            api.num_updates += 1
            self._memory = None
            if "update" in api.fails:
                log_error("the shapes are not known")
                return 0
            return self._num_bytes()

        def set_device_memory(self, memory: int, size: int) -> None:
            self._memory = (memory, size)

        def set_tensor_address(self, name: str, memory: int) -> bool:
            self._addresses[name] = memory
            return True

        def execute_async_v3(self, stream_handle: int) -> bool:
            if "execute_async_v3" in api.fails:
                log_error("no kernel for this")
                return False
            if self._shape[0] > (api.largest_graph if self._graphs else api.largest_enqueued):
                log_error("[virtualMemoryBuffer.cpp::resizePhysical::154] OutOfMemory")
                return False
            needed = self._num_bytes()
            if self._graphs and "graphs" in api.fails:
                log_error("the stream cannot be captured")
                return False
            for _ in range((api.graph_launches if self._graphs else api.launches) - 1):
                driver.launch(stream_handle)
            assert self._memory is not None or needed == 0, "the memory was not set after update"
            scratch = self._memory or (0, 0)
            assert scratch[1] >= needed
            count = self._shape[0] * self._shape[1] * self._shape[2] * self._shape[3]
            source, target = self._addresses["image"], self._addresses["translated"]
            mask = 0 if "black" in api.fails else 0x80 if "wrong" in api.fails else 0xFF
            driver.invert(stream_handle, source, target, count, scratch, mask)
            if self.profiler is not None and not self._graphs:
                for name, ms in api.layer_ms.items():
                    self.profiler.report_layer_time(name, ms)
            return True

        def _num_bytes(self) -> int:
            if "no activations" in api.fails:
                return 0
            is_small = self._plan["resizes"]
            return (self._shape[0] if is_small else self._plan["max_batch"]) * ACTIVATION_BYTES

    class IRuntimeCache:
        __slots__ = ("_kernels",)

        def __init__(self) -> None:
            self._kernels: set[str] = set()

        def serialize(self) -> bytes:
            return json.dumps(sorted(self._kernels)).encode()

        def deserialize(self, blob: bytes) -> bool:
            try:
                self._kernels = set(json.loads(blob))
            except ValueError:
                return False
            return True

    class IRuntimeConfig:
        __slots__ = (
            "_cache", "_strategy", "cuda_graph_strategy",
            "dynamic_shapes_kernel_specialization_strategy",
        )  # fmt: skip

        def __init__(self) -> None:
            self._cache: Any = None
            self.cuda_graph_strategy = CudaGraphStrategy.DISABLED
            self._strategy = ExecutionContextAllocationStrategy.STATIC
            self.dynamic_shapes_kernel_specialization_strategy = (
                DynamicShapesKernelSpecializationStrategy.LAZY
            )

        def set_execution_context_allocation_strategy(
            self, strategy: ExecutionContextAllocationStrategy
        ) -> None:
            self._strategy = strategy

        def create_runtime_cache(self) -> IRuntimeCache:
            return IRuntimeCache()

        def set_runtime_cache(self, cache: IRuntimeCache) -> bool:
            self._cache = cache
            return "set_runtime_cache" not in api.fails

    class EngineInspector:
        __slots__ = ("_plan", "execution_context")

        def __init__(self, plan: dict[str, Any]) -> None:
            self._plan = plan
            self.execution_context: Any = None

        def get_engine_information(self, format: LayerInformationFormat) -> str:
            assert format == LayerInformationFormat.JSON
            assert self.execution_context._shape, "shapes are set for what depends on them"
            if "inspect" in api.fails:
                return ""
            names = list(api.layer_ms)[:2]  # some layers are added when a plan is loaded
            detailed = self._plan["detailed"]
            kinds = {"conv": "CaskConvolution", "norm": "Norm"}
            layers = [{"Name": it, "LayerType": kinds[it[:4]], "Inputs": []} for it in names]
            return json.dumps({"Layers": layers if detailed else names, "Bindings": ["image"]})

    class ICudaEngine:
        __slots__ = ("_plan",)

        def __init__(self, plan: dict[str, Any]) -> None:
            self._plan = plan

        @property
        def device_memory_size_v2(self) -> int:
            return 0 if "no activations" in api.fails else self._plan["max_batch"] * 4096

        def create_engine_inspector(self) -> EngineInspector:
            return EngineInspector(self._plan)

        def create_runtime_config(self) -> IRuntimeConfig:
            assert is_rtx
            return IRuntimeConfig()

        def create_execution_context(self, *how: Any) -> IExecutionContext | None:
            (strategy,) = how  # or a runtime_config: the real one has both
            graphs = False
            if isinstance(strategy, IRuntimeConfig):
                config = strategy
                strategy = config._strategy
                api.specialization = config.dynamic_shapes_kernel_specialization_strategy.name
                known = set() if config._cache is None else config._cache._kernels
                api.num_compiled += len(api.kernels - known)
                # Only the best kernels are captured; those of LAZY are compiled later.
                is_best = api.specialization == "EAGER" or api.kernels <= known
                graphs = bool(config.cuda_graph_strategy) and is_best
                api.has_graphs = graphs
                known |= api.kernels
            assert strategy == ExecutionContextAllocationStrategy.USER_MANAGED
            api.num_contexts += 1
            if "create_execution_context" in api.fails:
                return None
            if "context memory" in api.fails:
                api.fails.discard("context memory")
                log_error("Error Code 2: OutOfMemory (Requested size was 4096 bytes.)")
                return None
            return IExecutionContext(self._plan, graphs)

    class Runtime:
        __slots__ = ()

        def __init__(self, logger: Any) -> None:
            api.log = logger
            refuse_if("Runtime")

        def deserialize_cuda_engine(self, serialized_engine: bytes) -> ICudaEngine | None:
            found = driver_cuda()
            assert found is not None and found[0] >= api.wheel_cuda, "Segmentation fault"
            plan = json.loads(serialized_engine)
            if is_rtx and gpu_capability() == (9, 0):
                log_error("the engine cannot run on this GPU, which has compute capability 9.0")
                return None
            if (plan["version"], plan["gpu"]) != (api.__version__, gpu_of(api)):
                return None
            if "load" in api.fails:
                api.fails.discard("load")
                return None
            return ICudaEngine(plan)

    class ITimingCache:
        __slots__ = ("_content",)

        def __init__(self, content: bytes) -> None:
            self._content = content

        def serialize(self) -> bytes:
            return gpu_names()[0].encode() if not self._content else self._content

    class IOptimizationProfile:
        __slots__ = ()

        def set_shape(self, input: str, min: Any, opt: Any, max: Any) -> None:
            api.shapes = (min, opt, max)

    class IBuilderConfig:
        # Slots as in the real one: a misspelt setting is an error.
        __slots__ = (
            "builder_optimization_level", "max_aux_streams", "num_compute_capabilities",
            "profiling_verbosity", "progress_monitor",
        )  # fmt: skip

        def __init__(self) -> None:
            self.progress_monitor = None
            self.profiling_verbosity = ProfilingVerbosity.LAYER_NAMES_ONLY
            api.preview_features = set()
            api.capability = None

        def clear_flag(self, flag: BuilderFlag) -> None:
            api.cleared = flag.name

        def add_optimization_profile(self, profile: IOptimizationProfile) -> int:
            return -1 if "add_optimization_profile" in api.fails else 0

        def create_timing_cache(self, serialized_timing_cache: bytes) -> ITimingCache | None:
            return ITimingCache(bytes(serialized_timing_cache))

        def set_timing_cache(self, cache: ITimingCache, ignore_mismatch: bool) -> bool:
            assert not ignore_mismatch
            is_taken = cache._content in (b"", gpu_names()[0].encode())
            api.timing_caches.append((cache._content, is_taken))
            return is_taken

        def set_memory_pool_limit(self, pool: MemoryPoolType, pool_size: int) -> None:
            api.workspace_bytes = pool_size

        def set_preview_feature(self, feature: PreviewFeature, enable: bool) -> None:
            if enable:
                api.preview_features.add(feature)

        def set_compute_capability(self, compute_capability: ComputeCapability, index: int) -> bool:
            assert is_rtx and index == 0
            api.capability = compute_capability
            return True

    class INetworkDefinition:
        __slots__ = ()

    class Builder:
        __slots__ = ()

        def __init__(self, logger: Any) -> None:
            api.log = logger
            refuse_if("Builder")

        def create_network(self, flags: int) -> INetworkDefinition:
            assert flags == 1 << NetworkDefinitionCreationFlag.STRONGLY_TYPED
            return INetworkDefinition()

        def create_builder_config(self) -> IBuilderConfig:
            api.config = IBuilderConfig()
            return api.config  # type: ignore[no-any-return]

        def create_optimization_profile(self) -> IOptimizationProfile:
            return IOptimizationProfile()

        def build_serialized_network(
            self, network: INetworkDefinition, config: IBuilderConfig
        ) -> bytes | None:
            monitor: Any = config.progress_monitor
            assert monitor is not None
            monitor.phase_start("building", None, 2)
            going_on = all(monitor.step_complete("building", step) for step in range(2))
            monitor.phase_finish("building")
            if "build" in api.fails or not going_on:
                return None
            api.num_built += 1
            resizes = PreviewFeature.RUNTIME_ACTIVATION_RESIZE_10_10 in api.preview_features
            detailed = config.profiling_verbosity == ProfilingVerbosity.DETAILED
            return make_plan(api, max_batch=api.shapes[2][0], resizes=resizes, detailed=detailed)

    class OnnxParser:
        __slots__ = ()
        num_errors = 0

        def __init__(self, network: INetworkDefinition, logger: Any) -> None:
            refuse_if("OnnxParser")

        def parse(self, model: bytes) -> bool:
            return True

    ILogger.Severity = Severity  # type: ignore[attr-defined]
    classes = [
        ILogger, IProgressMonitor, IProfiler, IExecutionContext, EngineInspector, ICudaEngine,
        Runtime, ITimingCache, IOptimizationProfile, IBuilderConfig, INetworkDefinition,
        Builder, OnnxParser, *ENUMS,
    ]  # fmt: skip
    if not is_rtx:
        del IBuilderConfig.set_compute_capability, IBuilderConfig.num_compute_capabilities
    else:
        classes += [IRuntimeCache, IRuntimeConfig, *RTX_ENUMS]
    for kind in classes:
        setattr(api, kind.__name__, kind)
    api.classes = classes
    api.make_plan = lambda **options: make_plan(api, **options)
    return api


def make_plan(
    api: SimpleNamespace, *, max_batch: int, resizes: bool = True, detailed: bool = True
) -> bytes:
    """Return a plan that the stand-in's runtime takes on the GPU that is here."""
    plan = {"version": api.__version__, "gpu": gpu_of(api), "detailed": detailed}
    return json.dumps(plan | {"max_batch": max_batch, "resizes": resizes}).encode()


def gpu_of(api: SimpleNamespace) -> str:
    """The GPU that a plan is tied to; nothing for TensorRT for RTX."""
    return "" if hasattr(api, "IRuntimeConfig") else gpu_names()[0]
