"""Starts Ray or joins it, and lets its workers convert shards."""

import logging
import os
import pickle
import queue
import sys
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import (
    AbstractContextManager,
    ExitStack,
    contextmanager,
    nullcontext,
    redirect_stdout,
    suppress,
)
from typing import Any

import numpy as np

from pmsgan.batch.cluster.address import find_cluster, unreachable
from pmsgan.batch.cluster.authentication import refuse_open_cluster
from pmsgan.batch.cluster.nodes import Node, WorkerAllocation, read_nodes
from pmsgan.batch.cluster.private_ray import private_ray
from pmsgan.batch.cluster.task import Shard, ShardResult, Task
from pmsgan.batch.cluster.worker import Worker
from pmsgan.display import DisplayStream, display
from pmsgan.engine.gpu import count_gpus
from pmsgan.engine.machine import count_cores
from pmsgan.errors import ConfigError, EngineError, PmsganError
from pmsgan.install import install_command
from pmsgan.safe_path import outside_of_current_folder

_POLL_S = 0.2


class RayPool:
    """A connection to Ray, until its `with` block ends; workers end with it."""

    def __init__(
        self, address: str | None, devices: Sequence[int] = (), *, insecure: bool = False
    ) -> None:
        """Join a cluster, or start Ray on this machine alone.

        Args:
            address: of a cluster, such as 10.0.0.1:6379, or auto for the one that this machine
                belongs to; None starts one here.
            devices: GPUs of this machine to use, by number; by default all.
            insecure: join a cluster that asks for no token, too.

        Raises:
            ConfigError: there are no such GPUs, or the cluster asks for no token.
            EngineError: Ray is not installed, or the cluster cannot be reached.
        """
        is_quiet = os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal") == "fatal"
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        os.environ.setdefault("RAY_DATA_LOG_LEVEL", "CRITICAL")
        # Otherwise a thread of Ray Data that outlives the connection makes a new one.
        os.environ["RAY_ENABLE_AUTO_CONNECT"] = "0"
        if devices:
            _choose_gpus(devices)
        self._held = ExitStack()
        where: AbstractContextManager[dict[str, Any]] = nullcontext({})
        with private_ray() if address is None else where as ours:
            ray = self._ray = _import_ray()
            if address is not None:
                address = find_cluster(address)
                if not insecure:
                    refuse_open_cluster(address)
            # Ray prints its machines' messages on stdout, which is only for results.
            self._held.enter_context(redirect_stdout(DisplayStream(display)))
            ray._private.worker._worker_logs_enabled = False
            options: dict[str, Any] = {"logging_level": logging.ERROR, "log_to_driver": False}
            if address is None:
                # Ray counts GPUs by NVML, which is not everywhere where CUDA is.
                num_gpus = len(devices) or count_gpus()
                options |= ours | {"num_cpus": count_cores(), "num_gpus": num_gpus}
            try:
                # Workers import from the folder that Ray is started in.
                with outside_of_current_folder(), _closed_stderr() if is_quiet else nullcontext():
                    ray.init(address=address or "local", **options)
            except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
                self._held.close()
                if address is None:
                    raise EngineError(f"cannot start Ray here: {_first_line(error)}") from error
                raise unreachable(address, _first_line(error)) from error
        ray.data.DataContext.get_current().enable_progress_bars = False
        self._results: Any = None

    def nodes(self) -> list[Node]:
        """Return the machines, also those that are gone."""
        return read_nodes(self._ray.nodes())

    def measure_engine(self, task: Task, shard: Shard) -> float | None:
        """Return the pictures a second that the engine translates on one GPU of the cluster.

        None if there is no engine, or it failed: the workers of the run will report why.
        """
        remote = self._ray.remote(num_cpus=task.cores, num_gpus=1, max_retries=0)(_measure_engine)
        with suppress(self._ray.exceptions.RayError):  # its process crashed
            rate: float | None = self._ray.get(remote.remote(task, shard))
            return rate
        return None

    def run(
        self, task: Task, allocation: WorkerAllocation, shards: Iterable[Shard]
    ) -> Iterator[ShardResult | None]:
        """Let workers convert shards; yield each result, or None after a moment without one.

        A shard whose worker died is given to another.

        Raises:
            EngineError: a worker failed unexpectedly.
        """
        done: queue.SimpleQueue[ShardResult | BaseException | None] = queue.SimpleQueue()
        self._results = results = self._map(task, allocation, shards)

        def collect() -> None:
            try:
                # Nothing is fetched ahead: each result is given when it is there.
                for rows in results.iter_batches(
                    batch_size=1, batch_format="numpy", prefetch_batches=0
                ):
                    done.put(unpack(rows["result"][0]))
                done.put(None)
            except BaseException as error:
                done.put(error)

        threading.Thread(target=collect, daemon=True, name="collect").start()
        while True:
            try:
                result = done.get(timeout=_POLL_S)
            except queue.Empty:
                yield None
                continue
            if result is None:
                return
            if isinstance(result, BaseException):
                raise EngineError(f"a worker failed: {_cause(result)}") from result
            yield result

    def close(self) -> None:
        """End the workers, and Ray if it was started here."""
        # Threads of Ray Data that outlive the connection die of it with a traceback.
        executor = getattr(self._results, "_current_executor", None)
        if executor is not None:
            with suppress(self._ray.exceptions.RayError):  # the cluster is gone
                executor.shutdown(force=False)
        self._ray.shutdown()
        self._held.close()

    def __enter__(self) -> "RayPool":
        """Return the pool."""
        return self

    def __exit__(self, *error: object) -> None:
        """End the workers."""
        self.close()

    def _map(self, task: Task, allocation: WorkerAllocation, shards: Iterable[Shard]) -> Any:
        data = self._ray.data
        rows = [{"shard": pack(shard)} for shard in shards]
        return data.from_items(rows, override_num_blocks=len(rows)).map_batches(
            _Mapper,
            batch_size=1,
            batch_format="numpy",
            fn_constructor_args=(task,),
            compute=data.ActorPoolStrategy(size=allocation.num_workers),
            num_cpus=allocation.cpus,
            num_gpus=allocation.gpus or None,
        )


