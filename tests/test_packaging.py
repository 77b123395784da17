"""The sdist and the wheel hold what they should, and nothing else; the sdist tests itself."""

import email
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import pmsgan

ROOT = Path(__file__).parents[1]
QUICK = [
    "tests/test_counts.py",
    "tests/test_docs.py",
    "tests/test_resize.py",
    "tests/test_makefile.py::test_the_demo_installs_no_torch_and_the_comparison_does",
]
"""Quick tests of the code and of the files beside it."""


def tracked(*folders: str) -> set[str]:
    return set(
        subprocess.run(
            ["git", "ls-files", *folders], cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout.splitlines()
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout to know which files belong to the project")
    folder = tmp_path_factory.mktemp("built")
    source = folder / "source"
    subprocess.run(["git", "clone", "--quiet", ROOT, source], check=True)
    build = [sys.executable, "-m", "build", "--outdir", folder, source]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (path,) = built.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def sdist(built: Path) -> Path:
    """The sdist's folder, unpacked."""
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as archive:
        archive.extractall(built, filter="data")
    return built / path.name.removesuffix(".tar.gz")


def test_all_files_name_one_version() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.findall(r"(?m)^version: (.*)$", citation) == [pmsgan.__version__]
    assert re.findall(r"(?m)^## ([\d.]+)", changelog)[0] == pmsgan.__version__


def test_every_module_is_in_the_wheel_under_pmsgan(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    expected = {
        name if name.startswith("pmsgan/") else f"pmsgan/{name}"
        for name in tracked("pmsgan", "batch", "engine", "export")
    }
    assert {name for name in names if ".dist-info/" not in name} == expected
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_files_that_docker_sees_build_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    everything, *kept, caches = (ROOT / ".dockerignore").read_text().split()
    assert (everything, caches) == ("*", "**/__pycache__")
    context = tmp_path / "context"
    for name in tracked(*(it.removeprefix("!") for it in kept)):
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, context / name)
    build = [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, context]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (rebuilt,) = tmp_path.glob("*.whl")
    assert set(zipfile.ZipFile(rebuilt).namelist()) == set(zipfile.ZipFile(wheel).namelist())


def test_the_description_links_to_the_files_of_its_version(wheel: Path) -> None:
    (name,) = (it for it in zipfile.ZipFile(wheel).namelist() if it.endswith("/METADATA"))
    metadata = email.message_from_bytes(zipfile.ZipFile(wheel).read(name))
    assert metadata["Description-Content-Type"] == "text/markdown"
    (source,) = (it for it in metadata.get_all("Project-URL", []) if it.startswith("Source, "))
    repository = source.removeprefix("Source, https://github.com/")
    pages = f"https://github.com/{repository}/blob/v{pmsgan.__version__}/"
    pictures = f"https://raw.githubusercontent.com/{repository}/v{pmsgan.__version__}/"
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    relative = re.findall(r"(!?)\[[^]]*\]\((.*?)\)", readme)
    absolute = re.findall(r"\]\((.*?)\)", metadata.get_payload())
    assert len(relative) > 20
    assert absolute == [(pictures if mark else pages) + link for mark, link in relative]
    for _, link in relative:
        assert (ROOT / link.partition("#")[0]).is_file(), link


def test_every_file_is_in_the_sdist(sdist: Path) -> None:
    inside = {path.relative_to(sdist).as_posix() for path in sdist.rglob("*") if path.is_file()}
    added = {name for name in inside if name.startswith("pmsgan.egg-info/")}
    left_out = {name for name in tracked() if name.startswith(".ci/")}
    assert inside - added == (tracked() - left_out) | {"PKG-INFO", "setup.cfg"}


def test_the_sdist_tests_itself(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", tmp_path]
    subprocess.run([*install, wheel], check=True)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *QUICK],
        cwd=sdist, env=os.environ | {"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
