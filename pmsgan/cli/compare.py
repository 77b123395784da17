"""`pmsgan compare`."""

from pathlib import Path
from typing import Annotated

import typer

from pmsgan.cli.boundary import one_line_errors
from pmsgan.cli.json_option import JsonOption, to_json
from pmsgan.cli.terminal import show_lines


@one_line_errors
def compare(
    a: Annotated[Path, typer.Argument(help="A report.json of convert, or a bench.json of bench.")],
    b: Annotated[Path, typer.Argument(help="Report of the same kind to compare it with.")],
    as_json: JsonOption = False,
) -> None:
    """Compare the speed of two runs, by their reports.

    A figure counts as different if the ranges (of all runs, or of a run's mean and medians) do not
    overlap and the medians are more than 10 % apart.
    """
    from pmsgan.benchmark.compare import compare_reports

    result = compare_reports(a, b)
    if as_json:
        show_lines(to_json(result.to_json()))
    else:
        show_lines(result.to_text())
