"""A worker without Ray: what it does with shards, and what it leaves of them."""

import platform
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from outputs import DISK, begun
from trees import journal_names, tree, write_pictures

from pmsgan.batch.cluster import rate as rate_module
from pmsgan.batch.cluster import ray_pool
from pmsgan.batch.cluster import worker as worker_module
from pmsgan.batch.cluster.task import Shard, ShardResult, Task, pack_style
from pmsgan.batch.cluster.worker import Worker
from pmsgan.batch.conversion import run_identity
from pmsgan.batch.convert import convert_folder
from pmsgan.batch.files import store as store_module
from pmsgan.batch.files.bucket import BucketFolder
from pmsgan.batch.files.bucket_output import BucketOutput
from pmsgan.batch.files.folder import Folder
from pmsgan.batch.files.local import LocalFolder
from pmsgan.batch.files.store import Store
from pmsgan.batch.pictures.kinds import NOT_A_PICTURE
from pmsgan.batch.plan import plan_folder
from pmsgan.batch.settings import ConvertSettings, Parallelism, RunSettings
from pmsgan.engine import cache
from pmsgan.engine.cache import lock_folder
from pmsgan.engine.int8.calibration import Calibration, cache_calibration, find_calibration
from pmsgan.errors import ConfigError
from pmsgan.styles.registry import GRAPH_NAME, Style

USUAL = ConvertSettings()
NUM_PICTURES = 12
OPENVINO = RunSettings(backend="openvino")


@pytest.fixture
def in_dir(tmp_path: Path) -> Path:
    write_pictures(tmp_path / "in", NUM_PICTURES)
    return tmp_path / "in"


@pytest.fixture
def make_task(style: Style, in_dir: Path) -> Callable[..., Task]:
    def make(out: Path | Folder, **changed: Any) -> Task:
        return replace(
            Task(
                name="run",
                pictures=LocalFolder(in_dir),
                out=LocalFolder(out) if isinstance(out, Path) else out,
                style_name=style.name,
                style_files=pack_style(style),
                run_identity=run_identity(style, USUAL),
                scaling=style.scaling,
                settings=USUAL,
                run=OPENVINO,
                cores=1,
                parallelism=Parallelism(readers=1, writers=1, slots=2),
            ),
            **changed,
        )

    return make


def test_a_style_travels_with_its_int8_calibration(
    style: Style, make_task: Callable[..., Task], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache.platformdirs, "user_cache_dir", lambda *args, **kwargs: tmp_path)
    calibration = Calibration(
        graph_sha256=style.sha256[GRAPH_NAME],
        num_pictures=3,
        pictures_sha256="",
        psnr_db=50.0,
        ranges={"add": 1.0},
    )
    kept = cache_calibration(calibration, style)
    task = make_task(tmp_path / "out", style_files=pack_style(style))
    kept.unlink()  # another machine has another cache
    (tmp_path / "unpacked").mkdir()
    assert find_calibration(task.unpack_style(tmp_path / "unpacked")) == calibration


@pytest.fixture
def convert() -> Iterator[Callable[[Task, Shard], ShardResult]]:
    """Convert a shard in a worker that is closed at the end."""
    workers: list[Worker] = []

    def run(task: Task, shard: Shard) -> ShardResult:
        workers.append(Worker(task))
        return workers[-1].convert(shard)

    yield run
    for worker in workers:
        worker.close()


def shard_of(task: Task, number: int = 0, known: dict[int, int] | None = None) -> Shard:
    plan = plan_folder(task.pictures, task.out)
    return Shard(number, [(job.name, job.output) for job in plan.jobs()], known or {})


def bucket_output(
    folder: BucketFolder,
    style: Style,
    settings: ConvertSettings = USUAL,
    *,
    overwrite: bool = False,
) -> BucketOutput:
    return folder.output(run_identity(style, settings), DISK, overwrite=overwrite)


def names_in(path: Path) -> list[str]:
    """Return the journals of shards, each with the name of the shard and of a worker."""
    found = (path / ".pmsgan" / "shards").glob("*.jsonl")
    return sorted(shard.name.split(".")[0] for shard in found)


def test_a_shard_becomes_what_a_local_run_makes(
    style: Style, in_dir: Path, make_task: Any, convert: Any, tmp_path: Path
) -> None:
    task = make_task(tmp_path / "out")
    with begun(tmp_path / "out", style) as out:
        result = convert(task, shard_of(task))
        assert result.stopped is None
        assert len(result.jobs) == NUM_PICTURES
        assert result.engine.backend == "openvino"
        assert names_in(tmp_path / "out") == ["run-000000"]
        out.collect("run-000000")
    assert not (tmp_path / "out" / ".pmsgan" / "shards").exists()
    assert sorted(journal_names(tmp_path / "out")) == sorted(path.name for path in in_dir.iterdir())
    convert_folder(in_dir, tmp_path / "alone", str(style.folder), run=OPENVINO)
    assert tree(tmp_path / "out") == tree(tmp_path / "alone")


