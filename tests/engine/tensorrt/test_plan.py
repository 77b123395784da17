"""Plans in the cache: which file is whose, and what is refused before TensorRT sees it."""

from dataclasses import replace
from pathlib import Path

import pytest

from pmsgan.engine import cache
from pmsgan.engine.sealed import StaleFileError, write_sealed
from pmsgan.engine.tensorrt.build import BuildConfig
from pmsgan.engine.tensorrt.plan import MAGIC, EnginePlan, EnginePlanKey, read_plan, write_plan

KEY = EnginePlanKey(
    graph_sha256="0123456789abcdef" * 4, product="tensorrt", version="10.13.0", capability="8.9",
    gpu="NVIDIA L4 (24 GB)", driver=13000, precision="fp16", height=256, width=512, max_batch=8,
)  # fmt: skip
PLAN = EnginePlan(b"plan", BuildConfig(), checked=True, build_s=2.5)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cache.platformdirs, "user_cache_dir", lambda *args, **kwargs: tmp_path)
    return tmp_path / "tensorrt"


def test_names_say_what_a_file_is_for() -> None:
    where = "sm8.9-nvidia-l4-24-gb-10.13.0"
    assert KEY.file_name == f"0123456789abcdef-fp16-512x256-batch8-{where}.plan"
    assert KEY.kernels_name == f"0123456789abcdef-fp16-512x256-batch8-{where}.kernels"
    assert KEY.timings_name == f"timings-{where}.bin"
    assert replace(KEY, gpu="").timings_name == "timings-sm8.9-10.13.0.bin"


def test_a_plan_comes_back_as_it_was_written(folder: Path) -> None:
    assert read_plan(KEY) is None
    for plan in (PLAN, replace(PLAN, checked=False)):
        assert write_plan(plan, KEY) == folder / KEY.file_name
        assert read_plan(KEY) == plan
    # A plan of another value that is no part of the name is refused by its header.
    with pytest.raises(StaleFileError, match=r"was built for driver 13000, not 12080$"):
        read_plan(replace(KEY, driver=12080))
    assert read_plan(replace(KEY, max_batch=9)) is None


def test_a_header_of_another_version_is_refused(folder: Path) -> None:
    folder.mkdir(0o700)
    for header in ({}, {"key": {}, "checked": True, "config": {"new": 1}, "build_s": 0.0}):
        write_sealed(folder / KEY.file_name, MAGIC, header, b"plan")
        with pytest.raises(StaleFileError, match="built by another version of pmsgan"):
            read_plan(KEY)


def test_without_a_cache_there_is_no_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    write_plan(PLAN, KEY)
    monkeypatch.setattr("pmsgan.engine.tensorrt.plan.cache_folder", lambda name: None)
    assert read_plan(KEY) is None
