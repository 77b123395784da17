from dataclasses import fields

import typer.main

from pmsgan.cli.app import app
from pmsgan.model.config import WITHOUT_OPTION, GeneratorConfig, UNetConfig, network_table
from pmsgan.training.config import TrainingConfig
from pmsgan.training.differences import as_typed, name_differences, option_of


def test_each_setting_has_the_option_that_messages_name() -> None:
    command = typer.main.get_command(app).commands["train"]  # type: ignore[attr-defined]
    known = {it.name: it.opts[0] for it in command.params if it.param_type_name == "option"}
    names = {it.name for config in (TrainingConfig, GeneratorConfig) for it in fields(config)}
    assert names - known.keys() == set(WITHOUT_OPTION)
    assert {name: option_of(name) for name in names & known.keys()} == {
        name: option for name, option in known.items() if name in names
    }


def test_settings_are_told_as_a_user_types_them() -> None:
    assert as_typed("initial_weights", "paper") == "--init paper"
    assert as_typed("compile", False) == "--no-compile"
    assert as_typed("betas", [0.5, 0.99]) == "--betas 0.5 0.99"
    assert as_typed("num_growth_layers", 2) == "num_growth_layers 2"


def test_each_setting_that_differs_is_named() -> None:
    theirs = network_table(GeneratorConfig(fold=2, base_channels=8))
    ours = network_table(GeneratorConfig(ablation="eff", base_channels=8))
    assert name_differences(theirs, ours) == "--fold 2, not 1 and --ablation full, not eff"
    peer = network_table(UNetConfig())
    assert name_differences(peer, ours) == "--network pix2pix, not pmsgan"
    assert name_differences(ours, ours) == ""