def test_a_worker_measures_its_engine(
    make_task: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate_module, "_WARM_UP_S", 0.0)
    monkeypatch.setattr(rate_module, "_MEASURED_S", 0.01)
    task = make_task(tmp_path / "out")
    worker = Worker(task)
    try:
        assert worker.measure_engine(shard_of(task)) > 0
        assert worker.convert(Shard(0, [], {})).engine is not None  # it still works
    finally:
        worker.close()


def test_an_engine_that_cannot_be_opened_is_not_measured(make_task: Any, tmp_path: Path) -> None:
    task = make_task(tmp_path / "out", settings=ConvertSettings(precision="fp16"))
    assert ray_pool._measure_engine(task, shard_of(task)) is None


def test_what_a_dead_worker_has_done_is_not_done_again(
    style: Style, make_task: Any, convert: Any, tmp_path: Path
) -> None:
    task = make_task(tmp_path / "out")
    whole = shard_of(task)
    with begun(tmp_path / "out", style) as out:
        convert(task, replace(whole, names=whole.names[:5]))  # and then it died
        before = {path: path.stat().st_mtime_ns for path in (tmp_path / "out").glob("*.png")}
        assert len(before) == 5
        result = convert(task, whole)
        assert names_in(tmp_path / "out") == ["run-000000"] * 2  # the first may still write
        out.collect("run-000000")
    assert sorted(journal_names(tmp_path / "out")) == [name for name, _ in whole.names]
    assert sum(job.was_done_before for job in result.jobs) == 5
    assert all(path.stat().st_mtime_ns == changed for path, changed in before.items())


def test_a_shard_that_kills_its_workers_is_given_up(
    style: Style, make_task: Any, convert: Any, tmp_path: Path
) -> None:
    task = make_task(tmp_path / "out")
    whole = shard_of(task)
    with begun(tmp_path / "out", style) as out:
        convert(task, replace(whole, names=whole.names[:5]))
        shards = tmp_path / "out" / ".pmsgan" / "shards"
        for dead in ("other-1", "other-2", "other-3"):
            (shards / f"run-000000.{dead}.jsonl").touch()
        result = convert(task, whole)
        out.collect("run-000000")
    assert result.stopped is None
    failed = [job.name for job in result.jobs if job.failure]
    assert failed == [name for name, _ in whole.names[5:]]
    assert sum(job.was_done_before for job in result.jobs) == 5
    assert not shards.exists()


def test_a_run_whose_driver_died_is_gone_on_with_by_any_run(
    style: Style, in_dir: Path, make_task: Any, convert: Any, tmp_path: Path
) -> None:
    task = make_task(tmp_path / "out")
    whole = shard_of(task)
    with begun(tmp_path / "out", style):
        convert(task, replace(whole, names=whole.names[:5]))
    assert names_in(tmp_path / "out") == ["run-000000"]
    report = convert_folder(in_dir, tmp_path / "out", str(style.folder), run=OPENVINO)
    assert (report.num_done, report.num_done_before) == (NUM_PICTURES - 5, 5)
    assert names_in(tmp_path / "out") == []

    (tmp_path / "out" / ".pmsgan" / "shards").mkdir()
    left = tmp_path / "out" / ".pmsgan" / "shards" / "run-000009.jsonl"
    left.write_text("not a journal\n")
    report = convert_folder(in_dir, tmp_path / "out", str(style.folder), run=OPENVINO)
    assert report.num_done_before == NUM_PICTURES
    assert not left.exists()


def test_shards_of_another_style_are_not_mixed_with_ours(
    style: Style, in_dir: Path, make_task: Any, convert: Any, tmp_path: Path
) -> None:
    task = make_task(tmp_path / "out", run_identity={"style": "another"})
    with begun(tmp_path / "out", style):
        assert convert(task, shard_of(task)).stopped is None
    with pytest.raises(ConfigError, match="holds results made with style another"):
        convert_folder(in_dir, tmp_path / "out", str(style.folder), run=OPENVINO)
    report = convert_folder(
        in_dir, tmp_path / "out", str(style.folder), run=replace(OPENVINO, overwrite=True)
    )
    assert (report.num_done, report.num_done_before) == (NUM_PICTURES, 0)
    assert names_in(tmp_path / "out") == []


