"""`pmsgan build-engine`."""

from typing import Annotated

import typer

from pmsgan.cli.boundary import one_line_errors
from pmsgan.engine.choices import CompilingBackend


@one_line_errors
def build_engine(
    style: Annotated[str, typer.Option(help="Name of a style, or its folder.")] = "anime",
    fp16: Annotated[
        bool,
        typer.Option(
            "--fp16/--fp32", help="Half precision (bf16 on a CPU that has it), or single."
        ),
    ] = True,
    backend: Annotated[CompilingBackend, typer.Option(help="Runtime to build for.")] = "auto",
) -> None:
    """Compile a style for this machine ahead of time.

    The result goes into your cache. pmsgan convert does the same at its start; this only takes the
    wait out of it.
    """
    from pmsgan.engine.build import build

    typer.echo(build(style, backend=backend, precision="auto" if fp16 else "fp32"))
