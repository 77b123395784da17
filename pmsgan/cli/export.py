"""`pmsgan export`."""

from pathlib import Path
from typing import Annotated

import typer

from pmsgan.cli.boundary import one_line_errors
from pmsgan.cli.json_option import JsonOption, to_json
from pmsgan.cli.required_packages import require_torch
from pmsgan.cli.terminal import show, show_lines


@one_line_errors
def export(
    style: Annotated[str, typer.Argument(help="Name of a style, or its folder.")],
    fp16: Annotated[bool, typer.Option("--fp16", help="Half precision inside the graph.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write.", show_default="STYLE-PRECISION.onnx"),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a style as one checked ONNX file.

    Its input and its output are uint8 [N, H, W, 3] BGR, as OpenCV decodes pictures.

    The file is run and compared with PyTorch; it is deleted if it differs too much.
    Needs torch, which the extra train installs.
    """
    require_torch("export")
    from pmsgan.export.exporter import export_style

    result = export_style(style, output, precision="fp16" if fp16 else "fp32")
    if as_json:
        show_lines(to_json(result.to_json()))
    else:
        show(f"{result.path}: {result.precision}, {result.accuracy}")
