"""`pmsgan evaluate`."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pmsgan.cli.boundary import ExitCode, one_line_errors
from pmsgan.cli.json_option import JsonOption, to_json
from pmsgan.cli.needs import need, need_torch
from pmsgan.cli.options import config_options
from pmsgan.cli.terminal import printable, show, tell
from pmsgan.errors import ConfigError
from pmsgan.evaluation.config import METRIC_NAMES, HeldOutChoice, MetricName, RuntimeChoice

if TYPE_CHECKING:
    from pmsgan.evaluation.result import Evaluation

Paths = Annotated[
    list[Path],
    typer.Argument(
        metavar="PREDICTED TRUTH | DATA | RUNS...",
        help="Two folders of pictures; with --style pairs; with --ablation training runs.",
    ),
]
WeightsFolder = Annotated[
    Path | None,
    typer.Option(
        help="A copy of torch hub's folder, with checkpoints/*.pth.",
        show_default="torch hub's own",
    ),
]


@one_line_errors
@config_options(show_default={"direction": "that of the training"})
def evaluate(
    paths: Paths,
    style: Annotated[
        str | None, typer.Option(help="Convert DATA with this style, and evaluate the results.")
    ] = None,
    ablation: Annotated[
        bool, typer.Option("--ablation", help="Rows (a) to (e) of the paper's Table II, from RUNS.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="With --ablation: the pairs that the runs were trained on.")
    ] = None,
    metrics: Annotated[str, typer.Option(help="Some of them, with commas between.")] = ",".join(
        METRIC_NAMES
    ),
    weights_dir: WeightsFolder = None,
    latex: Annotated[
        bool, typer.Option("--latex", help="Print rows for a table in LaTeX.")
    ] = False,
    as_json: JsonOption = False,
    *,
    runtime: RuntimeChoice,
    held_out: HeldOutChoice,
) -> None:
    """Measure how good pictures are: FID, FSIM, and LPIPS with three networks.

    pmsgan evaluate PREDICTED TRUTH: two folders of pictures with the same names.

    pmsgan evaluate --style NAME DATA: a style as it ships, on pairs as for pmsgan train.

    pmsgan evaluate --ablation RUNS... --data DATA: the paper's ablation table.

    Needs the metrics' libraries, which the extra eval brings; --ablation also the extra train.
    """
    if style is not None:
        _refuse({"ablation": ablation, "data": data}, "with --style")
        _need_paths(paths, 1, "with --style give one folder, DATA")
    elif ablation:
        _refuse(asdict(runtime), "with --ablation")
        if data is None:
            raise ConfigError("--ablation needs --data, the pairs that the runs were trained on")
    else:
        others = asdict(runtime) | asdict(held_out) | {"data": data}
        _refuse(others, "without --style or --ablation")
        _need_paths(paths, 2, "give two folders, PREDICTED and TRUTH")
    found = _measure(paths, style, data, _metrics(metrics), weights_dir, runtime, held_out)
    _print(found, latex=latex, as_json=as_json)
    if not all(evaluation.is_complete for evaluation in found):
        raise typer.Exit(ExitCode.SOME_FAILED)


def _measure(
    paths: list[Path],
    style: str | None,
    data: Path | None,
    metrics: list[MetricName],
    weights_dir: Path | None,
    runtime: RuntimeChoice,
    held_out: HeldOutChoice,
) -> "list[Evaluation]":
    """Evaluate a style, the runs of an ablation (where there is `data`), or two folders."""
    need("evaluate", "eval", "torch")
    from pmsgan.cli.progress import PictureProgress, shown_conversion
    from pmsgan.evaluation.metrics import use_weights_of

    if weights_dir is not None:
        use_weights_of(weights_dir)
    with PictureProgress() as progress:
        start, count = progress.start, progress.count
        if style is not None:
            from pmsgan.evaluation.held_out import evaluate_style_on_folder

            return evaluate_style_on_folder(
                style, paths[0], metrics, held_out=held_out, runtime=runtime,
                conversion_progress=shown_conversion, on_start=start, on_picture=count,
            )  # fmt: skip
        if data is not None:
            need_torch("evaluate --ablation")
            from pmsgan.evaluation.ablation import evaluate_runs_on_folder

            return evaluate_runs_on_folder(
                paths, data, metrics, held_out=held_out, on_start=start, on_picture=count
            )
        from pmsgan.evaluation.evaluate import evaluate_folders

        return [evaluate_folders(paths[0], paths[1], metrics, on_start=start, on_picture=count)]


def _print(found: "Sequence[Evaluation]", *, latex: bool, as_json: bool) -> None:
    from pmsgan.evaluation.result import remarks, to_latex, to_text

    noted = [printable(remark) for remark in remarks(found)]
    if as_json:
        evaluations = [it.to_json() for it in found]
        show(to_json({"kind": "evaluation", "evaluations": evaluations, "remarks": noted}))
        return
    text = to_latex(found) if latex else to_text(found)
    show(text)
    for remark in noted:
        (tell if latex else show)(remark)


def _refuse(options: Mapping[str, object], where: str) -> None:
    """Raise ConfigError for the first option that was given and means nothing here."""
    for name, value in options.items():
        if value not in (None, False, "auto"):
            raise ConfigError(f"--{name.replace('_', '-')} means nothing {where}")


def _need_paths(paths: list[Path], count: int, hint: str) -> None:
    if len(paths) != count:
        raise ConfigError(hint)


def _metrics(text: str) -> list[MetricName]:
    given = [name.strip() for name in text.split(",")]
    for name in given:
        if name not in METRIC_NAMES:
            raise ConfigError(f"metric {name!r}: use some of {', '.join(METRIC_NAMES)}")
    return [name for name in METRIC_NAMES if name in given]
