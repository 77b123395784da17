"""Settings in which two runs differ, as a user types them."""

from collections.abc import Mapping
from typing import Any

from pmsgan.model.config import WITHOUT_OPTION
from pmsgan.training.config import RENAMED_OPTIONS


def name_differences(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> str:
    """Return the settings that differ, such as `--fold 2, not 1`; empty if none do.

    Settings of two kinds of network have nothing in common but the network's name.

    Args:
        theirs: settings of a style or of an earlier run, as JSON has them.
        ours: the same settings as this run asks for.
    """
    names = [name for name in ours if theirs.get(name) != ours[name]]
    if "network" in names:
        names = ["network"]
    return " and ".join(
        f"{as_typed(name, theirs.get(name))}, not "
        f"{as_typed(name, ours[name]).removeprefix(f'{option_of(name)} ')}"
        for name in names
    )


def as_typed(name: str, value: Any) -> str:
    """Return a setting as a user types it, such as `--learning-rate 0.1` or `--no-flip`."""
    option = option_of(name)
    if isinstance(value, bool):
        return option if value else option.replace("--", "--no-", 1)
    return f"{option} {' '.join(map(str, value)) if isinstance(value, list | tuple) else value}"


def option_of(name: str) -> str:
    """Return the option of a setting; a setting that has none keeps its name."""
    if name in WITHOUT_OPTION:
        return name
    return RENAMED_OPTIONS.get(name, f"--{name.replace('_', '-')}")
