"""Whoever reaches a Ray can run code in it: one that we start is reached by nobody else."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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
