"""`pmsgan evaluate`."""

import importlib.util
from collections.abc import Collection, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pmsgan.cli.boundary import ExitCode, one_line_errors
from pmsgan.cli.json_option import JsonOption, to_json
from pmsgan.cli.methods import named_folders
from pmsgan.cli.options import config_options
from pmsgan.cli.required_packages import require_packages, require_torch
from pmsgan.cli.terminal import print_note, show, show_lines
from pmsgan.cli.typed import typed_options
from pmsgan.errors import ConfigError
from pmsgan.evaluation.config import (
    METRIC_NAMES,
    METRICS,
    HeldOutChoice,
    MetricName,
    RuntimeChoice,
    SizeChoice,
)
from pmsgan.terminal import printable

if TYPE_CHECKING:
    from pmsgan.evaluation.result import Comparison

Arguments = Annotated[
    list[str],
    typer.Argument(
        metavar="METHOD=FOLDER... | PREDICTED TRUTH | DATA | RUNS...",
        help="Folders of pictures; with --style, pairs; with --ablation, training runs.",
    ),
]
WeightsFolder = Annotated[
    Path | None,
    typer.Option(
        help="A copy of torch hub's folder, with checkpoints/*.pth.",
        show_default="torch hub's own",
    ),
]
UnseenBy = Annotated[
    list[str] | None,
    typer.Option(
        help="With folders: leave out pairs that this style or training run was trained on; may be "
        "given several times."
    ),
]


@one_line_errors
@config_options(
    flags=("include_trained", "resize_truth"),
    show_default={"direction": "that of the training", "fit": "none: other shapes are refused"},
)
def evaluate(
    arguments: Arguments,
    truth: Annotated[
        Path | None, typer.Option(help="With METHOD=FOLDER: folder of the true pictures.")
    ] = None,
    style: Annotated[
        str | None, typer.Option(help="Convert DATA with this style, and evaluate the results.")
    ] = None,
    ablation: Annotated[
        bool, typer.Option("--ablation", help="Rows (a) to (e) of the paper's Table II, from RUNS.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="With --ablation: the pairs that the runs were trained on.")
    ] = None,
    unseen_by: UnseenBy = None,
    metrics: Annotated[
        str, typer.Option(help="Metrics to measure, separated by commas.")
    ] = ",".join(METRIC_NAMES),
    weights_dir: WeightsFolder = None,
    latex: Annotated[bool, typer.Option("--latex", help="Print the table as LaTeX rows.")] = False,
    as_json: JsonOption = False,
    *,
    size: SizeChoice,
    runtime: RuntimeChoice,
    held_out: HeldOutChoice,
) -> None:
    """Measure how good pictures are: FID, FSIM, LPIPS.

    pmsgan evaluate ours=A pix2pix=B --truth T: methods side by side, the best in bold.

    pmsgan evaluate PREDICTED TRUTH: two folders of pictures with the same names.

    pmsgan evaluate --style NAME DATA: a style as it is deployed, on pairs like those of pmsgan
    train.

    pmsgan evaluate --ablation RUNS... --data DATA: the paper's ablation table.

    Results are scored at the size of the true pictures. Pairs that the style or the runs were
    trained on are left out. Needs the metrics' libraries, which the extra eval installs; --ablation
    also needs the extra train.
    """
    chosen = _metrics(metrics)
    folders: tuple[dict[str, Path], Path] | None = None
    of_folders = {"truth", "unseen_by", "fit"}
    of_styles = {field.name for field in fields(RuntimeChoice)}
    if style is not None:
        _refuse({"ablation", "data"} | of_folders, "with --style")
        if len(arguments) != 1:
            raise ConfigError("--style takes one folder, DATA")
    elif ablation:
        _refuse(of_styles | of_folders, "with --ablation")
        if data is None:
            raise ConfigError("--ablation needs --data, the pairs that the runs were trained on")
    else:
        of_pairs = {"data"} | {field.name for field in fields(HeldOutChoice)}
        of_pairs -= {"include_trained"} if unseen_by else set()
        _refuse(of_styles | of_pairs, "without --style or --ablation")
        folders = _folders(arguments, truth)
    require_packages("evaluate", "eval", "torch")
    from pmsgan.cli.progress import PictureProgress, shown_conversion
    from pmsgan.evaluation.metrics import set_weights_folder

    if weights_dir is not None:
        set_weights_folder(weights_dir)
    with PictureProgress() as progress:
        start, count = progress.start, progress.count
        if style is not None:
            _require_a_metric(chosen)
            from pmsgan.evaluation.held_out import evaluate_style_on_folder

            found = evaluate_style_on_folder(
                style, Path(arguments[0]), chosen, held_out=held_out, runtime=runtime, size=size,
                conversion_progress=shown_conversion, on_start=start, on_picture=count,
            )  # fmt: skip
        elif data is not None:
            require_torch("evaluate --ablation")
            from pmsgan.evaluation.ablation import evaluate_runs_on_folder

            found = evaluate_runs_on_folder(
                [Path(run) for run in arguments], data, chosen, held_out=held_out, size=size,
                on_start=start, on_picture=count,
            )  # fmt: skip
        elif folders is not None:
            from pmsgan.evaluation.held_out import compare_on_unseen

            found = compare_on_unseen(
                *folders, chosen, unseen_by=unseen_by or (),
                include_trained=held_out.include_trained, size=size,
                on_start=start, on_picture=count,
            )  # fmt: skip
    _print(found, latex=latex, as_json=as_json)
    if not found.is_complete:
        raise typer.Exit(ExitCode.SOME_FAILED)


def _require_a_metric(metrics: Sequence[MetricName]) -> None:
    """Raise EngineError if no metric can be measured, before a set is converted for it."""
    modules = [METRICS[name].package for name in metrics]
    if not any(importlib.util.find_spec(module) for module in modules):
        require_packages("evaluate", "eval", *modules)


def _folders(arguments: list[str], truth: Path | None) -> tuple[dict[str, Path], Path]:
    """Return the folder of each method, and that of the true pictures."""
    if truth is not None:
        return named_folders(arguments), truth
    if len(arguments) != 2:
        raise ConfigError("give METHOD=FOLDER... and --truth, or two folders, PREDICTED and TRUTH")
    predicted = Path(arguments[0])
    return {predicted.resolve().name: predicted}, Path(arguments[1])


def _print(found: "Comparison", *, latex: bool, as_json: bool) -> None:
    from pmsgan.evaluation.table import remarks, to_latex, to_text

    noted = [printable(remark) for remark in remarks(found)]
    if as_json:
        show_lines(to_json(found.to_json() | {"remarks": noted}))
        return
    show_lines(to_latex(found) if latex else to_text(found))
    for remark in noted:
        (print_note if latex else show)(remark)


def _refuse(names: Collection[str], where: str) -> None:
    """Raise ConfigError for the first option that was typed and means nothing here."""
    for name, option in typed_options().items():
        if name in names:
            raise ConfigError(f"{option} has no effect {where}")


def _metrics(text: str) -> list[MetricName]:
    given = [name.strip() for name in text.split(",")]
    for name in given:
        if name not in METRIC_NAMES:
            raise ConfigError(f"metrics is {text!r}: use some of {', '.join(METRIC_NAMES)}")
    return [name for name in METRIC_NAMES if name in given]
