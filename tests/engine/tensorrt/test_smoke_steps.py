"""The steps of tools/gpu_smoke.py that need a card, on the stand-ins."""

import importlib
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

TOOLS = Path(__file__).parents[3] / "tools"


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(TOOLS))
    return importlib.import_module("gpu_steps.engines")


def test_copies_to_the_card_are_compared_and_timed(
    engines: ModuleType, driver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "COPY_BYTES", 1 << 20)
    told = engines.copy_to_card()
    assert told["copies_are_right"]
    assert told["name"] == driver.name
    assert told["to_card_gb_per_s"] > 0


def test_an_engine_is_measured_and_its_layers_are_shown(
    engines: ModuleType, tensorrt: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_module = importlib.import_module("pmsgan.engine.open")
    monkeypatch.setattr(open_module.importlib.util, "find_spec", lambda name: name)
    told = engines.translate("tensorrt", 2)
    assert len(told["pictures_per_s"]) == 3
    assert "max_batch=2" in told["engine"]
    assert "build_s=" in told["costs"]
    assert engines.time_layers("tensorrt")[0].startswith("3 layers take 3.500 ms")


def test_a_plan_for_a_named_target_is_built_and_run(
    engines: ModuleType, rtx: SimpleNamespace
) -> None:
    told = engines.run_plan_for("8.9")
    assert rtx.capability.name == "SM89"
    assert told["bytes"] > 0
    assert len(told["pictures_per_s"]) == 3
