"""Write a comparison as a table in Markdown or LaTeX, with the remarks that a reader needs."""

import importlib.metadata
import math
from collections.abc import Callable, Iterator, Sequence

from pmsgan.counts import count
from pmsgan.evaluation.bootstrap import CONFIDENCE, NUM_RESAMPLES
from pmsgan.evaluation.config import METRICS, MIN_FID_PICTURES, MetricName
from pmsgan.evaluation.result import Comparison, Evaluation, TrainedCount
from pmsgan.spread import digits

MAX_NAMED = 5
"""Most pictures that a remark names."""


def to_text(comparison: Comparison) -> str:
    """Return Markdown that reads well as it is: scores, differences, and how they were measured."""
    parts = [_markdown([_head(comparison), *_scores(comparison, str, _markdown_bold)])]
    if differences := _differences(comparison, str):
        parts += [f"{_difference_title(comparison)}:", _markdown(differences)]
    return "\n\n".join([*parts, "\n".join(_conditions(comparison))])


def to_latex(comparison: Comparison) -> str:
    """Return rows for a table in LaTeX (booktabs), the best in bold; the rest is in comments."""
    metrics = comparison.metrics
    head = ["Method", *(f"{METRICS[name].title} {METRICS[name].arrow}" for name in metrics)]
    rows = [_latex_row(head) + r" \midrule"]
    rows += [_latex_row(row[:-1]) for row in _scores(comparison, _latex_text, _latex_bold)]
    if differences := _differences(comparison, _latex_text):
        rows.append(f"% {_difference_title(comparison)}")
        rows += [f"% {_latex_row(row)}" for row in differences]
    return "\n".join([*rows, *(f"% {line}" for line in _conditions(comparison))])


def remarks(comparison: Comparison) -> list[str]:
    """Return a line for each missing item, and for each fact that a reader must know."""
    methods: dict[str, list[str]] = {}
    for evaluation in comparison.evaluations:
        for remark in _remarks(evaluation):
            methods.setdefault(remark, []).append(evaluation.method)
    everybody = len(comparison.evaluations)
    told = [
        remark if len(whose) == everybody else f"{', '.join(whose)}: {remark}"
        for remark, whose in methods.items()
    ]
    if comparison.trained is not None:
        told += trained_remarks(comparison.trained)
    return [_one_line(remark) for remark in told]


def trained_remarks(trained: TrainedCount) -> Iterator[str]:
    """Yield a line for the pairs that were trained on, and one for those that may have been."""
    if not trained.names:
        yield "no pair was used for training, according to the record of the training"
    elif trained.are_scored:
        yield (
            f"{count(len(trained.names), 'of these pairs was', 'of these pairs were')} used for "
            f"training, so their scores say little about other pictures: {_some(trained.names)}"
        )
    else:
        words = (
            "pair was used for training and is left out",
            "pairs were used for training and are left out",
        )
        yield f"{count(len(trained.names), *words)}: {_some(trained.names)}"
    if trained.same_name:
        known = count(len(trained.same_name), "pair has", "pairs have")
        yield (
            f"{known} the name of a training pair, but different files: make sure that they show "
            f"something else: {_some(trained.same_name)}"
        )


def _head(comparison: Comparison) -> list[str]:
    metrics = (METRICS[name] for name in comparison.metrics)
    return ["method", *(f"{metric.title}, {metric.better}" for metric in metrics), "pictures"]


def _scores(
    comparison: Comparison, name_text: Callable[[str], str], bold: Callable[[str], str]
) -> list[list[str]]:
    """Return a row for each method; the best of each metric is bold where there are several."""
    columns = []
    for metric in comparison.metrics:
        values = [evaluation.scores[metric].value for evaluation in comparison.evaluations]
        texts = ["--" if value is None else digits(value) for value in values]
        known = [value for value in values if value is not None]
        if len(known) > 1:
            best = digits(min(known) if METRICS[metric].better == "lower" else max(known))
            texts = [bold(text) if text == best else text for text in texts]
        columns.append(texts)
    return [
        [
            _one_line(name_text(evaluation.method)),
            *(column[row] for column in columns),
            str(evaluation.num_pairs),
        ]
        for row, evaluation in enumerate(comparison.evaluations)
    ]


def _differences(comparison: Comparison, name_text: Callable[[str], str]) -> list[list[str]]:
    """Return a head, and a row for each method but the first; none where nothing is known.

    FID has one value for all pictures, and so has no interval.
    """
    columns = {}
    for metric in comparison.metrics:
        found = [
            comparison.difference(metric, evaluation) for evaluation in comparison.evaluations[1:]
        ]
        if any(difference is not None for difference in found):
            columns[METRICS[metric].title] = ["--" if it is None else str(it) for it in found]
    if not columns:
        return []
    names = [_one_line(name_text(evaluation.method)) for evaluation in comparison.evaluations[1:]]
    return [["method", *columns], *map(list, zip(names, *columns.values(), strict=True))]


