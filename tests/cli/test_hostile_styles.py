"""Files and styles from strangers, who want to hang a program or to fill its memory."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import hostile
import pytest
from hostile_models import MODELS, as_deployment, honest, model

from pmsgan.engine import trial
from pmsgan.engine.graph import read_graph
from pmsgan.engine.open import open_engine
from pmsgan.errors import ChildError, EngineError, PmsganError
from pmsgan.export.foreign.build import read_in_bounds
from pmsgan.export.foreign.settings import ImportSettings
from pmsgan.export.triton import export_triton
from pmsgan.styles.registry import Style, read_style

MAX_CPU_S = 8.0
"""Computing time of a command: 3 s to read a graph and 3 s to open it, beside its own start."""
MAX_GROWTH_KIB = 200 * 1024
SHOWN = 400


def check_file(path: Path) -> None:
    """Check an ONNX file as far as no runtime is needed."""
    read_in_bounds(path, ImportSettings())


def check_style(path: Path) -> None:
    """Check a style as far as no runtime is needed."""
    style = read_style(path)
    style.verify()
    with trial.opening_bounds(0):
        read_graph(style.graph)


def is_seen_without_a_run(name: str) -> bool:
    return name.removeprefix("a graph with ") not in hostile.NEED_A_RUN


@pytest.mark.parametrize(
    ("write", "check"),
    [
        pytest.param(write, check, id=f"{kind}: {name}")
        for kind, table, check in (
            ("file", hostile.FILES, check_file),
            ("style", hostile.STYLES, check_style),
        )
        for name, write in table.items()
        if is_seen_without_a_run(name)
    ],
)
def test_it_is_refused_before_a_runtime_sees_it(
    write: hostile.Write, check: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "s"
    write(path)
    with pytest.raises(PmsganError) as caught:
        check(path)
    text = str(caught.value)
    assert "\n" not in text
    assert len(text) < SHOWN


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the graphs that are opened in a child process, which stands in."""
    names: list[str] = []

    def call(function: object, path: Path, runtime: str, timeout_s: float) -> None:
        assert function is trial.open_in_bounds
        names.append(f"{path.name} {runtime}")
        if path.parent.name == "hostile":
            raise ChildError("it takes too much memory")

    monkeypatch.setattr(trial, "call_in_child", call)
    return names


def test_a_graph_that_is_new_here_is_opened_in_a_child_process_once(
    tried: list[str], tmp_path: Path, style: Style
) -> None:
    hostile.write_style(tmp_path / "new", as_deployment(model()))
    for _ in range(2):
        open_engine(tmp_path / "new", size=(64, 64), backend="openvino").close()
    assert tried == ["generator.onnx openvino", "generator_fp32.onnx onnxruntime"]
    open_engine(style, backend="openvino").close()  # pmsgan has made it
    open_engine("anime", backend="openvino").close()  # it ships
    assert len(tried) == 2
    hostile.write_style(tmp_path / "hostile", MODELS["a hidden huge Tile"]())
    for _ in range(2):
        with pytest.raises(EngineError, match=r"hostile/generator.onnx cannot be opened: it takes"):
            open_engine(tmp_path / "hostile", size=(64, 64), backend="openvino")
    with pytest.raises(EngineError, match="cannot be opened"):
        export_triton(str(tmp_path / "hostile"), tmp_path / "models", backend="openvino")


@pytest.mark.parametrize("name", ["a hidden huge ConstantOfShape", "a huge MaxUnpool"])
@pytest.mark.parametrize("runtime", ["openvino", "onnxruntime"])
def test_opening_a_graph_is_bounded(name: str, runtime: trial.Runtime, tmp_path: Path) -> None:
    hostile.STYLES[f"a graph with {name}"](tmp_path / "s")
    with pytest.raises((EngineError, MemoryError)):
        trial.open_in_bounds(tmp_path / "s" / "generator.onnx", runtime)


