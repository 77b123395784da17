"""Install hints name what pip can install from where the user is."""

import importlib.metadata
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest

from pmsgan.install import install_command, pip_install

REQUIREMENTS = (
    "Requires-Dist: numpy>=1.26\n"
    'Requires-Dist: torch>=2.7; extra == "train"\n'
    'Requires-Dist: ray[data]>=2.40; extra == "cluster"\n'
)
WHEEL = "pmsgan-0.1.0-py3-none-any.whl"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that holds a checkout and a wheel; nothing is installed."""

    def absent(name: str) -> importlib.metadata.Distribution:
        raise importlib.metadata.PackageNotFoundError(name)

    (tmp_path / "my checkout").mkdir()
    (tmp_path / WHEEL).touch()
    monkeypatch.setattr(importlib.metadata, "distribution", absent)
    monkeypatch.setattr(shutil, "which", lambda name: str(Path(sys.executable).with_name(name)))
    return tmp_path


def install_from(
    origin: dict[str, Any] | None, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let pmsgan be installed as pip leaves it, with `origin` in direct_url.json."""
    folder = place / "pmsgan-0.1.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text(f"Name: pmsgan\nVersion: 0.1.0\n{REQUIREMENTS}")
    if origin is not None:
        (folder / "direct_url.json").write_text(json.dumps(origin))
    installed = importlib.metadata.PathDistribution(folder)
    monkeypatch.setattr(importlib.metadata, "distribution", lambda name: installed)


@pytest.mark.parametrize(("editable", "option"), [(True, "--editable "), (False, "")])
def test_a_checkout_is_named_from_inside_and_from_elsewhere(
    place: Path, monkeypatch: pytest.MonkeyPatch, editable: bool, option: str
) -> None:
    checkout = place / "my checkout"
    origin = {"url": checkout.as_uri(), "dir_info": {"editable": True} if editable else {}}
    install_from(origin, place, monkeypatch)
    assert install_command("train") == f"pip install {option}'{checkout}[train]'"
    monkeypatch.chdir(checkout)
    assert install_command("train") == f"pip install {option}'.[train]'"


def test_a_wheel_and_a_repository_are_named(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install_from({"url": (place / WHEEL).as_uri(), "archive_info": {}}, place, monkeypatch)
    assert install_command("train") == f"pip install '{place / WHEEL}[train]'"
    (place / WHEEL).unlink()  # pip has no other source then, and the packages are on an index
    assert install_command("train") == "pip install 'torch>=2.7'"


@pytest.mark.parametrize(
    ("origin", "command"),
    [
        (
            {"url": f"https://example.org/{WHEEL}", "archive_info": {}},
            f"pip install 'pmsgan[train] @ https://example.org/{WHEEL}'",
        ),
        (
            {
                "url": "https://example.org/pmsgan.git",
                "vcs_info": {"vcs": "git", "commit_id": "abc123"},
            },
            "pip install 'pmsgan[train] @ git+https://example.org/pmsgan.git@abc123'",
        ),
        (None, "pip install 'torch>=2.7'"),
    ],
)
def test_an_address_is_named(
    place: Path, monkeypatch: pytest.MonkeyPatch, origin: dict[str, Any] | None, command: str
) -> None:
    install_from(origin, place, monkeypatch)
    assert install_command("train") == command


def test_an_extra_of_an_extra_keeps_its_brackets(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_from(None, place, monkeypatch)
    assert install_command("cluster") == "pip install 'ray[data]>=2.40'"


def test_without_an_installation_the_checkout_is_the_way(place: Path) -> None:
    assert install_command("train") == "pip install '.[train]' in a checkout of pmsgan"


@pytest.mark.parametrize("pip", [None, "/usr/bin/pip"])
def test_the_python_is_named_where_pip_is_that_of_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, pip: str | None
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: pip)
    monkeypatch.setattr(sys, "executable", str(tmp_path / ".venv" / "bin" / "python"))
    command = "-m pip install 'ray[data]'"
    assert pip_install(["ray[data]"]) == f"{tmp_path}/.venv/bin/python {command}"
    monkeypatch.chdir(tmp_path)
    assert pip_install(["ray[data]"]) == f".venv/bin/python {command}"
