"""`pmsgan train`."""

import contextlib
import logging
import shlex
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pmsgan.cli.boundary import ExitCode, one_line_errors
from pmsgan.cli.json_option import to_json
from pmsgan.cli.options import config_options
from pmsgan.cli.required_packages import require_torch
from pmsgan.cli.terminal import print_note, show, show_lines
from pmsgan.cli.typed import typed_options
from pmsgan.data.config import DEFAULT_DIRECTION, PRESETS, PresetName
from pmsgan.errors import ConfigError, PmsganError
from pmsgan.model.config import (
    NETWORKS,
    WITHOUT_OPTION,
    GeneratorConfig,
    NetworkConfig,
    NetworkName,
    UNetConfig,
    network_name,
    network_table,
)
from pmsgan.training.config import NETWORK_SETTINGS, RENAMED_OPTIONS, TrainingConfig

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


def _use_initial(context: typer.Context, style: str | None) -> str | None:
    """Take the default of the network from the style to begin with."""
    if style is not None:
        from pmsgan.styles.registry import find_style

        with contextlib.suppress(PmsganError):  # the command says it in one line
            network = find_style(style).native_network("train it further")
            _set_defaults(context, {"network": network_name(network)})
    return style


def _set_defaults(context: typer.Context, settings: "Mapping[str, Any]") -> None:
    context.default_map = {**(context.default_map or {}), **settings}


PairsFolder = Annotated[
    Path,
    typer.Argument(
        help="Folder with side-by-side pictures, or with two folders of pictures; subfolders are "
        "searched, too."
    ),
]
StyleName = Annotated[
    str | None,
    typer.Option(
        help="Name of the style to write when training ends; it replaces a style of yours with "
        "that name. Without it, training only writes checkpoints to --out."
    ),
]
RunFolder = Annotated[Path, typer.Option(help="Run folder: config, checkpoint, samples.")]
PresetOption = Annotated[
    PresetName | None,
    typer.Option(
        is_eager=True,  # the defaults of other options come from it
        callback=_use_preset,
        help="A data set of the paper: sets size and direction, and checks that the data set is "
        "complete.",
    ),
]
NetworkOption = Annotated[
    NetworkName,
    typer.Option(
        is_eager=True,
        callback=_use_network,
        help="Network to train; pix2pix is for comparison, with the losses and settings of its "
        "own paper.",
    ),
]
TrainList = Annotated[
    Path | None,
    typer.Option(
        help="File that names the pairs to train on, one per line; photo||sketch||... also works.",
        show_default="those in a folder called train",
    ),
]
SplitOption = Annotated[
    str | None,
    typer.Option(
        help="Pairs to hold out: random:SEED holds out the default number, chosen at random; all "
        "trains on every pair.",
        show_default="those in a folder called test; else 1 in 20, at most 200",
    ),
]
InitialStyle = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="STYLE",
        is_eager=True,
        callback=_use_initial,
        help="Start from the weights and network of this style, to adapt it with a few pairs.",
    ),
]
TeacherStyle = Annotated[
    str | None,
    typer.Option(
        metavar="STYLE",
        help="Also learn from the results of this style, which may have a larger network.",
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
    omit=WITHOUT_OPTION,
    rename=RENAMED_OPTIONS,
    show_default={
        "base_channels": " or ".join(f"{config().base_channels}" for config in NETWORKS.values()),
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
            "--dry-run",
            help="Check everything that could stop the run, print the settings, and exit.",
        ),
    ] = False,
    resume: Annotated[
        bool, typer.Option(help="Resume the run in --out; type its other options again.")
    ] = False,
    initial_style: InitialStyle = None,
    teacher: TeacherStyle = None,
    best: Annotated[
        bool,
        typer.Option(
            "--best",
            help="Make the style from the checkpoint that is closest to the held-out pairs, not "
            "from the last one.",
        ),
    ] = False,
    vgg_weights: VggWeights = None,
    *,
    training: TrainingConfig,
    generator: GeneratorConfig,
) -> None:
    """Train a style from pairs of pictures.

    Ctrl-C saves a checkpoint after the current step; --resume continues from it. To use several
    machines, start this command on each of them with torchrun or Slurm. Needs torch, which the
    extra train installs.
    """
    require_torch("train")
    typed = typed_options()
    _refuse_contradictions(typed)
    wanted = _network_config(network, generator, typed, initial_style)
    from pmsgan.training.run_folder import CHECKPOINT_NAME
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
            teacher=teacher,
        )
        check_training(plan, out, resume=resume, best=best, vgg_weights=vgg_weights)
        if plan.leads:
            settings = {"generator": network_table(plan.network), "training": asdict(plan.config)}
            show_lines(to_json(settings))
        return
    try:
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
            teacher=teacher,
            best=best,
            vgg_weights=vgg_weights,
        )
    except KeyboardInterrupt:  # outside of its steps, as while the style is written
        if (out / CHECKPOINT_NAME).exists():
            print_note(f"the training so far is in {out}: the same command with --resume continues")
        raise
    if result.leads:  # the other processes of a run keep quiet
        _report(result, out, style)


