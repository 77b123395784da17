"""The user's cache: private, and done without where it cannot be had."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmsgan.engine import cache
from pmsgan.engine.cache import cache_folder, lock_folder, require_cache_folder
from pmsgan.engine.telemetry import without_telemetry
from pmsgan.errors import EngineError


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The root of the cache, which is missing at first."""
    root = tmp_path / "cache"
    monkeypatch.setattr(cache.platformdirs, "user_cache_dir", lambda *args, **kwargs: str(root))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    cache._note.cache_clear()
    yield root
    cache._note.cache_clear()


def test_the_cache_is_private(root: Path) -> None:
    assert cache_folder("openvino") == root / "openvino"
    assert (root / "openvino").stat().st_mode & 0o777 == 0o700


def test_a_cache_that_others_can_write_to_is_not_used_and_noted_once(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    require_cache_folder("openvino").chmod(0o777)
    assert cache_folder("openvino") is None
    assert cache_folder("openvino") is None
    (note,) = caplog.messages
    assert note.startswith("nothing is cached, so each run compiles again: ")
    assert f"{root / 'openvino'} cannot be used (other users can write to it)" in note
    assert note.endswith("set XDG_CACHE_HOME to a folder of your own")
    with pytest.raises(EngineError, match="other users can write to it"):
        require_cache_folder("openvino")


def test_a_cache_of_another_user_is_not_used(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    require_cache_folder("openvino")
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert cache_folder("openvino") is None


def test_a_file_in_the_place_of_the_cache_is_noted(
    root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    root.write_text("a file")
    assert cache_folder("openvino") is None
    assert f"{root} cannot be used (File exists)" in caplog.text


@pytest.mark.parametrize("home", [None, "~/.cache/pmsgan"])
def test_a_user_without_a_home_has_no_cache(
    home: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def answer(*arguments: object, **options: object) -> str:
        if home is None:
            raise RuntimeError("could not determine the home directory")
        return home

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cache.platformdirs, "user_cache_dir", answer)
    assert cache_folder("openvino") is None
    assert "this user has no home folder: set HOME or XDG_CACHE_HOME" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_a_cache_that_cannot_be_written_is_still_read(
    root: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    require_cache_folder("openvino")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert cache_folder("openvino") == root / "openvino"
    assert caplog.messages == [f"nothing new is cached: {root / 'openvino'} is not writable"]


def test_locks_lie_beside_temporary_files_where_there_is_no_cache(
    root: Path, tmp_path: Path
) -> None:
    assert lock_folder() == root / "locks"
    (root / "locks").chmod(0o777)
    folder = lock_folder()
    assert folder.parent.parent == tmp_path
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.name != "posix", reason="any user may put a link into /tmp")
def test_a_planted_link_is_no_place_for_locks(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (tmp_path / f"pmsgan-{os.getuid()}").symlink_to(elsewhere)
    root.write_text("no folder")
    with pytest.raises(EngineError, match="other users can write to it"):
        lock_folder()
    assert list(elsewhere.iterdir()) == []


def test_the_telemetry_of_openvino_is_absent_while_it_is_imported() -> None:
    before = dict(sys.modules)
    with without_telemetry(), pytest.raises(ImportError):
        import openvino_telemetry  # type: ignore[import-not-found]  # noqa: F401
    assert sys.modules == before


def test_openvino_is_imported_without_its_converter() -> None:
    code = (
        "import sys, pmsgan.engine.openvino;"
        "assert not [name for name in sys.modules if name.startswith('openvino.tools')];"
        "import openvino.tools.ovc"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
