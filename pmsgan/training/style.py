"""Train a style: from a folder of pairs to a folder that converts pictures."""

import contextlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from lightning_fabric import Fabric
from numpy.typing import NDArray

from pmsgan.counts import count
from pmsgan.data.config import PresetName
from pmsgan.data.pairs import Pair, read_direction
from pmsgan.data.splits import Split, load_split
from pmsgan.data.suspicious_pairs import describe_suspicious
from pmsgan.data.trained_pairs import TrainedPairs
from pmsgan.errors import ConfigError, DataError
from pmsgan.export.description import style_folder
from pmsgan.export.exporter import Exported
from pmsgan.export.style_folder import write_style
from pmsgan.model.config import GeneratorConfig, NetworkConfig
from pmsgan.model.network import Network
from pmsgan.styles.input_statistics import usual_ranges
from pmsgan.styles.scaling import Scaling
from pmsgan.styles.user_styles import warn_of_hidden_style
from pmsgan.training.checks import check_files, check_start
from pmsgan.training.config import TrainingConfig
from pmsgan.training.grey_start import warn_of_grey_start
from pmsgan.training.hardware import make_fabric
from pmsgan.training.loop import train
from pmsgan.training.style_network import StyleNetwork, load_style_network
from pmsgan.training.trained import load_best, load_trained

MAX_LOOKED_AT = 200
"""Most inputs that are measured to learn how the input of a style usually looks."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingPlan:
    """A training that can start, since its pairs exist and this machine has its devices."""

    split: Split
    config: TrainingConfig
    """Settings, with epochs turned into steps."""
    network: NetworkConfig
    initial: StyleNetwork | None
    """Network to start from; None if the weights are random."""
    teacher: StyleNetwork | None
    """Network to learn from, besides the targets; None if there is none."""
    fabric: Fabric
    folder: Path | None
    """Folder of the style to write; None if none is wanted."""

    @property
    def leads(self) -> bool:
        """Whether this is the one process of the run that writes files."""
        return self.fabric.is_global_zero


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingResult:
    """A training that has ended."""

    generator: Network
    """The network that becomes the style."""
    num_steps: int
    """Updates so far, those of earlier runs included."""
    is_complete: bool
    """Whether all steps are done; Ctrl-C ends a run earlier."""
    leads: bool
    """Whether this is the one process of the run that wrote files."""
    style: Exported | None
    """The graph in the style's folder; None where no style was written."""
    held_out: tuple[Pair, ...]
    """The pairs that it was not trained on."""


def plan_training(
    data: Path,
    config: TrainingConfig,
    generator: NetworkConfig | None = None,
    *,
    style: str | None = None,
    preset: PresetName | None = None,
    train_list: Path | None = None,
    split: str | None = None,
    initial_style: str | None = None,
    teacher: str | None = None,
) -> TrainingPlan:
    """Find the pairs, the network and the devices of a training, and write nothing.

    Args:
        data: folder of pairs, see `pmsgan.data.pairs.find_pairs`.
        config: settings of the training.
        generator: settings of the network, by default those of `initial_style`, or the paper's.
        style: name of the style to make, or its folder.
        preset: a data set of the paper.
        train_list: a file that names the pairs to train on.
        split: which pairs are held out, see `load_split`.
        initial_style: name or folder of a style whose weights to begin with.
        teacher: name or folder of a style to learn from.

    Raises:
        ConfigError: the direction cannot be read, this machine lacks the devices, or
            `initial_style` has another network than `generator`, or an imported one.
        DataError: the folder holds no pairs or does not look like the preset, or the list is wrong.
        StyleError: the folder of the style exists and is not a style.
    """
    folder = style_folder(style) if style is not None else None
    divided = load_split(
        data, direction=config.direction, preset=preset, train_list=train_list, split=split
    )
    initial = (
        load_style_network(initial_style, generator, task="train it further")
        if initial_style is not None
        else None
    )
    plan = TrainingPlan(
        split=divided,
        network=initial.network.config if initial else generator or GeneratorConfig(),
        initial=initial,
        teacher=load_style_network(teacher, task="learn from it") if teacher is not None else None,
        config=config.for_pairs(len(divided.train)),
        fabric=make_fabric(config),
        folder=folder,
    )
    if plan.leads:
        if style is not None:
            warn_of_hidden_style(style)
        if initial is not None:
            warn_of_grey_start(initial, divided.train)
        _log.info(
            "training on %d of %s, %s; held out: %d, %s",
            len(divided.train),
            count(len(divided.pairs), "pair"),
            divided.direction,
            len(divided.held_out),
            divided.rule,
        )
        for sentence in describe_suspicious(divided.train):
            _log.warning("%s", sentence)
    return plan


def check_training(
    plan: TrainingPlan,
    run_folder: Path,
    *,
    resume: bool = False,
    best: bool = False,
    vgg_weights: Path | None = None,
) -> None:
    """Check everything that could stop a training before its first step, and write nothing.

    The arguments are those of `train_style`.

    Raises:
        PmsganError: see `pmsgan.training.checks`; ConfigError if `best` lacks held-out pairs.
    """
    _check_best(plan, best)
    check_start(
        plan.split.train, plan.config, plan.network, run_folder,
        resume=resume, teacher=plan.teacher.network.config if plan.teacher else None,
    )  # fmt: skip
    check_files(
        plan.config, plan.network, run_folder, resume=resume,
        initial_style=plan.initial.name if plan.initial else None, vgg_weights=vgg_weights,
    )  # fmt: skip


