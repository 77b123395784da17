"""`pmsgan export-triton`."""

from pathlib import Path
from typing import Annotated

import typer

from pmsgan.cli.boundary import one_line_errors
from pmsgan.cli.json_option import JsonOption, to_json
from pmsgan.cli.terminal import show, show_lines
from pmsgan.engine.choices import TritonBackend


@one_line_errors
def export_triton(
    style: Annotated[str, typer.Argument(help="Name of a style, or its folder.")],
    repository: Annotated[
        Path, typer.Argument(help="Model repository; created if it does not exist.")
    ],
    backend: Annotated[
        TritonBackend, typer.Option(help="Backend that runs the style in Triton.")
    ] = "onnxruntime",
    max_batch: Annotated[
        int | None,
        typer.Option(min=1, help="Largest batch that Triton may form.", show_default="8"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Add a style to an NVIDIA Triton repository.

    A style that is already in the repository gets a new version. The model is the style's own FP16
    file, so this needs no torch.
    """
    from pmsgan.export.triton import MAX_BATCH
    from pmsgan.export.triton import export_triton as add_to_repository

    model = add_to_repository(style, repository, backend=backend, max_batch=max_batch or MAX_BATCH)
    show_lines(to_json(model.to_json())) if as_json else show(str(model))
