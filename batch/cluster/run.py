"""Convert a folder with Ray: plan here, convert on all workers, report here."""

import itertools
import logging
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pmsgan.batch.cluster.nodes import Node, Share, share_out
from pmsgan.batch.cluster.ray_pool import RayPool
from pmsgan.batch.cluster.task import Shard, ShardResult, Task, pack_style
from pmsgan.batch.convert import announce, warn_of_other_pictures
from pmsgan.batch.files.bucket import Place
from pmsgan.batch.files.bucket_output import RemoteOut, open_out
from pmsgan.batch.files.local_output import OutFolder
from pmsgan.batch.plan import Job, Plan, plan_folder
from pmsgan.batch.report.report import NodeWork, Report
from pmsgan.batch.report.tally import Tally
from pmsgan.batch.report.thumbnails import Sheet
from pmsgan.batch.settings import ConvertSettings
from pmsgan.batch.timing import Timing
from pmsgan.batch.workers import MIN_SLOTS, Workers, choose_workers
from pmsgan.engine.choices import Backend
from pmsgan.errors import ConfigError, EngineError
from pmsgan.interrupt import interruptible
from pmsgan.styles.registry import Style, find_style

SHARDS_PER_WORKER = 16
"""At least, where there are so many pictures: workers end at about the same time."""
SMALLEST_SHARD, LARGEST_SHARD = 16, 1024
"""Pictures."""
_LOOK_EVERY_S = 1.0
"""Whether all machines are still there."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """Where the workers are."""

    address: str | None = None
    """Of a Ray cluster; auto is the one that this machine belongs to, None starts one here."""
    devices: Sequence[int] = ()
    """GPUs to use, by number, where it is started here; by default all."""
    num_workers: int | None = None
    """By default one for each GPU or, without any, one for each machine."""


def convert_on_cluster(
    in_dir: Place,
    out_dir: Place,
    style: Style | str = "anime",
    cluster: Cluster | None = None,
    *,
    settings: ConvertSettings | None = None,
    include: Sequence[str] = (),
    exclude: Sequence[str] = (),
    overwrite: bool = False,
    backend: Backend = "auto",
    require_gpu: bool = False,
    max_batch: int | None = None,
    num_readers: int | None = None,
    num_writers: int | None = None,
    num_slots: int = MIN_SLOTS,
    on_start: Callable[[int], None] | None = None,
    on_done: Callable[[Job], None] | None = None,
    on_workers: Callable[[int, int], None] | None = None,
) -> Report:
    """Translate every picture below a folder on several GPUs or machines.

    A machine that is lost is done without: its pictures are done by the others.

    Args:
        in_dir: as `convert_folder` has it; all machines must see it under this name.
        out_dir: likewise.
        style: a style, its name, or the path of its folder; need be on this machine only.
        cluster: where the workers are; by default on this machine.
        settings: as `convert_folder` has it, as are the others below.
        include: likewise.
        exclude: likewise.
        overwrite: likewise.
        backend: likewise, on each machine.
        require_gpu: likewise.
        max_batch: likewise.
        num_readers: of each worker.
        num_writers: of each worker.
        num_slots: of each worker.
        on_start: called once with the number of pictures.
        on_done: called for each picture that is done, kept or has failed, some at a time.
        on_workers: called with how many workers are alive, and how many there should be.

    Returns:
        The report, with a row for each machine.

    Raises:
        ConfigError: a wrong argument, or folders that cannot be used.
        StyleError: there is no such style.
        EngineError: Ray is not installed or cannot be reached, or no worker can run the style.
    """
    settings, cluster = settings or ConvertSettings(), cluster or Cluster()
    found = find_style(style) if isinstance(style, str) else style
    choose_workers(num_readers, num_writers, num_slots)  # looks at the numbers
    in_dir, out_dir = _absolute(in_dir), _absolute(out_dir)
    plan = plan_folder(in_dir, out_dir, settings.output_format, include=include, exclude=exclude)
    if not plan.num_jobs:
        raise ConfigError(f"{in_dir}: {plan.unlisted[0].name} {plan.unlisted[0].reason}")
    announce(plan)
    warn_of_other_pictures(found, plan, settings)
    started = time.perf_counter()
    with open_out(out_dir, found, settings, overwrite=overwrite) as out:
        with RayPool(cluster.address, cluster.devices) as pool:
            share = _share(pool.nodes(), cluster, backend, require_gpu=require_gpu)
            out.begin()
            task = Task(
                run=f"{time.strftime('%Y%m%d%H%M%S')}-{uuid.uuid4().hex[:8]}",
                in_dir=in_dir,
                out_dir=out_dir,
                style_name=found.name,
                style_files=pack_style(found),
                belongs_to=out.belongs_to,
                settings=settings,
                backend=backend,
                require_gpu=require_gpu,
                max_batch=max_batch,
                num_readers=num_readers,
                num_writers=num_writers,
                num_slots=num_slots,
                cores=share.cpus,
            )
            if on_start is not None:
                on_start(plan.num_jobs)
            run = _Run(pool, share, task, plan, out, Tally(plan, on_done), on_workers)
            open_s = time.perf_counter() - started
            run.go()
        return run.report(found, open_s)


class _Run:
    """A run while it lasts."""

    def __init__(
        self,
        pool: RayPool,
        share: Share,
        task: Task,
        plan: Plan,
        out: OutFolder | RemoteOut,
        tally: Tally,
        on_workers: Callable[[int, int], None] | None,
    ) -> None:
        self.pool = pool
        self.share = share
        self.task = task
        self.plan = plan
        self.out = out
        self.tally = tally
        self.on_workers = on_workers
        self.nodes = {node.id: node for node in pool.nodes() if node.is_alive}
        self.work: dict[str, _Work] = {}
        """Of each machine, by Ray's name of it."""
        self.first: ShardResult | None = None
        """Tells what the workers run."""
        self.timing = Timing()
        self.peak_bytes = 0
        self.stopped: str | None = None
        self.is_interrupted = False

    def go(self) -> None:
        """Do all shards, or end with `stopped`."""
        started = looked = time.perf_counter()
        with interruptible() as is_interrupted:
            for result in self.pool.run(self.task, self.share, self.shards()):
                now = time.perf_counter()
                if result is not None:
                    self.take(result, now - started)
                if now - looked >= _LOOK_EVERY_S:
                    looked = now
                    self.look()
                if is_interrupted() and self.stopped is None:
                    _log.warning("ending the workers; what they have finished is kept")
                    self.stopped, self.is_interrupted = "interrupted", True
                if self.stopped is not None:
                    break
        self.look()
        self.timing.wall_s = time.perf_counter() - started
        if self.first is None and self.is_interrupted:
            raise KeyboardInterrupt

    def shards(self) -> Iterator[Shard]:
        """Divide the plan."""
        wanted = self.plan.num_jobs // (self.share.num_workers * SHARDS_PER_WORKER)
        size = min(max(wanted, SMALLEST_SHARD), LARGEST_SHARD)
        jobs = self.plan.jobs()
        for number in itertools.count():
            names = [(job.name, job.output) for job in itertools.islice(jobs, size)]
            if not names:
                return
            yield Shard(number, names, self.out.journal.known(name for name, _ in names))

    def take(self, result: ShardResult, since_start_s: float) -> None:
        """Note how a shard ended."""
        node = self.nodes.get(result.node)
        where = node.title if node else result.worker
        if result.cannot_start and self.first is None:
            raise EngineError(f"{where}: {result.stopped}")
        for job in result.jobs:
            # Otherwise a worker of this run has done it, and died before its shard was complete.
            job.is_kept = job.is_kept and bool(self.out.journal.known([job.name]))
        if result.stopped is not None:
            self.stopped = f"{where}: {result.stopped}"
        if isinstance(self.out, OutFolder):
            try:
                self.out.take_shards(f"{self.task.run}-{result.number:06}.*")
            except ConfigError as error:  # the next run takes them
                self.stopped = self.stopped or str(error)
        if result.engine is not None:
            self.first = self.first or result
        work = self.work.setdefault(result.node, _Work(where))
        work.add(result)
        self.peak_bytes = max(self.peak_bytes, result.peak_memory_bytes or 0)
        self.timing.stages.merge(result.timing.stages)
        self.timing.cpu_s += result.timing.cpu_s
        self.timing.warm_up_s = max(self.timing.warm_up_s, result.timing.warm_up_s)
        started_s = max(0.0, since_start_s - result.timing.wall_s)
        self.timing.throughput.merge(result.timing.throughput, started_s)
        for job in result.jobs:
            self.tally.count(job)

    def look(self) -> None:
        """See which machines are there."""
        found = self.pool.nodes()
        for node in found:
            known = self.nodes.get(node.id)
            if known is None:
                if node.is_alive:
                    self.nodes[node.id] = node
            elif known.is_alive and not node.is_alive:
                _log.warning("lost %s: its pictures are done by others", known.title)
                self.nodes[node.id] = replace(known, is_alive=False)
        if self.on_workers is not None:
            self.on_workers(self.share.fits(found), self.share.num_workers)

    def report(self, style: Style, open_s: float) -> Report:
        """Sum up."""
        first = self.first
        assert first is not None
        assert first.engine is not None
        assert first.machine is not None
        assert first.workers is not None
        count = self.share.num_workers
        for node in self.nodes.values():
            if not node.is_alive:
                self.work.setdefault(node.id, _Work(node.title))
        out_dir, in_dir = self.task.out_dir, self.task.in_dir
        is_here = isinstance(out_dir, Path) and isinstance(in_dir, Path)
        return Report(
            style=style.name,
            engine=first.engine,
            machine=first.machine,
            workers=Workers(
                readers=first.workers.readers * count,
                writers=first.workers.writers * count,
                slots=first.workers.slots * count,
            ),
            num_engines=count,
            nodes=tuple(
                work.report(is_lost=node in self.nodes and not self.nodes[node].is_alive)
                for node, work in self.work.items()
            ),
            num_done=self.tally.num_done,
            num_kept=self.tally.num_kept,
            num_left=self.plan.num_jobs - self.tally.num_seen,
            failures=tuple(self.tally.failures),
            notes=tuple(self.tally.notes),
            passed_over=dict(self.plan.num_passed_over),
            open_s=open_s,
            timing=self.timing,
            peak_memory_bytes=self.peak_bytes or None,
            stopped=self.stopped,
            is_interrupted=self.is_interrupted,
            baselines=(),
            no_baseline="it compares two processes on one machine, and a cluster has more",
            sheet=Sheet(
                style,
                self.task.settings,
                out_dir if isinstance(out_dir, Path) else Path(),
                tuple(self.tally.sample) if is_here else (),
            ),
        )