def train_style(
    data: Path | str,
    config: TrainingConfig,
    generator: NetworkConfig | None = None,
    *,
    run_folder: Path | str,
    style: str | None = None,
    preset: PresetName | None = None,
    train_list: Path | None = None,
    split: str | None = None,
    resume: bool = False,
    initial_style: str | None = None,
    teacher: str | None = None,
    best: bool = False,
    vgg_weights: Path | None = None,
) -> TrainingResult:
    """Train on the pairs of a folder and, when all steps are done, write a style.

    With several devices, each process of the run calls this, and the leading one writes files.

    Args:
        data: folder of pairs, see `pmsgan.data.pairs.find_pairs`.
        config: settings of the training; for a preset `TrainingConfig(**PRESETS[preset].settings)`.
        generator: settings of the network, by default those of `initial_style`, or the paper's.
        run_folder: gets config.json, losses, samples and checkpoint.pt.
        style: name of the style to write, or its folder; by default none is written.
        preset: a data set of the paper.
        train_list: a file that names the pairs to train on.
        split: which pairs are held out, see `load_split`.
        resume: continue from the checkpoint in `run_folder`.
        initial_style: name or folder of a style whose weights to begin with, for a few pairs of
            one's own; the discriminators are new.
        teacher: name or folder of a style whose pictures the network learns to repeat, beside the
            targets; its network may be larger.
        best: make the style of the generator with the lowest L1 to the held-out targets instead of
            the last one.
        vgg_weights: VGG-19's weights, by default those in torch hub's cache.

    Raises:
        ConfigError: `best` lacks held-out pairs.
        PmsganError: see `plan_training`, `pmsgan.training.loop.train` and
            `pmsgan.export.style_folder.write_style`.
    """
    plan = plan_training(
        Path(data),
        config,
        generator,
        style=style,
        preset=preset,
        train_list=train_list,
        split=split,
        initial_style=initial_style,
        teacher=teacher,
    )
    _check_best(plan, best)
    config = plan.config
    trained, num_steps = train(
        plan.split.train,
        config,
        plan.network,
        Path(run_folder),
        held_out=plan.split.held_out,
        resume=resume,
        initial=plan.initial,
        teacher=plan.teacher,
        vgg_weights=vgg_weights,
        fabric=plan.fabric,
    )
    is_complete = num_steps >= config.steps
    if best and is_complete and plan.leads:
        trained = load_best(Path(run_folder)).generator
    exported = None
    if plan.folder is not None and is_complete and plan.leads:
        state = load_trained(Path(run_folder))
        done = replace(config, steps=num_steps)
        others = {"initial_style": state.initial_style, "teacher": teacher}
        _log.info("writing the style %s, and comparing its graph with PyTorch", plan.folder.name)
        exported = _write_style(trained, plan.folder, plan, done, others, state.pairs)
    return TrainingResult(
        generator=trained,
        num_steps=num_steps,
        is_complete=is_complete,
        leads=plan.leads,
        style=exported,
        held_out=plan.split.held_out,
    )


def _check_best(plan: TrainingPlan, best: bool) -> None:
    if best and not plan.split.held_out:
        raise ConfigError("--best needs held-out pairs: leave out --split all, or give more pairs")


def _write_style(
    generator: Network,
    folder: Path,
    plan: TrainingPlan,
    config: TrainingConfig,
    others: Mapping[str, str | None],
    record: TrainedPairs | None,
) -> Exported:
    source, target = read_direction(config.direction)
    pairs = plan.split.train
    return write_style(
        generator,
        folder,
        height=config.size,
        width=config.size,
        input_kind=source,
        output_kind=target,
        origin={
            "num_pairs": len(pairs),
            **{name: Path(style).name for name, style in others.items() if style is not None},
            **asdict(config),
        },
        expects=usual_ranges(_inputs(pairs[:: 1 + len(pairs) // MAX_LOOKED_AT], config.size)),
        scaling=_initial_scaling(plan),
        trained_pairs=record.to_bytes() if record is not None else None,
    )


def _initial_scaling(plan: TrainingPlan) -> Scaling | None:
    """Return the scaling of a new style until it is measured on held-out pairs; None is plain.

    A style that continues one with tiles keeps them if it learned from crops: both then see parts
    of a large picture, and not the whole of it in a small size.
    """
    learns_from_crops = plan.config.load_side > plan.config.crop_side
    if plan.initial is None or plan.initial.scaling.mode != "tiles" or not learns_from_crops:
        return None
    return replace(plan.initial.scaling, figures={}, min_size=plan.config.size)


def _inputs(pairs: Sequence[Pair], size: int) -> Iterator[NDArray[np.uint8]]:
    """Yield the inputs; an unreadable one must not ruin a finished training."""
    for pair in pairs:
        with contextlib.suppress(DataError):
            yield pair.input.read_at(size, size)