def test_a_picture_that_fails_is_named_and_the_rest_is_done(
    style: Style, in_dir: Path, make_task: Any, convert: Any, tmp_path: Path
) -> None:
    (in_dir / "000003.jpg").write_bytes(b"no picture")
    task = make_task(tmp_path / "out")
    with begun(tmp_path / "out", style):
        result = convert(task, shard_of(task))
    assert [(job.name, job.failure) for job in result.jobs if job.failure] == [
        (
            "000003.jpg",
            NOT_A_PICTURE,
        )
    ]
    assert len(result.jobs) == NUM_PICTURES


def test_a_worker_that_cannot_start_says_why(
    style: Style, make_task: Any, convert: Any, tmp_path: Path
) -> None:
    for changed, told in (
        ({"version": "0.0.1"}, "is installed here, but 0.0.1 where the run was started"),
        ({"run": RunSettings(require_gpu=True)}, "no backend on a GPU can run here"),
        ({"style_files": {"style.toml": b""}}, "lacks 'input'"),
    ):
        task = make_task(tmp_path / "out", **changed)
        result = convert(task, shard_of(task))
        assert result.cannot_start
        assert told in result.stopped


def test_a_folder_that_cannot_be_written_to_ends_the_shard(
    style: Style, make_task: Any, convert: Any, tmp_path: Path
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".pmsgan").write_text("in the way")
    task = make_task(tmp_path / "out")
    result = convert(task, shard_of(task))
    assert "cannot write to OUT" in result.stopped
    assert not result.cannot_start


def test_an_engine_that_kills_its_workers_is_given_up(
    style: Style, make_task: Any, convert: Any, tmp_path: Path
) -> None:
    task = make_task(tmp_path / "out", name="deadly")
    died = lock_folder() / f"deadly-{platform.node()}.opening"
    died.write_bytes(b"..")
    with begun(tmp_path / "out", style):
        assert convert(task, shard_of(task)).stopped is None
        assert not died.exists()
        died.write_bytes(b"...")
        result = convert(task, shard_of(task))
    died.unlink()
    assert result.cannot_start
    assert result.stopped == "3 workers died while opening the engine"


