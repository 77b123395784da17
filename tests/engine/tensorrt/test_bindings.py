"""The stand-in for TensorRT has the signatures of the real one, from the oldest to the newest.

What runs on the stand-in, which has nothing beyond what the code uses, finds each member and each
parameter in the real bindings. They are imported over stub libraries: `make .venv/bindings`.
"""

import enum
import inspect
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from pmsgan.engine.tensorrt.product import PRODUCTS

HERE = Path(__file__).parent
BINDINGS = Path(sys.prefix) / "tensorrt-bindings"
MAKEFILE = HERE.parents[2] / "Makefile"
WHEELS = re.findall(r"\S+_bindings==[\d.]+", MAKEFILE.read_text(encoding="utf-8"))


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def stub_libraries(extension: Path, folder: Path) -> list[str]:
    """Compile a library for each one that the bindings need; their functions return null."""
    needed = re.findall(r"\[(lib(?:nv|tensorrt)\S+)\]", output("readelf", "-d", str(extension)))
    undefined = output("nm", "-D", "-u", str(extension))
    source = folder / "stub.c"
    source.write_text(
        "".join(
            f"void *{name}(void) {{ return 0; }}\n"
            for name in re.findall(r"\bU ((?:create|get|initLib)\w+)\n", undefined)
        )
    )
    first, *others = [str(folder / name) for name in needed]
    output("cc", "-shared", "-fPIC", f"-Wl,-soname,{needed[0]}", str(source), "-o", first)
    source.write_text("")
    for name, path in zip(needed[1:], others, strict=True):
        output("cc", "-shared", "-fPIC", f"-Wl,-soname,{name}", str(source), "-o", path)
    return [first, *others]


@pytest.fixture(scope="module", params=WHEELS)
def bindings(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The description of one version of one product."""
    folder = BINDINGS / request.param
    extension = next(folder.glob("*_bindings/tensorrt*.so"), None)
    if extension is None:
        pytest.skip(f"{request.param} is not here: make .venv/bindings")
    if shutil.which("cc") is None or shutil.which("readelf") is None:
        pytest.skip("no C compiler is installed")
    libraries = stub_libraries(extension, tmp_path_factory.mktemp("stubs"))
    script = str(HERE / "standin/describe.py")
    found = json.loads(output(sys.executable, script, str(folder), *libraries))
    return found | {"is_rtx": "_rtx_" in request.param}


@pytest.fixture
def api(bindings: Any, standin: ModuleType) -> SimpleNamespace:
    """The stand-in for that product; there is no driver, as nothing is run."""
    return standin.make_api(None, is_rtx=bindings["is_rtx"])  # type: ignore[no-any-return]


def own_members(kind: type) -> dict[str, Any]:
    """Return the public members of a class of the stand-in."""
    return {name: value for name, value in vars(kind).items() if not name.startswith("_")}


def overloads(docstring: str, name: str) -> list[list[str]]:
    """Return the parameters of each signature in a docstring of pybind11, without self."""
    lines = re.findall(rf"^(?:\d+\. )?{name}\((self: .*)\) ->", docstring, re.MULTILINE)
    return [re.findall(r"(?:^|, )(\w+): ", line)[1:] for line in lines]


def test_the_oldest_and_the_newest_of_both_products_are_compared() -> None:
    assert len(set(WHEELS)) == 4
    least = {product.module: product.least_version for product in PRODUCTS.values()}
    for module, (major, minor) in least.items():
        assert any(it.startswith(f"{module}_cu12_bindings=={major}.{minor}.") for it in WHEELS)


def test_the_real_classes_have_the_members_of_the_stand_in(
    bindings: Any, api: SimpleNamespace
) -> None:
    for kind in api.classes:
        real = bindings["classes"][kind.__name__]
        missing = own_members(kind).keys() - real.keys()
        assert not missing, f"{kind.__name__} of {bindings['version']} has no {missing}"


def test_the_real_calls_take_the_parameters_of_the_stand_in(
    bindings: Any, api: SimpleNamespace
) -> None:
    num_compared = 0
    for kind in api.classes:
        if issubclass(kind, enum.Enum):
            continue
        methods = {name: it for name, it in own_members(kind).items() if inspect.isfunction(it)}
        if kind.__name__ in ("Builder", "Runtime", "OnnxParser"):
            methods["__init__"] = kind.__init__
        for name, method in methods.items():
            ours = [
                it.name
                for it in inspect.signature(method).parameters.values()
                if it.kind is not it.VAR_POSITIONAL
            ][1:]
            real = overloads(bindings["classes"][kind.__name__][name], name)
            assert any(its[: len(ours)] == ours for its in real), (
                f"{kind.__name__}.{name} of {bindings['version']} takes {real}, not {ours}"
            )
            num_compared += 1
    assert num_compared >= 25


def test_the_real_classes_cannot_be_made_in_the_way_the_stand_in_shows(bindings: Any) -> None:
    assert bindings["refusal"] == "pybind11::init(): factory function returned nullptr"
