"""`pmsgan train`."""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pmsgan.cli.boundary import ExitCode, one_line_errors
from pmsgan.cli.json_option import to_json
from pmsgan.cli.needs import need_torch
from pmsgan.cli.options import config_options
from pmsgan.cli.terminal import show, tell
from pmsgan.data.config import DEFAULT_DIRECTION, PRESETS, PresetName
from pmsgan.errors import ConfigError, PmsganError
from pmsgan.model.config import (
    NETWORKS,
    GeneratorConfig,
    NetworkConfig,
    NetworkName,
    UNetConfig,
    network_name,
    network_table,
)
from pmsgan.training.config import NETWORK_SETTINGS, TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pmsgan.data.pairs import Pair
    from pmsgan.training.style import TrainingResult


def _use_preset(context: typer.Context, preset: PresetName | None) -> PresetName | None:
    """Take the defaults of other options from the preset."""
    if preset is not None:
        _set_defaults(context, PRESETS[preset].settings)
    return preset


def _use_network(context: typer.Context, network: NetworkName) -> NetworkName:
    """Take the defaults of other options from the network."""
    _set_defaults(context, NETWORK_SETTINGS[network])
    _set_defaults(context, {"base_channels": NETWORKS[network]().base_channels})
    return network


def _set_defaults(context: typer.Context, settings: "Mapping[str, Any]") -> None:
    context.default_map = {**(context.default_map or {}), **settings}


PairsFolder = Annotated[
    Path,
    typer.Argument(
        help="Folder of side-by-side pictures, or of two folders of pictures; also in sub-folders."
    ),
]
StyleName = Annotated[
    str | None,
    typer.Option(help="Name of the style to make when training is done; one of yours is replaced."),
]
RunFolder = Annotated[Path, typer.Option(help="Run folder: config, checkpoint, samples.")]
PresetOption = Annotated[
    PresetName | None,
    typer.Option(
        is_eager=True,  # the defaults of other options come from it
        callback=_use_preset,
        help="A data set of the paper: sets size and direction, and checks that the set is whole.",
    ),
]
NetworkOption = Annotated[
    NetworkName,
    typer.Option(
        is_eager=True,
        callback=_use_network,
        help="Network to train; pix2pix is a peer, with the losses and settings of its own paper.",
    ),
]
TrainList = Annotated[
    Path | None,
    typer.Option(
        help="File that names the pairs to train on, one on each line; also photo||sketch||... .",
        show_default="those of a folder train",
    ),
]
SplitOption = Annotated[
    str | None,
    typer.Option(
        help="Pairs to hold out: random:SEED as many as is usual, at random; all: train on all.",
        show_default="those of a folder test, or 1 in 20, at most 200",
    ),
]
InitialStyle = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="STYLE",
        help="Begin with the weights and network of this style, to adapt it with a few pairs.",
    ),
]
VggWeights = Annotated[
    Path | None,
    typer.Option(
        help="File with VGG-19's ImageNet weights.", show_default="that in torch hub's cache"
    ),
]


@one_line_errors
@config_options(
    omit=(
        "num_residual_blocks",
        "num_growth_layers",
        "growth_divisor",
        "branch_divisor",
        "dilations",
        "attention_reduction",
        "output",
    ),
    rename={"num_readers": "--readers", "initial_weights": "--init", "num_threads": "--threads"},
    flags=("compile",),
    show_default={
        "base_channels": " or ".join(f"{it().base_channels}" for it in NETWORKS.values()),
        "size": f"the preset's, or {TrainingConfig().size}",
        "direction": f"the preset's, or {DEFAULT_DIRECTION}",
    },
)
def train(
    data: PairsFolder,
    style: StyleName = None,
    out: RunFolder = Path("run"),
    preset: PresetOption = None,
    network: NetworkOption = "pmsgan",
    train_list: TrainList = None,
    split: SplitOption = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Check all that could stop the run, print the settings, and end."
        ),
    ] = False,
    resume: Annotated[bool, typer.Option(help="Resume from the checkpoint in --out.")] = False,
    initial_style: InitialStyle = None,
    best: Annotated[
        bool,
        typer.Option(
            "--best", help="Make the style of the step that came nearest to the held-out pairs."
        ),
    ] = False,
    vgg_weights: VggWeights = None,
    *,
    training: TrainingConfig,
    generator: GeneratorConfig,
) -> None:
    """Train a style from pairs of pictures.

    Ctrl-C saves a checkpoint after the current step; --resume continues from it. For several
    machines start this command on each with torchrun or Slurm.
    Needs torch, which the extra train brings.
    """
    need_torch("train")
    config = _network_config(network, generator)
    wanted: NetworkConfig | None = config
    if initial_style is not None:
        _check_initial(initial_style, network)
        wanted = None if config == NETWORKS[network]() else config
    from pmsgan.training.style import check_training, plan_training, train_style

    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    if dry_run:
        plan = plan_training(
            data,
            training,
            wanted,
            style=style,
            preset=preset,
            train_list=train_list,
            split=split,
            initial_style=initial_style,
        )
        check_training(plan, out, resume=resume, best=best, vgg_weights=vgg_weights)
        if plan.leads:
            settings = {"generator": network_table(plan.network), "training": asdict(plan.config)}
            show(to_json(settings))
        return
    result = train_style(
        data,
        training,
        wanted,
        run_folder=out,
        style=style,
        preset=preset,
        train_list=train_list,
        split=split,
        resume=resume,
        initial_style=initial_style,
        best=best,
        vgg_weights=vgg_weights,
    )
    if result.leads:  # the other processes of a run keep quiet
        _report(result, out, style)


def _network_config(network: NetworkName, generator: GeneratorConfig) -> NetworkConfig:
    """Return the settings of the network; those of pmsgan are no settings of others."""
    if network == "pmsgan":
        return generator
    usual = asdict(GeneratorConfig(base_channels=generator.base_channels))
    changed = [name for name, value in asdict(generator).items() if value != usual[name]]
    if changed:
        raise ConfigError(f"--{changed[0]} is a setting of pmsgan: leave it out, or --network")
    return UNetConfig(base_channels=generator.base_channels)


def _check_initial(style: str, network: NetworkName) -> None:
    """Raise ConfigError if a style to begin with is of another network."""
    from pmsgan.styles.registry import find_style

    found = network_name(find_style(style).generator)
    if found != network:
        raise ConfigError(f"the style {style} is of the network {found}: give --network {found}")


def _report(result: "TrainingResult", out: Path, style: str | None) -> None:
    """Print how a training ended and what to do next."""
    if not result.is_complete:
        tell(
            f"saved after step {result.num_steps} in {out}; "
            "resume with the same command and --resume"
        )
        raise typer.Exit(ExitCode.INTERRUPTED)
    if result.style is None:
        show(f"done: {out / 'checkpoint.pt'}; make a style of it with --resume --style NAME")
    else:
        folder = result.style.path.parent
        show(f"style {folder.name} in {folder} ({result.style.accuracy})")
        _measure_scaling(folder, result.held_out)
        show(f"next: pmsgan convert IN OUT --style {style}")


def _measure_scaling(folder: Path, held_out: "Sequence[Pair]") -> None:
    """Measure how results best get their size; a failure must not cost a finished training."""
    from pmsgan.evaluation.style_measurement import measure_trained

    try:
        measured = measure_trained(folder, held_out)
    except PmsganError as error:
        tell(f"warning: how results best get their size was not measured: {error}")
        return
    if measured is not None:
        show(str(measured))
