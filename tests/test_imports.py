"""What imports what: converting needs no torch, and the floors keep their order."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = {
    "pmsgan.batch": "batch",
    "pmsgan.batch.cluster": "batch/cluster",
    "pmsgan.engine": "engine",
    "pmsgan.engine.tensorrt": "engine/tensorrt",
    "pmsgan.export": "export",
}

ALLOWED = {
    "pmsgan.batch": {"pmsgan.batch", "pmsgan.engine", "pmsgan.styles"},
    "pmsgan.batch.cluster": {"pmsgan.batch", "pmsgan.engine", "pmsgan.styles"},
    "pmsgan.engine": {"pmsgan.engine", "pmsgan.styles", "pmsgan.model"},
    "pmsgan.engine.tensorrt": {"pmsgan.engine", "pmsgan.styles", "pmsgan.model"},
    "pmsgan.export": {"pmsgan.export", "pmsgan.engine", "pmsgan.styles", "pmsgan.model"},
    "pmsgan.benchmark": {
        "pmsgan.benchmark",
        "pmsgan.batch",
        "pmsgan.engine",
        "pmsgan.export",
        "pmsgan.model",
        "pmsgan.styles",
    },
    "pmsgan.evaluation": {
        "pmsgan.evaluation",
        "pmsgan.data",
        "pmsgan.engine",
        "pmsgan.model",
        "pmsgan.styles",
        "pmsgan.training",
    },
    "pmsgan.training": {"pmsgan.training", "pmsgan.model", "pmsgan.data"},
    "pmsgan.data": {"pmsgan.data"},
    "pmsgan.model": {"pmsgan.model"},
    "pmsgan.styles": {"pmsgan.styles", "pmsgan.model"},
}
"""Which packages each package may import; everybody may import the modules of `pmsgan` itself."""


def python(code: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def files_of(package: str) -> list[Path]:
    folder = ROOT / FOLDERS.get(package, package.replace(".", "/"))
    return sorted(folder.glob("*.py"))


def imported_by(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    return names


@pytest.mark.parametrize("package", ALLOWED)
def test_imports_go_one_way(package: str) -> None:
    for path in files_of(package):
        for name in imported_by(path):
            parts = name.split(".")
            if parts[0] == "pmsgan" and len(parts) > 1 and (ROOT / "pmsgan" / parts[1]).is_dir():
                assert ".".join(parts[:2]) in ALLOWED[package], f"{path} imports {name}"
            if len(parts) > 1 and f"pmsgan.{parts[1]}" in FOLDERS:
                assert f"pmsgan.{parts[1]}" in ALLOWED[package], f"{path} imports {name}"


@pytest.mark.parametrize(
    "package", ["pmsgan.batch", "pmsgan.engine", "pmsgan.engine.tensorrt", "pmsgan.styles"]
)
def test_converting_imports_no_torch(package: str) -> None:
    for path in files_of(package):
        if path.name != "eager.py":
            heavy = {name.split(".")[0] for name in imported_by(path)} & {"torch", "safetensors"}
            assert not heavy, f"{path} imports {heavy}"


def test_batch_and_engine_work_where_torch_is_absent() -> None:
    python(
        "import sys\n"
        "sys.modules['torch'] = None\n"  # importing it now raises ImportError
        "import pmsgan.batch, pmsgan.engine, pmsgan.batch.convert, pmsgan.engine.openvino\n"
        "import pmsgan.engine.open, pmsgan.styles.registry\n"
    )


def test_the_command_line_starts_without_heavy_packages() -> None:
    loaded = python(
        "import sys\n"
        "import pmsgan.cli.app\n"
        "heavy = {'torch', 'numpy', 'cv2', 'onnx', 'openvino', 'tqdm', 'safetensors'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    assert loaded.strip() == "[]"
