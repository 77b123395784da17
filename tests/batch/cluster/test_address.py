"""Which cluster `--cluster auto` means must not be up to other users of the machine."""

import importlib.util
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from pmsgan.batch.cluster.address import find_cluster
from pmsgan.errors import ConfigError, EngineError

pytestmark = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="needs Ray")


@pytest.fixture
def note(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    (tmp_path / "ray").mkdir()
    return tmp_path / "ray" / "ray_current_cluster"


@pytest.fixture
def address() -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


def test_the_note_of_ray_start_is_read(note: Path, address: str) -> None:
    with pytest.raises(EngineError, match="this machine belongs to none"):
        find_cluster("auto")
    note.write_text(f"{address}\n")
    note.chmod(0o644)
    assert find_cluster("auto") == address


def test_the_note_of_another_user_is_not(
    note: Path, address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = "other users can have written it: give the address"
    note.write_text(address)
    note.chmod(0o666)
    with pytest.raises(ConfigError, match=refused):
        find_cluster("auto")
    note.chmod(0o644)
    other = os.getuid() + 1
    monkeypatch.setattr(os, "getuid", lambda: other)
    if note.stat().st_uid == 0:  # the administrator may decide it
        os.chown(note, other + 1, -1)
    with pytest.raises(ConfigError, match=refused):
        find_cluster("auto")
    assert find_cluster(address) == address  # a user who types it has decided


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("theirs")])
def test_pipes_and_links_are_refused(note: Path, address: str, make: object) -> None:
    note.with_name("theirs").write_text(address)
    make(note)  # type: ignore[operator]
    with pytest.raises(ConfigError, match="give the address"):
        find_cluster("auto")
