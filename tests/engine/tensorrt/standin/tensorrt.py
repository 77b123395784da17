"""A stand-in for the module `tensorrt`: an "engine" that gives 255 - x.

Its context computes, in the order of the stream, from the addresses that it was given before.
"""

import ctypes
import json
from types import SimpleNamespace
from typing import Any

import numpy as np

ACTIVATION_BYTES = 4096
"""What a picture in a batch needs of the memory for activations."""


def make_api(driver: Any, call: Any) -> SimpleNamespace:
    """Return what the code under test takes for TensorRT 10.13."""
    api = SimpleNamespace(__version__="10.13.0", fails=set(), keep=[], num_built=0)

    class Logger:
        Severity = SimpleNamespace(WARNING=2)

    class Context:
        def __init__(self) -> None:
            self.addresses: dict[str, int] = {}
            self.shape: tuple[int, ...] = ()
            self.memory: tuple[int, int] = (0, 0)

        def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
            self.shape = shape
            return "set_input_shape" not in api.fails

        def update_device_memory_size_for_shapes(self) -> int:
            return self.shape[0] * ACTIVATION_BYTES

        def set_device_memory(self, address: int, num_bytes: int) -> None:
            self.memory = (address, num_bytes)

        def set_tensor_address(self, name: str, address: int) -> bool:
            self.addresses[name] = address
            return True

        def execute_async_v3(self, stream: int) -> bool:
            if "execute_async_v3" in api.fails:
                api.log.lines.append("ERROR: no kernel for this")
                return False
            count = int(np.prod(self.shape))
            source, target = self.addresses["image"], self.addresses["translated"]
            address, num_bytes = self.memory
            assert num_bytes >= self.shape[0] * ACTIVATION_BYTES

            def run(_: Any) -> None:
                pictures = np.ctypeslib.as_array((ctypes.c_uint8 * count).from_address(source))
                ctypes.memset(address, 0, num_bytes)
                results = np.ctypeslib.as_array((ctypes.c_uint8 * count).from_address(target))
                results[:] = 0 if "black" in api.fails else 255 - pictures

            function = call(run)
            api.keep.append(function)
            driver.enqueue(stream, function)
            return True

    class Engine:
        def create_execution_context(self, strategy: str) -> Context | None:
            assert strategy == "user managed"
            return None if "create_execution_context" in api.fails else Context()

    class Runtime:
        def __init__(self, log: Any) -> None:
            api.log = log

        def deserialize_cuda_engine(self, plan: bytes) -> Engine | None:
            if json.loads(plan)["version"] != api.__version__ or "load" in api.fails:
                api.fails.discard("load")
                return None
            return Engine()

    class Config:
        progress_monitor = None

        def clear_flag(self, flag: str) -> None:
            api.cleared = flag

        def add_optimization_profile(self, profile: Any) -> int:
            return 0

        def create_timing_cache(self, data: bytes) -> Any:
            return SimpleNamespace(serialize=lambda: b"timings")

        def set_timing_cache(self, cache: Any, ignore_mismatch: bool) -> bool:
            return True

        def set_memory_pool_limit(self, pool: Any, num_bytes: int) -> None:
            api.workspace_bytes = num_bytes

    class Builder:
        def __init__(self, log: Any) -> None:
            pass

        def create_network(self, flags: int) -> object:
            assert flags == 1 << 1
            return object()

        def create_builder_config(self) -> Config:
            api.config = Config()
            return api.config

        def create_optimization_profile(self) -> Any:
            return SimpleNamespace(set_shape=lambda name, *shapes: setattr(api, "shapes", shapes))

        def build_serialized_network(self, network: object, config: Config) -> bytes | None:
            monitor = config.progress_monitor
            assert monitor is not None
            monitor.phase_start("building", None, 2)
            going_on = all(monitor.step_complete("building", step) for step in range(2))
            monitor.phase_finish("building")
            if "build" in api.fails or not going_on:
                return None
            api.num_built += 1
            return json.dumps({"version": api.__version__}).encode()

    class Parser:
        num_errors = 0

        def __init__(self, network: object, log: Any) -> None:
            pass

        def parse(self, graph: bytes) -> bool:
            return True

    api.ILogger = Logger
    api.IProgressMonitor = type("IProgressMonitor", (), {})
    api.Runtime, api.Builder, api.OnnxParser = Runtime, Builder, Parser
    api.NetworkDefinitionCreationFlag = SimpleNamespace(STRONGLY_TYPED=1)
    api.ExecutionContextAllocationStrategy = SimpleNamespace(USER_MANAGED="user managed")
    api.cleared = None
    api.BuilderFlag = SimpleNamespace(TF32="TF32")
    api.MemoryPoolType = SimpleNamespace(WORKSPACE="workspace")
    return api
