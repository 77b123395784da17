"""`pmsgan doctor`."""

from pmsgan.cli.boundary import one_line_errors
from pmsgan.cli.json_option import JsonOption, to_json
from pmsgan.cli.terminal import show_lines


@one_line_errors
def doctor(as_json: JsonOption = False) -> None:
    """Show which backends can run here, and what the others need."""
    from pmsgan.engine.doctor import diagnose

    diagnosis = diagnose()
    show_lines(to_json(diagnosis.to_json()) if as_json else diagnosis.to_text())
