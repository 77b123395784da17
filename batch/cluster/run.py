"""Convert a folder with Ray: divide the plan here, convert on all workers, sum up here."""

import itertools
import logging
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from pmsgan.batch.cluster.nodes import Node, WorkerAllocation, allocate_workers, use_gpus
from pmsgan.batch.cluster.rate import LEAST_PICTURES, workers_per_gpu
from pmsgan.batch.cluster.ray_pool import RayPool
from pmsgan.batch.cluster.task import Shard, ShardResult, Task, pack_style, shard_name
from pmsgan.batch.conversion import Conversion, RunEnd
from pmsgan.batch.files.folder import Output
from pmsgan.batch.pictures.load import NUM_SAMPLES
from pmsgan.batch.pipeline import Outcome
from pmsgan.batch.report.report import Equipment, NodeWork
from pmsgan.batch.report.tally import Tally
from pmsgan.batch.settings import MAX_THREADS, Cluster, Parallelism
from pmsgan.batch.timing import Timing
from pmsgan.errors import ConfigError, EngineError
from pmsgan.interrupt import interruptible

SHARDS_PER_WORKER = 16
"""Least shards for each worker, if there are enough pictures, so that workers end at about the same
time."""
SMALLEST_SHARD, LARGEST_SHARD = 16, 1024
"""Pictures."""
_CHECK_EVERY_S = 1.0
"""Time between two checks of which machines are still there [s]."""

_log = logging.getLogger(__name__)


def convert_on_cluster(
    conversion: Conversion, output: Output, tally: Tally, cluster: Cluster
) -> RunEnd:
    """Convert on several GPUs or machines; the others convert the pictures of a lost machine.

    Args:
        conversion: what to do; all machines must see its folders under the same names.
        output: OUT, not begun yet.
        tally: counts pictures as their shards end.
        cluster: where the workers are.

    Raises:
        ConfigError: there is no room for that many workers, no folder can be listed, or the cluster
            asks for no token.
        EngineError: Ray is not installed or cannot be reached, or no worker can run the style.
    """
    plan = conversion.plan
    if not plan.num_jobs:
        first = plan.unlisted[0]
        raise ConfigError(f"{conversion.pictures}: {first.name} {first.reason}")
    started = time.perf_counter()
    with RayPool(cluster.address, cluster.devices, insecure=cluster.insecure) as pool:
        nodes = pool.nodes()
        allocation = allocate_workers(
            nodes, wanted=cluster.workers, on_gpus=use_gpus(nodes, conversion.run)
        )
        output.begin()
        task = _task(conversion, output, allocation)
        if (
            allocation.workers_per_gpu
            and cluster.workers is None
            and plan.num_jobs >= LEAST_PICTURES
        ):
            allocation = _allocate_by_speed(pool, nodes, allocation, task, conversion)
            task = _task(conversion, output, allocation)
        conversion.progress.start(plan.num_jobs)
        run = _ClusterRun(pool, allocation, task, conversion, output, tally)
        open_s = time.perf_counter() - started
        run.run()
    return run.end(open_s)


def _task(conversion: Conversion, output: Output, allocation: WorkerAllocation) -> Task:
    return Task(
        name=f"{time.strftime('%Y%m%d%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:8]}",
        pictures=conversion.pictures,
        out=conversion.out,
        out_was_empty=output.was_empty,
        style_name=conversion.style.name,
        style_files=pack_style(conversion.style),
        run_identity=output.run_identity,
        scaling=conversion.scaled_style.scaling,
        settings=conversion.settings,
        run=conversion.run,
        cores=allocation.cpus,
        parallelism=conversion.run.parallelism(
            allocation.cpus if conversion.is_local else MAX_THREADS
        ),
        workers_per_gpu=max(1, allocation.workers_per_gpu),
    )


def _allocate_by_speed(
    pool: RayPool,
    nodes: Sequence[Node],
    allocation: WorkerAllocation,
    task: Task,
    conversion: Conversion,
) -> WorkerAllocation:
    """Allocate as many workers to each GPU as are needed to feed its engine.

    Args:
        pool: measures the engine.
        nodes: the machines.
        allocation: one worker for each GPU.
        task: the task of such a worker.
        conversion: some of its pictures check a new engine.
    """
    jobs = itertools.islice(conversion.plan.jobs(), NUM_SAMPLES)
    rate = pool.measure_engine(task, Shard(0, [(job.name, job.output) for job in jobs], {}))
    if rate is None:
        return allocation
    each = workers_per_gpu(rate, allocation.cpus)
    _log.info("the engine translates %.0f pictures/s; workers per GPU: %d", rate, each)
    return allocate_workers(nodes, wanted=each * allocation.num_workers, on_gpus=True)


