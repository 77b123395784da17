"""`pmsgan study`."""

from pathlib import Path
from typing import Annotated

import typer

from pmsgan.cli.boundary import one_line_errors
from pmsgan.cli.json_option import JsonOption, to_json
from pmsgan.cli.methods import named_folders
from pmsgan.cli.required_packages import require_packages
from pmsgan.cli.terminal import show, show_lines
from pmsgan.cli.usage import App
from pmsgan.counts import count
from pmsgan.errors import PmsganError

study_app = App(help="Ask people how good pictures are, and count their answers.")


@study_app.command("make")
@one_line_errors
def make_command(
    methods: Annotated[
        list[str], typer.Argument(metavar="METHOD=FOLDER...", help="Pictures of each method.")
    ],
    truth: Annotated[Path, typer.Option(help="Folder of the true pictures.")],
    inputs: Annotated[Path, typer.Option("--input", help="Folder of the input pictures.")],
    questions: Annotated[int, typer.Option(min=1, help="Pictures to ask about.")] = 5,
    seed: Annotated[
        int, typer.Option(help="Seed for choosing the pictures and shuffling the methods.")
    ] = 0,
    output: Annotated[Path, typer.Option("--output", "-o", help="Questionnaire to write.")] = Path(
        "study.html"
    ),
) -> None:
    """Write a questionnaire as one page to send to people.

    It shows the pictures without the names of the methods, in a different order for each question,
    and saves the answers as a JSON file, which people send back to you.
    """
    from pmsgan.atomic import write_whole
    from pmsgan.evaluation.study import make_study

    page = make_study(named_folders(methods), truth, inputs, questions, seed)
    try:
        write_whole(output, page.encode())
    except OSError as error:
        raise PmsganError(f"cannot write {output}: {error.strerror}") from error
    num_pictures = count(questions * len(methods), "picture")
    show(f"{output}: {count(questions, 'question')}, {num_pictures} to rate")


@study_app.command("tally")
@one_line_errors
def tally_command(
    answers: Annotated[list[Path], typer.Argument(help="Files that the questionnaire saved.")],
    as_json: JsonOption = False,
) -> None:
    """Count answers: votes at each level, and mean opinion scores.

    Votes are percentages. Each score comes with its 95 % interval, which estimates how other people
    would rate the same pictures.
    """
    require_packages("study tally", "eval", "scipy")
    from pmsgan.evaluation.tally import tally_answers

    result = tally_answers(answers)
    if as_json:
        show_lines(to_json(result.to_json()))
    else:
        show_lines(result.to_text())
