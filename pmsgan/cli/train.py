"""`pmsgan train`."""

import contextlib
import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pmsgan.cli.boundary import ExitCode, one_line_errors
from pmsgan.cli.options import config_options
from pmsgan.data.config import DEFAULT_DIRECTION, PRESETS, PresetName
from pmsgan.errors import DataError
from pmsgan.model.config import GeneratorConfig
from pmsgan.training.config import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pmsgan.data.pairs import Pair
    from pmsgan.model.generator import Generator

NUM_LOOKED_AT = 200
"""Pairs, for what a style says of its input."""


def _use_preset(context: typer.Context, preset: PresetName | None) -> PresetName | None:
    """Take the defaults of other options from the preset."""
    if preset is not None:
        context.default_map = dict(PRESETS[preset].settings)
    return preset


@one_line_errors
@config_options(
    omit=(
        "betas",
        "num_residual_blocks",
        "num_growth_layers",
        "growth_divisor",
        "branch_divisor",
        "dilations",
        "attention_reduction",
        "output",
    ),
    rename={"num_readers": "--readers"},
    flags=("compile",),
    show_default={
        "size": f"the preset's, or {TrainingConfig().size}",
        "direction": f"the preset's, or {DEFAULT_DIRECTION}",
    },
)
def train(
    data: Annotated[
        Path,
        typer.Argument(help="Folder of side-by-side pictures, or of two folders of pictures."),
    ],
    style: Annotated[
        str | None,
        typer.Option(
            help="Name of the style to make when training is done; one of yours is replaced."
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Run folder: config, checkpoint, samples.")] = Path(
        "run"
    ),
    preset: Annotated[
        PresetName | None,
        typer.Option(
            is_eager=True,
            callback=_use_preset,
            help="A data set of the paper: sets size, direction and number of pairs.",
        ),
    ] = None,
    train_list: Annotated[
        Path | None,
        typer.Option(
            help="File that names the pairs to train on, one on each line.",
            show_default="the preset's first ones, or all",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check the pairs, print the settings, and end.")
    ] = False,
    resume: Annotated[bool, typer.Option(help="Resume from the checkpoint in --out.")] = False,
    vgg_weights: Annotated[
        Path | None,
        typer.Option(
            help="File with VGG-19's ImageNet weights.", show_default="that in torch hub's cache"
        ),
    ] = None,
    *,
    training: TrainingConfig,
    generator: GeneratorConfig,
) -> None:
    """Train a style from pairs of pictures.

    Ctrl-C saves a checkpoint after the current step; --resume goes on from it. For several
    machines start this command on each with torchrun or Slurm.
    Needs torch: pip install 'pmsgan[train]'.
    """
    from pmsgan.cli.needs import need_torch

    need_torch("train")
    from pmsgan.data.splits import load_split
    from pmsgan.export.style_folder import style_folder
    from pmsgan.training.hardware import make_fabric
    from pmsgan.training.loop import train as run_training

    folder = style_folder(style) if style is not None else None
    split = load_split(data, direction=training.direction, preset=preset, train_list=train_list)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    fabric = make_fabric(training)
    leads = fabric.is_global_zero  # the other processes of a run keep quiet
    if leads:
        typer.echo(
            f"training on {len(split.train)} of {len(split.pairs)} pairs, {split.direction}",
            err=True,
        )
    if dry_run:
        settings = {"generator": asdict(generator), "training": asdict(training)}
        typer.echo(json.dumps(settings, indent=2))
        return
    trained, num_steps = run_training(
        split.train,
        training,
        generator,
        out,
        held_out=split.held_out,
        resume=resume,
        vgg_weights=vgg_weights,
        fabric=fabric,
    )
    if not leads:
        return
    if num_steps < training.steps:
        typer.echo(
            f"saved after step {num_steps} in {out}; go on with the same command and --resume",
            err=True,
        )
        raise typer.Exit(ExitCode.INTERRUPTED)
    if folder is None:
        typer.echo(f"done: {out / 'checkpoint.pt'}; make a style of it with --resume --style NAME")
    else:
        _make_style(trained, folder, training, split.train)
        typer.echo(f"next: pmsgan convert IN OUT --style {style}")


def _make_style(
    generator: "Generator", folder: Path, config: TrainingConfig, pairs: "Sequence[Pair]"
) -> None:
    from pmsgan.export.style_folder import write_style
    from pmsgan.styles.looks import usual_looks

    source, _, target = config.direction.partition(":")
    exported = write_style(
        generator,
        folder,
        height=config.size,
        width=config.size,
        input_kind=source,
        output_kind=target,
        origin={"num_pairs": len(pairs), **asdict(config)},
        expects=usual_looks(_inputs(pairs[:: 1 + len(pairs) // NUM_LOOKED_AT])),
    )
    typer.echo(f"style {folder.name} in {folder} ({exported.accuracy})")


def _inputs(pairs: "Sequence[Pair]") -> "Iterator[NDArray[np.uint8]]":
    """Yield what goes in; a picture that cannot be read shall not cost a finished training."""
    for pair in pairs:
        with contextlib.suppress(DataError):
            yield pair.input.read()