class _ClusterRun:
    """The state of a run in progress."""

    def __init__(
        self,
        pool: RayPool,
        allocation: WorkerAllocation,
        task: Task,
        conversion: Conversion,
        output: Output,
        tally: Tally,
    ) -> None:
        self.pool = pool
        self.allocation = allocation
        self.task = task
        self.conversion = conversion
        self.output = output
        self.tally = tally
        self.nodes = {node.id: node for node in pool.nodes() if node.is_alive}
        self.work: dict[str, _NodeTally] = {}
        """The work of each machine, by Ray's name of it."""
        self.first: ShardResult | None = None
        """The first result of a worker that has an engine; it describes what the workers run."""
        self.outcome = Outcome(Timing())
        self.peak_bytes = 0

    def run(self) -> None:
        """Convert all shards, unless the run stops early."""
        started = checked = time.perf_counter()
        outcome = self.outcome
        with interruptible() as is_interrupted:
            for result in self.pool.run(self.task, self.allocation, self.shards()):
                now = time.perf_counter()
                if result is not None:
                    self.add(result, now - started)
                if now - checked >= _CHECK_EVERY_S:
                    checked = now
                    self.update_nodes()
                if is_interrupted() and outcome.stopped is None:
                    _log.warning("ending the workers; their finished pictures are kept")
                    outcome.stopped, outcome.is_interrupted = "interrupted", True
                if outcome.stopped is not None:
                    break
        self.update_nodes()
        outcome.timing.wall_s = time.perf_counter() - started
        if self.first is None and outcome.is_interrupted:
            raise KeyboardInterrupt

    def shards(self) -> Iterator[Shard]:
        """Divide the plan into shards."""
        wanted = self.conversion.plan.num_jobs // (self.allocation.num_workers * SHARDS_PER_WORKER)
        size = min(max(wanted, SMALLEST_SHARD), LARGEST_SHARD)
        jobs = self.conversion.plan.jobs()
        for number in itertools.count():
            names = [(job.name, job.output) for job in itertools.islice(jobs, size)]
            if not names:
                return
            yield Shard(number, names, self.output.journal.known(name for name, _ in names))

    def add(self, result: ShardResult, since_start_s: float) -> None:
        """Count how a shard ended."""
        node = self.nodes.get(result.node)
        where = node.title if node else result.worker
        if result.cannot_start and self.first is None:
            raise EngineError(f"{where}: {result.stopped}")
        for job in result.jobs:
            # Otherwise a worker of this run has done it, and died before its shard was complete.
            job.was_done_before &= bool(self.output.journal.known([job.name]))
        if result.stopped is not None:
            self.outcome.stopped = f"{where}: {result.stopped}"
        try:
            self.output.collect(shard_name(self.task.name, result.number))
        except ConfigError as error:  # the next run collects them
            self.outcome.stopped = self.outcome.stopped or str(error)
        if result.engine is not None:
            self.first = self.first or result
        work = self.work.setdefault(result.node, _NodeTally(where))
        work.add(result)
        self.peak_bytes = max(self.peak_bytes, result.peak_memory_bytes or 0)
        self.outcome.timing.stages.merge(result.timing.stages)
        self.outcome.timing.cpu_s += result.timing.cpu_s
        self.outcome.timing.warm_up_s = max(self.outcome.timing.warm_up_s, result.timing.warm_up_s)
        started_s = max(0.0, since_start_s - result.timing.wall_s)
        self.outcome.timing.throughput.merge(result.timing.throughput, started_s)
        for job in result.jobs:
            self.tally.count(job)

    def update_nodes(self) -> None:
        """Note which machines have joined or been lost."""
        found = self.pool.nodes()
        for node in found:
            known = self.nodes.get(node.id)
            if known is None:
                if node.is_alive:
                    self.nodes[node.id] = node
            elif known.is_alive and not node.is_alive:
                _log.warning("lost %s: other workers convert its pictures", known.title)
                self.nodes[node.id] = replace(known, is_alive=False)
        self.conversion.progress.workers(self.allocation.fits(found), self.allocation.num_workers)

    def end(self, open_s: float) -> RunEnd:
        """Sum up."""
        first = self.first
        assert first is not None, "a run without an engine has raised an error"
        assert first.engine is not None
        assert first.machine is not None
        for node in self.nodes.values():
            if not node.is_alive:
                self.work.setdefault(node.id, _NodeTally(node.title))
        count, each = self.allocation.num_workers, self.task.parallelism
        equipment = Equipment(
            engine=first.engine,
            machine=first.machine,
            parallelism=Parallelism(
                readers=each.readers * count,
                writers=each.writers * count,
                slots=each.slots * count,
            ),
            open_s=open_s,
            peak_memory_bytes=self.peak_bytes or None,
            num_engines=count,
            nodes=tuple(
                work.summary(is_lost=node in self.nodes and not self.nodes[node].is_alive)
                for node, work in self.work.items()
            ),
        )
        return RunEnd(
            outcome=self.outcome,
            equipment=equipment,
            no_baseline="the comparison needs a run on a single machine",
        )


@dataclass(slots=True)
class _NodeTally:
    """The work that a machine has done so far."""

    title: str
    workers: set[str] = field(default_factory=set)
    num_done: int = 0
    num_failed: int = 0
    busy_s: float = 0.0
    engine: str = ""

    def add(self, result: ShardResult) -> None:
        """Count a shard."""
        self.workers.add(result.worker)
        self.num_done += sum(not job.was_done_before and job.failure is None for job in result.jobs)
        self.num_failed += sum(job.failure is not None for job in result.jobs)
        self.busy_s += result.timing.wall_s
        if (info := result.engine) is not None:
            self.engine = f"{info.backend} {info.precision}, {info.device}"

    def summary(self, *, is_lost: bool) -> NodeWork:
        """Return the report's row for the machine."""
        return NodeWork(
            name=self.title,
            num_workers=len(self.workers),
            num_done=self.num_done,
            num_failed=self.num_failed,
            busy_s=self.busy_s,
            engine=self.engine,
            is_lost=is_lost,
        )