def _difference_title(comparison: Comparison) -> str:
    return (
        f"Difference to {_one_line(comparison.evaluations[0].method)}, with its "
        f"{100 * CONFIDENCE:.0f} % interval (paired bootstrap over pictures, "
        f"{NUM_RESAMPLES:,} resamples)"
    )


def _conditions(comparison: Comparison) -> Iterator[str]:
    """Yield how many pictures of which size were compared, and by which libraries."""
    sizes = comparison.sizes
    if sizes:
        whose = "the results'" if comparison.resizes_truth else "the true pictures'"
        small, large = (pick(sizes, key=math.prod) for pick in (min, max))
        shown = f"{small[0]}x{small[1]}"
        if len(sizes) > 1:
            shown = f"{len(sizes)} sizes, {shown} to {large[0]}x{large[1]}"
        yield f"{count(sum(sizes.values()), 'picture')} of {shown} ({whose} own size), 8 bits, sRGB"
    for name in comparison.metrics:
        metric = METRICS[name]
        yield f"{metric.title}: {metric.distribution} {_version(name)}, {metric.measured_on}"


def _version(name: MetricName) -> str:
    try:
        return importlib.metadata.version(METRICS[name].distribution)
    except importlib.metadata.PackageNotFoundError:
        return "(not installed)"


def _remarks(evaluation: Evaluation) -> Iterator[str]:
    yield from _without_number(evaluation)
    if evaluation.num_resized:
        resized = count(evaluation.num_resized, "picture was", "pictures were")
        yield f"{resized} resized to that size before the comparison"
    if evaluation.only_predicted:
        results = count(len(evaluation.only_predicted), "result has", "results have")
        yield f"{results} no true picture: {_some(evaluation.only_predicted)}"
    if evaluation.only_true:
        true_pictures = count(len(evaluation.only_true), "true picture has", "true pictures have")
        yield f"{true_pictures} no result: {_some(evaluation.only_true)}"
    by_reason: dict[str, list[str]] = {}
    for picture, why in evaluation.failures.items():
        by_reason.setdefault(why, []).append(picture)
    for why, pictures in list(by_reason.items())[:MAX_NAMED]:
        yield f"{_some(pictures)} not compared: {why}"
    if len(by_reason) > MAX_NAMED:
        yield f"{count(len(evaluation.failures), 'pair')} not compared"
    is_known = "fid" in evaluation.scores and evaluation.scores["fid"].value is not None
    if is_known and evaluation.num_pairs < MIN_FID_PICTURES:
        compared = count(evaluation.num_pairs, "picture")
        yield f"FID over {compared} means little: it needs at least {MIN_FID_PICTURES:,}"


def _without_number(evaluation: Evaluation) -> Iterator[str]:
    """Yield a line for each reason why metrics, or pictures of metrics, have no number."""
    by_reason: dict[tuple[str, str], list[str]] = {}
    for name, score in evaluation.scores.items():
        why = f": {score.reason}" if score.reason else ""
        if score.value is None:
            by_reason.setdefault(("not measured", why), []).append(METRICS[name].title)
        elif score.missing:
            without = f"without a number for {_some(score.missing)}"
            by_reason.setdefault((without, why), []).append(METRICS[name].title)
    for (what, why), titles in by_reason.items():
        yield f"{', '.join(titles)} {what}{why}"


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more


def _one_line(text: str) -> str:
    """Keep names of files from making lines of their own."""
    return " ".join(text.split())


def _markdown(rows: Sequence[Sequence[str]]) -> str:
    """Return a table in Markdown with columns of even width; the first row is its head."""
    texts = [[cell.replace("|", r"\|") for cell in row] for row in rows]
    widths = [max(4, *map(len, column)) for column in zip(*texts, strict=True)]
    lines = []
    for row in texts:
        first, *others = zip(row, widths, strict=True)
        cells = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]
        lines.append(f"| {' | '.join(cells)} |")
    rules = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join([lines[0], f"| {' | '.join(rules)} |", *lines[1:]])


def _markdown_bold(text: str) -> str:
    return f"**{text}**"


def _latex_bold(text: str) -> str:
    return rf"\textbf{{{text}}}"


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"


_LATEX = {"\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}"} | {
    character: f"\\{character}" for character in "&%$#_{}"
}


def _latex_text(text: str) -> str:
    return "".join(_LATEX.get(letter, letter) for letter in _one_line(text))
