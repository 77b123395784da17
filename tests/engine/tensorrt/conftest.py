"""The real pycuda, on a stand-in for the CUDA driver (see standin/driver.c)."""

import ctypes
import importlib.util
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from pmsgan.engine.gpu import count_gpus

HERE = Path(__file__).parent


class Driver:
    """The stand-in's own functions."""

    def __init__(self, path: Path) -> None:
        self._library = ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
        self._library.standin_num_live.restype = ctypes.c_long
        self._library.standin_num_violations.restype = ctypes.c_long
        self._library.standin_set_capacity.argtypes = [ctypes.c_size_t]
        self._library.standin_enqueue.argtypes = [ctypes.c_void_p, CALL, ctypes.c_void_p]

    def fail(self, name: str, *, after: int = 0, count: int = 1, code: int = 719) -> None:
        """Let calls of one function fail: 719 is a failed launch, 2 is out of memory."""
        self._library.standin_fail(name.encode(), after, count, code)

    def set_capacity(self, num_bytes: int) -> None:
        self._library.standin_set_capacity(num_bytes)

    def enqueue(self, stream: int, function: "ctypes._FuncPointer") -> None:
        self._library.standin_enqueue(stream, function, None)

    @property
    def num_live(self) -> int:
        return int(self._library.standin_num_live())

    @property
    def num_violations(self) -> int:
        return int(self._library.standin_num_violations())


CALL = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


def header_folder() -> Path | None:
    """Where cuda.h is."""
    spec = importlib.util.find_spec("nvidia")
    roots = (
        [Path(place) / "cu13" for place in (spec.submodule_search_locations or ())] if spec else []
    )
    roots.append(Path(os.environ.get("CUDA_HOME", "/usr/local/cuda")))
    return next((root / "include" for root in roots if (root / "include/cuda.h").exists()), None)


def missing() -> str | None:
    """What keeps these tests from running."""
    if importlib.util.find_spec("pycuda") is None:
        return "pycuda is not installed: make .venv/pycuda"
    if shutil.which("cc") is None or shutil.which("nm") is None:
        return "no C compiler is installed"
    if header_folder() is None:
        return "cuda.h is not installed: make .venv/pycuda"
    return None


def build_driver(folder: Path) -> Path:
    """Compile the stand-in; what pycuda's extension needs beyond it answers 801 and its name."""
    spec = importlib.util.find_spec("pycuda")
    assert spec is not None and spec.submodule_search_locations
    (extension,) = Path(spec.submodule_search_locations[0]).glob("_driver*.so")
    symbols = subprocess.run(
        ["nm", "-D", "-u", extension], check=True, capture_output=True, text=True
    ).stdout
    wanted = set(re.findall(r"\b(cu[A-Z]\w*)", symbols))
    wanted -= {name for name in wanted if name.startswith("cuda")}
    options = ["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-Wno-pointer-sign"]
    objects = folder / "driver.o"
    subprocess.run(
        [
            "cc",
            "-c",
            *options[1:],
            f"-I{header_folder()}",
            HERE / "standin/driver.c",
            "-o",
            objects,
        ],
        check=True,
    )
    defined = subprocess.run(["nm", objects], check=True, capture_output=True, text=True).stdout
    others = wanted - set(re.findall(r" T (\w+)", defined))
    source = folder / "others.c"
    source.write_text(
        "#include <stdio.h>\n"
        + "".join(
            f'int {name}(void) {{ fputs("the stand-in has no {name}\\n", stderr); return 801; }}\n'
            for name in sorted(others)
        )
    )
    library = folder / "libcuda.so.1"
    subprocess.run(
        ["cc", *options, "-Wl,-soname,libcuda.so.1", source, objects, "-o", library], check=True
    )
    return library


@pytest.fixture(scope="session")
def driver_library(tmp_path_factory: pytest.TempPathFactory) -> Driver:
    if (reason := missing()) is not None:
        if os.environ.get("PMSGAN_NEEDS_PYCUDA"):
            pytest.fail(reason)
        pytest.skip(reason)
    if count_gpus():
        pytest.skip("a real driver is here, and a process has one alone")
    return Driver(build_driver(tmp_path_factory.mktemp("driver")))


@pytest.fixture
def driver(driver_library: Driver) -> Iterator[Driver]:
    """The stand-in, without faults and with plenty of memory; all of it is given back."""
    driver_library.set_capacity(1 << 30)
    driver_library.fail("nothing", count=0)
    violations = driver_library.num_violations
    assert driver_library.num_live == 0
    yield driver_library
    assert driver_library.num_live == 0
    assert driver_library.num_violations == violations


@pytest.fixture
def api(driver: Driver) -> SimpleNamespace:
    """A stand-in for the module `tensorrt`, see `standin/tensorrt.py`."""
    path = HERE / "standin" / "tensorrt.py"
    spec = importlib.util.spec_from_file_location("standin_tensorrt", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.make_api(driver, CALL)  # type: ignore[no-any-return]
