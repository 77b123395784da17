"""Keep the compiled kernels of TensorRT for RTX on a GPU, and whether CUDA graphs help there."""

import logging
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from pmsgan.engine.cache import cache_folder
from pmsgan.engine.sealed import read_sealed, write_sealed
from pmsgan.engine.tensorrt.plan import EnginePlanKey
from pmsgan.engine.tensorrt.product import Library
from pmsgan.errors import EngineError

if TYPE_CHECKING:
    from pmsgan.engine.tensorrt.buffers import Gpu

MAGIC = b"pmsgan-kernels-2 "

_log = logging.getLogger(__name__)


class KernelCache:
    """The compiled kernels of one plan on one GPU and driver, in memory and in the user's cache."""

    def __init__(self, library: Library, key: EnginePlanKey, gpu: "Gpu") -> None:
        """Start with the cached kernels.

        Args:
            library: TensorRT for RTX.
            key: the key of the plan.
            gpu: the GPU that runs it.
        """
        self._library = library
        self._key = replace(key, gpu=gpu.name, driver=gpu.driver)
        self.uses_graphs: bool | None = None
        """Whether CUDA graphs make batches faster; None until that is measured."""
        self._kept = self._read()
        self._kept_choice: bool | None = self.uses_graphs
        self._cache: Any = None

    def make_config(self, engine: Any, *, ahead: bool, graphs: bool | None) -> Any:
        """Return settings for an execution context that takes kernels from here.

        Args:
            engine: the loaded plan.
            ahead: compile the best kernels before a batch runs; else general ones run until the
                best are compiled.
            graphs: use CUDA graphs; None uses them if they make batches faster.

        Raises:
            EngineError: TensorRT for RTX gives no settings.
        """
        api, require = self._library.api, self._library.require
        config = require(engine.create_runtime_config(), "make settings for a context")
        config.set_execution_context_allocation_strategy(
            api.ExecutionContextAllocationStrategy.USER_MANAGED
        )
        strategies = api.DynamicShapesKernelSpecializationStrategy
        config.dynamic_shapes_kernel_specialization_strategy = (
            strategies.EAGER if ahead else strategies.LAZY
        )
        if graphs is None:
            graphs = bool(self.uses_graphs)
        config.cuda_graph_strategy = (
            api.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE if graphs else api.CudaGraphStrategy.DISABLED
        )
        if self._cache is None:
            self._cache = require(config.create_runtime_cache(), "make a cache of kernels")
            if self._kept and not self._cache.deserialize(self._kept):
                _log.info("kernels are compiled again: %s", self._library.log.summary())
        require(config.set_runtime_cache(self._cache), "use a cache of kernels")
        return config

    def keep(self) -> None:
        """Write new kernels to the user's cache; a failure is only a warning."""
        if self._cache is None or (folder := cache_folder(self._key.product)) is None:
            return
        data = bytes(self._cache.serialize() or b"")
        if not data or (data == self._kept and self.uses_graphs == self._kept_choice):
            return
        try:
            header = {"key": asdict(self._key), "uses_graphs": self.uses_graphs}
            write_sealed(folder / self._key.kernels_name, MAGIC, header, data)
            self._kept, self._kept_choice = data, self.uses_graphs
        except EngineError as error:
            _log.warning("the next run will compile kernels again: %s", error)

    def _read(self) -> bytes:
        if (folder := cache_folder(self._key.product)) is None:
            return b""
        try:
            found = read_sealed(folder / self._key.kernels_name, MAGIC)
        except EngineError as error:
            _log.warning("%s: it is made again", error)
            return b""
        if found is None or found[0].get("key") != asdict(self._key):
            return b""
        self.uses_graphs = found[0].get("uses_graphs")
        return found[1]