def _refuse_contradictions(typed: "Mapping[str, str]") -> None:
    """Raise ConfigError for options of which only one can count."""
    if "steps" in typed and "epochs" in typed:
        raise ConfigError(
            "--epochs and --steps both set the length of the training: give one of them"
        )
    if "initial_style" in typed and "initial_weights" in typed:
        raise ConfigError("--from and --init both set the initial weights: give one of them")
    if "lambda_teacher" in typed and "teacher" not in typed:
        raise ConfigError("--lambda-teacher needs a style to learn from: --teacher STYLE")


def _network_config(
    network: NetworkName,
    generator: GeneratorConfig,
    typed: "Mapping[str, str]",
    initial_style: str | None,
) -> NetworkConfig:
    """Return the settings of the network: those that were typed, the rest by the style or default.

    Raises:
        ConfigError: an option does not belong to this network, or the style has another network.
        StyleError: there is no such style.
    """
    given = {name: value for name, value in asdict(generator).items() if name in typed}
    if network != "pmsgan" and (others := given.keys() - {"base_channels"}):
        raise ConfigError(
            f"{typed[min(others)]} is an option of the network pmsgan: leave out this option or "
            "--network"
        )
    if initial_style is None:
        is_ours = network == "pmsgan"
        return generator if is_ours else UNetConfig(base_channels=generator.base_channels)
    from pmsgan.styles.registry import find_style

    found = find_style(initial_style).native_network("train it further")
    if (name := network_name(found)) != network:
        raise ConfigError(
            f"the style {initial_style} has the network {name}: leave out --network or --from"
        )
    return replace(found, **given)


def _report(result: "TrainingResult", out: Path, style: str | None) -> None:
    """Print how a training ended and what to do next."""
    if not result.is_complete:
        print_note(
            f"saved after step {result.num_steps} in {out}; "
            "resume with the same command and --resume, or make a style of it now by adding "
            f"--resume --steps {result.num_steps}"
        )
        raise typer.Exit(ExitCode.INTERRUPTED)
    if result.style is None:
        show(
            f"done: {out / 'checkpoint.pt'}; "
            "make a style of it with the same command and --resume --style NAME"
        )
    else:
        folder = result.style.path.parent
        show(f"style {folder.name} in {folder} ({result.style.accuracy})")
        _measure_scaling(folder, result.held_out)
        name = shlex.quote(str(style))
        show(f"next: pmsgan convert IN OUT --style {name}")
        show(
            "for speed on a CPU: "
            f"pmsgan build-engine --style {name} --int8 --calibrate PICTURES --into-style"
        )


def _measure_scaling(folder: Path, held_out: "Sequence[Pair]") -> None:
    """Measure how results best get their size; a failure must not cost a finished training."""
    from pmsgan.evaluation.style_measurement import measure_trained

    if held_out:
        print_note("measuring on held-out pairs how large pictures are converted best")
    try:
        measured = measure_trained(folder, held_out)
    except PmsganError as error:
        print_note(f"warning: the best way to enlarge results was not measured: {error}")
        return
    if measured is not None:
        show(measured.summary())