_MEASURING = """
import json, resource, subprocess, sys
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([done.returncode, done.stderr, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""


class Measured(NamedTuple):
    """A command that has ended."""

    exit_code: int
    stderr: str
    seconds: float
    """Computing time of all its processes together."""
    largest_kib: int
    """Memory of the largest of its processes, at its peak."""


def run_measured(command: str, path: Path) -> Measured:
    """Run `styles import` or `styles add`; nothing of it is known from before."""
    home = path.parent / "home"
    more = {"XDG_DATA_HOME": str(home / "data"), "XDG_CACHE_HOME": str(home / "cache")}
    words = [
        sys.executable,
        "-m",
        "pmsgan",
        "styles",
        command,
        str(path),
        "--name",
        f"new-{command}",
    ]
    done = subprocess.run(
        [sys.executable, "-c", _MEASURING, *words],
        env=os.environ | more, stdout=subprocess.PIPE, check=True,
    )  # fmt: skip
    return Measured(*json.loads(done.stdout))


@pytest.fixture(scope="module")
def honest_kib(tmp_path_factory: pytest.TempPathFactory) -> dict[str, int]:
    """Memory that the commands take for an honest file and style."""
    folder = tmp_path_factory.mktemp("honest")
    (folder / "import").write_bytes(honest().SerializeToString())
    hostile.write_style(folder / "add", as_deployment(honest()))
    measured = {command: run_measured(command, folder / command) for command in ("import", "add")}
    assert [it.exit_code for it in measured.values()] == [0, 0], measured
    return {command: it.largest_kib for command, it in measured.items()}


def size_of(path: Path) -> int:
    """Return the size of a file, or of a style's graph; 0 if it is none, or too large to read."""
    path = path / "generator.onnx" if path.is_dir() else path
    size = path.stat().st_size if path.is_file() else 0
    return size if size < 2**27 else 0


@pytest.mark.soak
@pytest.mark.parametrize(
    ("command", "write"),
    [
        pytest.param(command, write, id=f"{command}: {name}")
        for command, table in (("import", hostile.FILES), ("add", hostile.STYLES))
        for name, write in table.items()
        if not (command == "add" and name in hostile.HARMLESS_AS_STYLE)
    ],
)
def test_it_is_refused_in_one_line_and_in_bounds(
    command: str, write: hostile.Write, tmp_path: Path, honest_kib: dict[str, int]
) -> None:
    write(tmp_path / "s")
    found = run_measured(command, tmp_path / "s")
    assert found.exit_code in (2, 3), found.stderr
    before, *lines = found.stderr.splitlines()
    assert len(lines) == (0 if before.startswith("error: ") else 1), found.stderr
    assert "Traceback" not in found.stderr
    assert "\x1b" not in found.stderr
    assert found.seconds < MAX_CPU_S
    copies = trial.COPIES * size_of(tmp_path / "s")
    assert found.largest_kib < honest_kib[command] + MAX_GROWTH_KIB + copies / 1024


@pytest.mark.soak
@pytest.mark.parametrize("command", ["import", "add", "convert"])
def test_ctrl_c_ends_a_command_that_opens_a_graph_without_end(
    command: str, tmp_path: Path, in_dir: Path
) -> None:
    """The graph takes 3 s of computing time before it is refused."""
    name = (
        "100 MiB of constants made of a few bytes, in steps"
        if command == "import"
        else "products of constants without end"
    )
    path = tmp_path / "s"
    write = hostile.FILES[name] if command == "import" else hostile.STYLES[f"a graph with {name}"]
    write(path)
    words = {
        "import": ["styles", "import", path, "--name", tmp_path / "new"],
        "add": ["styles", "add", path],
        "convert": ["convert", in_dir, tmp_path / "out", "--style", path],
    }[command]
    process = subprocess.Popen(
        [sys.executable, "-m", "pmsgan", *map(str, words)],
        stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert process.stderr is not None
    for line in process.stderr:
        if "running" in line or "test-opening" in line:
            break
    time.sleep(1.0)  # until the child is in native code
    os.killpg(process.pid, signal.SIGINT)
    start = time.monotonic()
    _, told = process.communicate(timeout=60)
    assert time.monotonic() - start < 1.0
    assert process.returncode == 130
    assert told.splitlines()[-1] == "interrupted"