@dataclass(slots=True)
class _Work:
    """What a machine has done so far."""

    title: str
    workers: set[str] = field(default_factory=set)
    num_done: int = 0
    num_failed: int = 0
    busy_s: float = 0.0
    engine: str = ""

    def add(self, result: ShardResult) -> None:
        """Count a shard."""
        self.workers.add(result.worker)
        self.num_done += sum(not job.is_kept and job.failure is None for job in result.jobs)
        self.num_failed += sum(job.failure is not None for job in result.jobs)
        self.busy_s += result.timing.wall_s
        if (info := result.engine) is not None:
            self.engine = f"{info.backend} {info.precision}, {info.device}"

    def report(self, *, is_lost: bool) -> NodeWork:
        return NodeWork(
            name=self.title,
            num_workers=len(self.workers),
            num_done=self.num_done,
            num_failed=self.num_failed,
            busy_s=self.busy_s,
            engine=self.engine,
            is_lost=is_lost,
        )


def _share(
    nodes: Sequence[Node], cluster: Cluster, backend: Backend, *, require_gpu: bool
) -> Share:
    has_gpus = any(node.gpus for node in nodes if node.is_alive)
    needs_gpus = require_gpu or backend in ("tensorrt", "tensorrt-rtx")
    if needs_gpus and not has_gpus:
        raise EngineError("no machine of the cluster has a GPU")
    on_gpus = needs_gpus or (backend == "auto" and has_gpus)
    return share_out(nodes, wanted=cluster.num_workers, on_gpus=on_gpus)


def _absolute(place: Place) -> Place:
    return place.absolute() if isinstance(place, Path) else place
