"""`pmsgan evaluate`."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pmsgan.cli.boundary import ExitCode, one_line_errors
from pmsgan.cli.json_option import JsonOption, to_json
from pmsgan.cli.needs import need, need_torch
from pmsgan.cli.terminal import printable
from pmsgan.data.config import PresetName
from pmsgan.engine.choices import Backend, Precision
from pmsgan.errors import ConfigError
from pmsgan.evaluation.config import METRIC_NAMES, MetricName

if TYPE_CHECKING:
    from pmsgan.data.pairs import Pair
    from pmsgan.evaluation.result import Evaluation

_log = logging.getLogger(__name__)


@one_line_errors
def evaluate(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PREDICTED TRUTH | DATA | RUNS...",
            help="Two folders of pictures; with --style pairs; with --ablation training runs.",
        ),
    ],
    style: Annotated[
        str | None, typer.Option(help="Convert DATA with this style, and evaluate that.")
    ] = None,
    against: Annotated[
        Backend | None,
        typer.Option(help="With --style: another backend beside it; eager in FP32."),
    ] = None,
    backend: Annotated[Backend, typer.Option(help="With --style: runtime.")] = "auto",
    precision: Annotated[Precision, typer.Option(help="With --style: arithmetic.")] = "auto",
    ablation: Annotated[
        bool, typer.Option("--ablation", help="Rows (a) to (e) of the paper's Table II, from RUNS.")
    ] = False,
    data: Annotated[
        Path | None, typer.Option(help="With --ablation: the pairs that the runs were trained on.")
    ] = None,
    preset: Annotated[
        PresetName | None,
        typer.Option(help="Of pairs: a data set of the paper; its held-out pairs are taken."),
    ] = None,
    train_list: Annotated[
        Path | None,
        typer.Option(help="Of pairs: file that names those trained on; the others are taken."),
    ] = None,
    direction: Annotated[
        str | None,
        typer.Option(help="Of pairs: FROM:TO.", show_default="that of the training"),
    ] = None,
    metrics: Annotated[str, typer.Option(help="Some of them, with commas between.")] = ",".join(
        METRIC_NAMES
    ),
    weights_dir: Annotated[
        Path | None,
        typer.Option(
            help="A copy of torch hub's folder, with checkpoints/*.pth.",
            show_default="torch hub's own",
        ),
    ] = None,
    latex: Annotated[
        bool, typer.Option("--latex", help="Print rows for a table in LaTeX.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure how good pictures are: FID, FSIM, and LPIPS with three networks.

    pmsgan evaluate PREDICTED TRUTH: two folders of pictures with the same names.

    pmsgan evaluate --style NAME DATA: what ships, on pairs as for pmsgan train.

    pmsgan evaluate --ablation RUNS... --data DATA: the paper's ablation table.

    Needs the metrics' libraries: pip install 'pmsgan[eval]'; for --ablation also pmsgan[train].
    """
    of_style = {"against": against, "backend": backend, "precision": precision}
    of_pairs = {"preset": preset, "train-list": train_list, "direction": direction}
    if style is not None:
        _refuse({"ablation": ablation, "data": data}, "with --style")
        _need_paths(paths, 1, "with --style give one folder, DATA")
    elif ablation:
        _refuse(of_style, "with --ablation")
        if data is None:
            raise ConfigError("--ablation needs --data, the pairs that the runs were trained on")
    else:
        _refuse({**of_style, **of_pairs, "data": data}, "without --style or --ablation")
        _need_paths(paths, 2, "give two folders, PREDICTED and TRUTH")
    wanted = _metrics(metrics)
    need("evaluate", "eval", "torch")
    from pmsgan.cli.progress import PictureProgress
    from pmsgan.evaluation.metrics import use_weights_of
    from pmsgan.evaluation.result import remarks, to_latex, to_text

    if weights_dir is not None:
        use_weights_of(weights_dir)
    found: list[Evaluation]
    with PictureProgress() as progress:
        if style is not None:
            from pmsgan.evaluation.styles import evaluate_style
            from pmsgan.styles.registry import find_style

            chosen = find_style(style)
            runtimes: list[tuple[Backend, Precision]] = [(backend, precision)]
            if against is not None:
                runtimes.append((against, "fp32" if against == "eager" else "auto"))
            trained_in = {str(value) for key, value in chosen.origin.items() if key == "direction"}
            pairs = _held_out(paths[0], preset, train_list, direction, trained_in)
            found = evaluate_style(
                chosen, pairs, wanted, runtimes=runtimes,
                on_start=progress.start, on_picture=progress.count,
            )  # fmt: skip
        elif data is not None:
            need_torch("evaluate --ablation")
            from pmsgan.evaluation.ablation import evaluate_ablation
            from pmsgan.training.trained import load_trained

            runs = [load_trained(path) for path in paths]
            trained_in = {run.config.direction for run in runs}
            pairs = _held_out(data, preset, train_list, direction, trained_in)
            found = evaluate_ablation(
                runs, pairs, wanted, on_start=progress.start, on_picture=progress.count
            )
        else:
            from pmsgan.evaluation.evaluate import evaluate_folders

            found = [
                evaluate_folders(
                    paths[0], paths[1], wanted, on_start=progress.start, on_picture=progress.count
                )
            ]
    noted = [printable(remark) for remark in remarks(found)]
    if as_json:
        evaluations = [it.to_json() for it in found]
        typer.echo(to_json({"kind": "evaluation", "evaluations": evaluations, "remarks": noted}))
    else:
        text = to_latex(found) if latex else to_text(found)
        typer.echo("\n".join(printable(line) for line in text.split("\n")))
        for remark in noted:
            typer.echo(remark, err=latex)
    if not all(evaluation.is_complete for evaluation in found):
        raise typer.Exit(ExitCode.SOME_FAILED)


def _refuse(options: Mapping[str, object], where: str) -> None:
    """Raise ConfigError for the first option that was given and means nothing here."""
    for name, value in options.items():
        if value not in (None, False, "auto"):
            raise ConfigError(f"--{name} means nothing {where}")


def _need_paths(paths: list[Path], count: int, hint: str) -> None:
    if len(paths) != count:
        raise ConfigError(hint)


def _metrics(text: str) -> list[MetricName]:
    given = [name.strip() for name in text.split(",")]
    for name in given:
        if name not in METRIC_NAMES:
            raise ConfigError(f"metric {name!r}: use some of {', '.join(METRIC_NAMES)}")
    return [name for name in METRIC_NAMES if name in given]


def _held_out(
    folder: Path,
    preset: PresetName | None,
    train_list: Path | None,
    direction: str | None,
    trained_in: set[str],
) -> "Sequence[Pair]":
    """Return the pairs that were not trained on; all of them where nobody says which were."""
    from pmsgan.data.splits import load_split

    if direction is None:
        if len(trained_in) > 1:
            raise ConfigError(f"trained in {' and '.join(sorted(trained_in))}: give --direction")
        direction = next(iter(trained_in), None)
    split = load_split(folder, direction=direction, preset=preset, train_list=train_list)
    if preset is None and train_list is None:
        _log.warning(
            "evaluating on all %d pairs, %s: --train-list or --preset leaves out those that were "
            "trained on", len(split.pairs), split.direction,
        )  # fmt: skip
        return split.pairs
    return split.held_out
