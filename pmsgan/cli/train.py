"""`pmsgan train`."""

import contextlib
import json
import logging
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pmsgan.cli.boundary import ExitCode, one_line_errors
from pmsgan.data.config import PRESETS, PresetName
from pmsgan.errors import DataError
from pmsgan.model.config import Ablation, GeneratorConfig
from pmsgan.training.config import Perceptual, Precision, TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from numpy.typing import NDArray

    from pmsgan.data.pairs import Pair
    from pmsgan.model.generator import Generator

NUM_LOOKED_AT = 200
"""Pairs, for what a style says of its input."""
_TRAINING = TrainingConfig()
_GENERATOR = GeneratorConfig()


@one_line_errors
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
        typer.Option(help="A data set of the paper: sets size, direction and number of pairs."),
    ] = None,
    train_list: Annotated[
        Path | None,
        typer.Option(
            help="File that names the pairs to train on, one on each line.",
            show_default="the preset's first ones, or all",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Look at the pairs, print the settings, and end.")
    ] = False,
    resume: Annotated[bool, typer.Option(help="Go on from the checkpoint in --out.")] = False,
    direction: Annotated[
        str | None,
        typer.Option(
            help="FROM:TO: left:right, right:left, or two sub-folders' names.",
            show_default=f"the preset's, or {_TRAINING.direction}",
        ),
    ] = None,
    steps: Annotated[int, typer.Option(help="Updates in all.")] = _TRAINING.steps,
    size: Annotated[
        int | None,
        typer.Option(
            help="Side of the pictures [pixels].",
            show_default=f"the preset's, or {_TRAINING.size}",
        ),
    ] = None,
    crop: Annotated[
        int, typer.Option(help="Side of the random crop to train on [pixels]; 0: none.")
    ] = _TRAINING.crop,
    flip: Annotated[bool, typer.Option(help="Mirror half of the samples.")] = _TRAINING.flip,
    batch_size: Annotated[
        int, typer.Option(help="Pairs in a step of one device.")
    ] = _TRAINING.batch_size,
    base_channels: Annotated[
        int, typer.Option(help="Width of the network's first stage.")
    ] = _GENERATOR.base_channels,
    ablation: Annotated[
        Ablation,
        typer.Option(help="Row of the paper's ablation table."),
    ] = _GENERATOR.ablation,
    precision: Annotated[
        Precision, typer.Option(help="fp32; bf16 autocast; fp16 autocast on a GPU.")
    ] = _TRAINING.precision,
    learning_rate: Annotated[float, typer.Option(help="Of Adam.")] = _TRAINING.learning_rate,
    lambda_adversarial: Annotated[
        float, typer.Option(help="Weight of the adversarial loss; 0: no discriminators.")
    ] = _TRAINING.lambda_adversarial,
    lambda_perceptual: Annotated[
        float, typer.Option(help="Weight of the perceptual loss.")
    ] = _TRAINING.lambda_perceptual,
    perceptual: Annotated[
        Perceptual,
        typer.Option(help="Perceptual loss: vgg19, or l1 (L1 plus gradient L1) without VGG-19."),
    ] = _TRAINING.perceptual,
    vgg_weights: Annotated[
        Path | None,
        typer.Option(
            help="File with VGG-19's ImageNet weights.", show_default="that in torch hub's cache"
        ),
    ] = None,
    ema_decay: Annotated[
        float, typer.Option(help="Decay of the weights' moving average, such as 0.999; 0: none.")
    ] = _TRAINING.ema_decay,
    gradient_clip: Annotated[
        float, typer.Option(help="Largest norm of a network's gradient; 0: no limit.")
    ] = _TRAINING.gradient_clip,
    channels_last: Annotated[
        bool, typer.Option(help="Lay pictures out as convolutions like them.")
    ] = _TRAINING.channels_last,
    compile_: Annotated[
        bool,
        typer.Option("--compile", help="Use torch.compile: minutes to start, then quicker steps."),
    ] = _TRAINING.compile,
    devices: Annotated[
        int, typer.Option(help="GPUs on each machine; without a GPU, processes.")
    ] = _TRAINING.devices,
    num_nodes: Annotated[
        int, typer.Option(help="Machines, this command on each of them.")
    ] = _TRAINING.num_nodes,
    workers: Annotated[
        int, typer.Option(help="Processes that read pictures, for each device.")
    ] = _TRAINING.num_workers,
    save_every: Annotated[
        int, typer.Option(help="Steps between checkpoints and sample grids.")
    ] = _TRAINING.save_every,
    seed: Annotated[int, typer.Option(help="Of weights, order, crops and flips.")] = _TRAINING.seed,
) -> None:
    """Train a style from pairs of pictures.

    Ctrl-C saves a checkpoint after the current step; --resume goes on from it. For several
    machines start this command on each with torchrun or Slurm.
    Needs torch: pip install 'pmsgan[train]'.
    """
    from pmsgan.cli.needs import need_torch

    need_torch("train")
    from pmsgan.data.pairs import find_pairs
    from pmsgan.data.presets import check_preset, training_split
    from pmsgan.export.style_folder import style_folder
    from pmsgan.training.hardware import make_fabric
    from pmsgan.training.loop import train as run_training

    known = PRESETS[preset] if preset is not None else None
    if size is None:
        size = known.size if known is not None else _TRAINING.size
    if direction is None:
        direction = known.direction if known is not None else _TRAINING.direction
    config = TrainingConfig(
        steps=steps,
        batch_size=batch_size,
        size=size,
        crop=crop,
        flip=flip,
        direction=direction,
        learning_rate=learning_rate,
        lambda_adversarial=lambda_adversarial,
        lambda_perceptual=lambda_perceptual,
        perceptual=perceptual,
        ema_decay=ema_decay,
        gradient_clip=gradient_clip,
        precision=precision,
        channels_last=channels_last,
        compile=compile_,
        devices=devices,
        num_nodes=num_nodes,
        seed=seed,
        num_workers=workers,
        save_every=save_every,
    )
    generator = GeneratorConfig(base_channels=base_channels, ablation=ablation)
    folder = style_folder(style) if style is not None else None
    found = find_pairs(data, direction)
    if preset is not None:
        check_preset(found, preset)
    num_train = known.num_train if known is not None else None
    pairs, held_out = training_split(found, num_train=num_train, train_list=train_list)
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    fabric = make_fabric(config)
    leads = fabric.is_global_zero  # the other processes of a run keep quiet
    if leads:
        typer.echo(f"training on {len(pairs)} of {len(found)} pairs, {direction}", err=True)
    if dry_run:
        settings = {"generator": asdict(generator), "training": asdict(config)}
        typer.echo(json.dumps(settings, indent=2))
        return
    trained, num_steps = run_training(
        pairs,
        config,
        generator,
        out,
        held_out=held_out,
        resume=resume,
        vgg_weights=vgg_weights,
        fabric=fabric,
    )
    if not leads:
        return
    if num_steps < steps:
        typer.echo(
            f"saved after step {num_steps} in {out}; go on with the same command and --resume",
            err=True,
        )
        raise typer.Exit(ExitCode.INTERRUPTED)
    if folder is None:
        typer.echo(f"done: {out / 'checkpoint.pt'}; make a style of it with --resume --style NAME")
    else:
        _make_style(trained, folder, config, pairs)
        typer.echo(f"next: pmsgan convert IN OUT --style {style}")


def _make_style(
    generator: "Generator", folder: Path, config: TrainingConfig, pairs: "list[Pair]"
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


def _inputs(pairs: "list[Pair]") -> "Iterator[NDArray[np.uint8]]":
    """Yield what goes in; a picture that cannot be read shall not cost a finished training."""
    for pair in pairs:
        with contextlib.suppress(DataError):
            yield pair.input.read()
