"""Whoever reaches a Ray can run code in it: one that we start is reached by nobody else."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pmsgan.batch.cluster.private_ray import remove_abandoned
from pmsgan.batch.files.lock import lock
from pmsgan.directory import Directory

STARTED = """
import json, os, stat, sys
from pathlib import Path
from pmsgan.batch.cluster.ray_pool import RayPool

def listening(session):
    sockets = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            if session.encode() in words:
                found = [os.readlink(it) for it in (process / "fd").iterdir()]
                sockets |= {it[8:-1] for it in found if it.startswith("socket:")}
        except OSError:
            continue
    rows = [line.split() for name in ("tcp", "tcp6")
            for line in Path("/proc/net", name).read_text().splitlines()[1:]]
    return sorted({row[1][:-5] for row in rows if row[3] == "0A" and row[9] in sockets})

def see(name):
    import importlib.util
    return importlib.util.find_spec(name) is not None

with RayPool(None) as pool:
    node = pool._ray._private.worker._global_node
    session = Path(node.get_session_dir_path())
    private = session.parent.parent
    modes = [stat.S_IMODE(it.stat().st_mode) for it in (private, private / "token")]
    print(json.dumps({
        "listening": listening(session.name), "modes": modes, "folder": str(private),
        "address": node.gcs_address, "auth": os.environ.get("RAY_AUTH_TOKEN_PATH"),
        "alive": [it.is_alive for it in pool.nodes()],
        "imports": pool._ray.get(pool._ray.remote(see).remote("planted")),
        "current": os.getcwd(),
    }), file=sys.__stdout__)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks for sockets in /proc")
def test_a_ray_that_is_started_here_is_private(tmp_path: Path) -> None:
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed")
    (tmp_path / "planted.py").write_text("a stranger's")
    environment = os.environ | {"RAY_AUTH_MODE": "disabled", "RAY_AUTH_TOKEN": "x" * 64}
    done = subprocess.run(
        [sys.executable, "-c", STARTED],
        env=environment, cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["alive"] == [True]
    assert found["address"].startswith("127.0.0.1:")
    assert not found["imports"]  # workers do not look into the current folder
    assert found["current"] == str(tmp_path)
    assert found["listening"]
    assert all(it.endswith("0100007F") for it in found["listening"]), found["listening"]
    assert found["modes"] == [0o700, 0o600]
    assert found["auth"] is None
    assert not Path(found["folder"]).exists()


ABANDON = """
import os, signal
from pmsgan.batch.cluster.private_ray import private_ray
with private_ray() as options:
    print(os.path.dirname(options["_temp_dir"]), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="kills a process, and has handles of folders")
def test_what_a_killed_process_has_left_is_removed(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", ABANDON], capture_output=True, text=True)
    left = Path(done.stdout.strip())
    assert (left / "token").read_bytes()
    remove_abandoned(left.parent)
    assert left.is_dir()  # it is new
    os.utime(left, (0, 0))
    remove_abandoned(left.parent)
    assert not left.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="has handles of folders")
def test_what_may_be_in_use_or_not_ours_stays(tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    names = ("pmsgan-ray-used", "pmsgan-ray-open", "pmsgan-ray-other", "pmsgan-scratch")
    for folder in (theirs, *(tmp_path / name for name in names)):
        folder.mkdir(mode=0o700)
        (folder / "token").touch()
    (tmp_path / "pmsgan-ray-open").chmod(0o755)
    if os.getuid() == 0:
        os.chown(tmp_path / "pmsgan-ray-other", 12345, 12345)
    else:
        (tmp_path / "pmsgan-ray-other").chmod(0o770)
    (tmp_path / "pmsgan-ray-link").symlink_to(theirs)
    (tmp_path / "pmsgan-ray-dead").mkdir(mode=0o700)
    (tmp_path / "pmsgan-ray-dead" / "within").symlink_to(theirs)
    for folder in tmp_path.iterdir():
        os.utime(folder, (0, 0), follow_symlinks=False)
    with Directory(tmp_path / "pmsgan-ray-used") as used, lock(used, "lock"):
        os.utime(tmp_path / "pmsgan-ray-used", (0, 0))
        remove_abandoned(tmp_path)
    assert {it.name for it in tmp_path.iterdir()} == {*names, "theirs", "pmsgan-ray-link"}
    assert all((tmp_path / name / "token").exists() for name in (*names, "theirs"))
