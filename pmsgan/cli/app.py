"""The `pmsgan` command."""

from typing import Annotated

import typer

import pmsgan
from pmsgan.cli import boundary
from pmsgan.cli.bench import bench
from pmsgan.cli.build_engine import build_engine
from pmsgan.cli.compare import compare
from pmsgan.cli.convert import convert
from pmsgan.cli.doctor import doctor
from pmsgan.cli.evaluate import evaluate
from pmsgan.cli.export import export
from pmsgan.cli.export_triton import export_triton
from pmsgan.cli.prepare import prepare_app
from pmsgan.cli.serve import serve
from pmsgan.cli.study import study_app
from pmsgan.cli.styles import styles_app
from pmsgan.cli.terminal import (
    escape_unencodable_output,
    fill_closed_streams,
    log_to_stderr,
    show,
)
from pmsgan.cli.train import train
from pmsgan.cli.usage import App

app = App(
    name="pmsgan",
    epilog="Start with: pmsgan convert IN OUT --style anime",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command()(convert)
app.command()(serve)
app.command()(train)
app.command()(export)
app.command("export-triton")(export_triton)
app.command("build-engine")(build_engine)
app.command()(bench)
app.command()(compare)
app.command()(evaluate)
app.command()(doctor)
app.add_typer(prepare_app, name="prepare")
app.add_typer(study_app, name="study")
app.add_typer(styles_app, name="styles")


def _print_version(wanted: bool) -> None:
    if wanted:
        show(f"pmsgan {pmsgan.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version and exit.", is_eager=True, callback=_print_version
        ),
    ] = False,
    traceback: Annotated[
        bool, typer.Option("--traceback", help="Print the traceback of an error.")
    ] = False,
) -> None:
    """Translate folders of face pictures with a trained PMSGAN network."""
    fill_closed_streams()
    log_to_stderr()
    escape_unencodable_output()
    boundary.show_tracebacks = traceback
