"""Converting needs no torch, and the floors keep their order."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {"pmsgan.batch": "batch", "pmsgan.engine": "engine", "pmsgan.export": "export"}
"""Packages that lie beside pmsgan/, see package-dir in pyproject.toml."""

BASE = {
    "pmsgan.errors", "pmsgan.atomic", "pmsgan.bar", "pmsgan.bounds", "pmsgan.child",
    "pmsgan.counts", "pmsgan.directory", "pmsgan.display", "pmsgan.formats", "pmsgan.html_page",
    "pmsgan.install", "pmsgan.interrupt", "pmsgan.regular_file", "pmsgan.resize",
    "pmsgan.safe_path", "pmsgan.spread",
    "pmsgan.terminal",
}  # fmt: skip
"""Loose modules: everybody may import them, and they import nothing but each other."""

STYLES = {"pmsgan.styles", "pmsgan.model.config"}
ENGINE = {"pmsgan.engine"} | STYLES
TRAINING = {"pmsgan.training", "pmsgan.model", "pmsgan.data", "pmsgan.export"} | ENGINE

ALLOWED = {
    "pmsgan.styles": STYLES,
    "pmsgan.model": {"pmsgan.model"},
    "pmsgan.data": {
        "pmsgan.data",
        "pmsgan.batch.files.local",
        "pmsgan.batch.pictures",
        "pmsgan.batch.settings",
    },
    "pmsgan.engine": ENGINE | {"pmsgan.model"},
    "pmsgan.export": {"pmsgan.export", "pmsgan.model"} | ENGINE,
    "pmsgan.batch": {"pmsgan.batch"} | ENGINE,
    "pmsgan.training": TRAINING,
    "pmsgan.evaluation": {"pmsgan.evaluation", "pmsgan.batch"} | TRAINING,
    "pmsgan.benchmark": {"pmsgan.benchmark", "pmsgan.batch", "pmsgan.export", "pmsgan.model"}
    | ENGINE,
    "pmsgan.serve": {"pmsgan.serve", "pmsgan.batch"} | ENGINE,
    "pmsgan.cli": {"pmsgan"},
}
"""Packages and modules, with all below them, that each package may import."""

BATCH_FLOORS = [
    {"job", "settings"},
    {"progress", "timing", "pictures", "files", "palette_check"},
    {"translated"},
    {"translator"},
    {"plan", "ring"},
    {"ledger"},
    {"readers", "writers"},
    {"pipeline"},
    {"comparison"},
    {"report"},
    {"conversion", "calibrate"},
    {"run"},
    {"convert", "cluster"},
]
"""Rooms and modules of batch; each imports from floors below its own, and `files` from no
neighbour, nor `pictures`. `convert` imports `cluster` inside `convert_folder` alone."""


def python(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def files_of(package: str) -> list[Path]:
    """Return the modules of a package and of all packages below it."""
    folder = ROOT / FOLDERS.get(package, package.replace(".", "/"))
    return sorted(folder.rglob("*.py"))


def imported_by(tree: ast.AST) -> set[str]:
    """Return the modules that are imported, wherever in the code."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    return names


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def is_within(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def rooms_of_batch(names: set[str]) -> set[str]:
    return {name.split(".")[2] for name in names if name.startswith("pmsgan.batch.")}


def test_every_package_has_its_floor() -> None:
    packages = {
        f"pmsgan.{path.parent.name}"
        for folder in ("pmsgan", "")
        for path in (ROOT / folder).glob("*/__init__.py")
        if path.parent.name not in ("pmsgan", "tests")
    }
    assert packages == ALLOWED.keys()
    modules = {f"pmsgan.{path.stem}" for path in (ROOT / "pmsgan").glob("[!_]*.py")}
    assert modules == BASE
    rooms = {path.stem for path in (ROOT / "batch").glob("[!_]*")}
    assert rooms == set().union(*BATCH_FLOORS)


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_go_one_way(package: str) -> None:
    for path in files_of(package):
        for name in imported_by(parsed(path)):
            if name.startswith("pmsgan."):
                assert is_within(name, ALLOWED[package] | BASE), f"{path} imports {name}"


def test_loose_modules_import_each_other_alone() -> None:
    for module in BASE:
        for name in imported_by(parsed(ROOT / f"{module.replace('.', '/')}.py")):
            assert not name.startswith("pmsgan.") or is_within(name, BASE), f"{module}: {name}"


@pytest.mark.parametrize("floor", range(len(BATCH_FLOORS)))
def test_the_rooms_of_batch_are_built_on_each_other(floor: int) -> None:
    below = set().union(*BATCH_FLOORS[:floor])
    for room in BATCH_FLOORS[floor]:
        files = sorted((ROOT / "batch" / room).glob("*.py")) or [ROOT / "batch" / f"{room}.py"]
        for path in files:
            others = rooms_of_batch(imported_by(parsed(path))) - {room}
            if room == "convert":
                others.discard("cluster")
            assert others <= below, f"{path} imports {others - below}"


def test_a_cluster_is_imported_in_one_place() -> None:
    for path in files_of("pmsgan.batch"):
        if path.parent.name == "cluster":
            continue
        tree = parsed(path)
        inside = {
            name
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef) and function.name == "convert_folder"
            for name in imported_by(function)
        }
        clusters = {name for name in imported_by(tree) if "pmsgan.batch.cluster" in name}
        if path == ROOT / "batch" / "convert.py":
            assert clusters == {"pmsgan.batch.cluster.run"} <= inside
        else:
            assert not clusters, f"{path} imports {clusters}"


@pytest.mark.parametrize("package", ["pmsgan.batch", "pmsgan.engine", "pmsgan.styles"])
def test_converting_imports_no_torch(package: str) -> None:
    for path in files_of(package):
        if path.name != "eager.py":
            heavy = {name.split(".")[0] for name in imported_by(parsed(path))}
            assert not heavy & {"torch", "safetensors"}, f"{path} imports {heavy}"


def test_batch_and_engine_work_where_torch_is_absent() -> None:
    python(
        "import sys\n"
        "sys.modules['torch'] = None\n"  # importing it now raises ImportError
        "import pmsgan.batch, pmsgan.engine, pmsgan.batch.convert, pmsgan.engine.openvino\n"
        "import pmsgan.engine.open, pmsgan.styles.registry\n"
    )


def test_a_run_on_this_machine_loads_no_ray_no_fsspec_and_no_server() -> None:
    loaded = python(
        "import sys\n"
        "import pmsgan.batch.convert\n"
        "others = {'ray', 'fsspec', 'pmsgan.batch.cluster', 'fastapi', 'uvicorn'}\n"
        "print(sorted(others & set(sys.modules)))\n"
    )
    assert loaded.strip() == "[]"


def test_the_command_line_starts_without_heavy_packages() -> None:
    loaded = python(
        "import sys\n"
        "import pmsgan.cli.app\n"
        "heavy = {'torch', 'numpy', 'cv2', 'onnx', 'openvino', 'tqdm', 'safetensors',\n"
        "         'fastapi', 'starlette', 'uvicorn', 'prometheus_client'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    assert loaded.strip() == "[]"