def test_a_worker_leaves_signals_to_its_process(
    style: Style, make_task: Any, convert: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, during = signal.getsignal(signal.SIGTERM), []
    real = worker_module.run_jobs

    def run_jobs(*arguments: Any, on_done: Any, **options: Any) -> Any:
        def note(job: Any) -> None:
            during.append(signal.getsignal(signal.SIGTERM))
            on_done(job)

        return real(*arguments, on_done=note, **options)

    monkeypatch.setattr(worker_module, "run_jobs", run_jobs)
    task = make_task(tmp_path / "out")
    with begun(tmp_path / "out", style):
        convert(task, shard_of(task))
    assert during == [before] * NUM_PICTURES


def test_engines_of_one_machine_are_opened_one_after_another(
    make_task: Any, convert: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = []

    class Lock:
        def __init__(self, path: Path) -> None:
            self.path = path

        def __enter__(self) -> None:
            locked.append(self.path)

        def __exit__(self, *error: object) -> None:
            locked.append(None)

    monkeypatch.setattr(worker_module.filelock, "FileLock", Lock)
    real = worker_module.open_engine

    def open_engine(*arguments: Any, **options: Any) -> Any:
        assert len(locked) == 1
        return real(*arguments, **options)

    monkeypatch.setattr(worker_module, "open_engine", open_engine)
    task = make_task(tmp_path / "out")
    assert convert(task, shard_of(task)).stopped is None
    assert len(locked) == 2


def test_results_in_an_object_store(
    store: Any, style: Style, in_dir: Path, make_task: Any, convert: Any, tmp_path: Path
) -> None:
    folder = BucketFolder("memory://bucket/out")
    task = make_task(folder)
    with bucket_output(folder, style) as out:
        out.begin()
        assert convert(task, shard_of(task)).stopped is None
    convert_folder(in_dir, tmp_path / "alone", str(style.folder), run=OPENVINO)
    for name, data in tree(tmp_path / "alone").items():
        assert folder.store.read(name) == (tmp_path / "alone" / name).read_bytes(), data

    (in_dir / "000003.jpg").write_bytes((in_dir / "000000.jpg").read_bytes())
    folder.store.remove("000001.png")
    with bucket_output(folder, style) as out:
        out.begin()
        shard = shard_of(task, 1)
        known = out.journal.known(name for name, _ in shard.names)
        assert len(known) == NUM_PICTURES
        result = convert(task, replace(shard, known=known))
    assert sorted(job.name for job in result.jobs if not job.was_done_before) == [
        "000001.png", "000003.jpg",
    ]  # fmt: skip
    with pytest.raises(ConfigError, match="holds results made with fit pad, not stretch"):
        bucket_output(folder, style, replace(USUAL, fit="stretch"))
    with bucket_output(folder, style, replace(USUAL, fit="stretch"), overwrite=True) as out:
        out.begin()
        assert out.journal.known(name for name, _ in shard.names) == {}
    folder = BucketFolder("memory://bucket")
    with pytest.raises(ConfigError, match="holds files that no earlier run has recorded"):
        bucket_output(folder, style)


def test_a_shard_in_an_object_store_that_kills_its_workers_is_given_up(
    store: Any, style: Style, make_task: Any, convert: Any
) -> None:
    folder = BucketFolder("memory://bucket/out")
    task = make_task(folder)
    for dead in ("other-1", "other-2", "other-3"):
        folder.store.write(f".pmsgan/tries/run-000000.{dead}", b"")
    result = convert(task, shard_of(task))
    assert [job.failure for job in result.jobs] == [
        "skipped: 3 workers crashed on the group of pictures that it belongs to"
    ] * NUM_PICTURES
    assert convert(task, shard_of(task, 1)).jobs[0].failure is None
    left = [entry.name for entry in folder.store.list(".pmsgan/tries/")]
    assert len(left) == 3  # none of those that have ended
    with bucket_output(folder, style, overwrite=True) as out:
        out.begin()
    assert folder.store.list(".pmsgan/tries/") == []


def test_a_shard_that_was_done_before_leaves_no_journal(
    store: Any, style: Style, make_task: Any, convert: Any
) -> None:
    folder = BucketFolder("memory://bucket/out")
    task = make_task(folder)
    assert convert(task, shard_of(task)).stopped is None
    with bucket_output(folder, style) as out:
        out.begin()
        known = out.journal.known(name for name, _ in shard_of(task).names)
        result = convert(task, shard_of(task, 1, known))
    assert all(job.was_done_before for job in result.jobs)
    names = [entry.name for entry in folder.store.list(".pmsgan/journal/")]
    assert [name.split(".")[0] for name in sorted(names)] == ["0", "run-000000"]


def test_a_store_that_refuses_all_ends_the_shard(
    store: Any, make_task: Any, convert: Any, in_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for path in in_dir.iterdir():
        store.pipe_file(f"/bucket/in/{path.name}", path.read_bytes())
    monkeypatch.setattr(store_module, "LONGEST_STREAK", 5)
    source, target = BucketFolder("memory://bucket/in"), BucketFolder("memory://bucket/out")
    task = make_task(target, pictures=source)
    real_read, real_write = Store.read, Store.write

    def refuse(self: Store, name: str, *data: bytes) -> None:
        if not name.startswith(".pmsgan"):
            raise PermissionError("access denied")
        real_write(self, name, *data)

    monkeypatch.setattr(Store, "read", refuse)
    result = convert(task, shard_of(task))
    assert result.stopped == "IN can no longer be read: access denied"
    assert sum(job.failure is not None for job in result.jobs) == 4
    monkeypatch.setattr(Store, "read", real_read)
    monkeypatch.setattr(Store, "write", refuse)
    result = convert(task, shard_of(task))
    assert result.stopped == "OUT can no longer be written: access denied"


def test_an_object_store_that_fails_ends_the_shard(
    store: Any, make_task: Any, convert: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = make_task(BucketFolder("memory://bucket/out"))
    real = Store.write

    def fail(self: Store, name: str, data: bytes) -> None:
        if name.endswith("png"):
            raise OSError("the network is down")
        real(self, name, data)

    monkeypatch.setattr(Store, "write", fail)
    result = convert(task, shard_of(task))
    assert result.stopped == "cannot write to OUT: the network is down"


def test_what_a_dead_worker_has_put_into_a_bucket_is_not_done_again(
    store: Any, style: Style, make_task: Any, convert: Any
) -> None:
    folder = BucketFolder("memory://bucket/out")
    task = make_task(folder)
    whole = shard_of(task)
    convert(task, replace(whole, names=whole.names[:5]))
    folder.store.write(".pmsgan/tries/run-000000.dead", b"")  # which it would have left
    result = convert(task, whole)
    assert sum(job.was_done_before for job in result.jobs) == 5
    assert len(result.jobs) == NUM_PICTURES
