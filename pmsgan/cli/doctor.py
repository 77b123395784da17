"""`pmsgan doctor`."""

import typer

from pmsgan.cli.boundary import one_line_errors


@one_line_errors
def doctor() -> None:
    """Say what is installed, which backends can run here, and what the others lack."""
    from pmsgan.engine.doctor import examine

    for line in examine():
        typer.echo(line)