def _measure_engine(task: Task, shard: Shard) -> float | None:
    worker = Worker(task)
    try:
        return worker.measure_engine(shard)
    except (PmsganError, OSError):
        return None
    finally:
        worker.close()


class _Mapper:
    """A worker in the form that Ray Data needs."""

    def __init__(self, task: Task) -> None:
        import ray

        self._worker = Worker(task)
        self._node = str(ray.get_runtime_context().get_node_id())

    def __call__(self, rows: dict[str, Any]) -> dict[str, Any]:
        results = [self._worker.convert(unpack(shard)) for shard in rows["shard"]]
        for result in results:
            result.node = self._node
        packed = np.empty(len(results), object)
        packed[:] = [pack(result) for result in results]
        return {"result": packed}


def _import_ray() -> Any:
    """Import Ray; raise EngineError if it is not installed."""
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise EngineError(
            f"running on several GPUs or machines needs Ray ({error}): {install_command('cluster')}"
        ) from error
    return ray


def pack(value: Any) -> bytes:
    """Pickle and compress a value; lists of file names shrink to a tenth."""
    return zlib.compress(pickle.dumps(value), 1)


def unpack(data: bytes) -> Any:
    """Undo `pack`; use it only on bytes from this cluster's own processes."""
    return pickle.loads(zlib.decompress(data))


@contextmanager
def _closed_stderr() -> Iterator[None]:
    """Silence stderr: Ray's native code writes its configuration there."""
    with suppress(AttributeError, OSError, ValueError):  # it may be closed, or dead
        sys.stderr.flush()
    display.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _choose_gpus(devices: Sequence[int]) -> None:
    if (found := count_gpus()) <= max(devices):
        here = f"{found} NVIDIA GPUs" if found else "no NVIDIA GPU with a driver"
        raise ConfigError(f"there is no GPU {max(devices)}: this machine has {here}")
    # Where only some GPUs are ours, the numbers count those.
    ours = os.environ.get("CUDA_VISIBLE_DEVICES") or ",".join(map(str, range(found)))
    names = ours.split(",")
    os.environ["CUDA_VISIBLE_DEVICES"] = ",".join(names[device] for device in devices)


def _cause(error: BaseException) -> str:
    """Return the last line of Ray's message, which is the error itself."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[-1] if lines else type(error).__name__


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
