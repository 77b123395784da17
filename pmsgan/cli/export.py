"""`pmsgan export`."""

from pathlib import Path
from typing import Annotated

import typer

from pmsgan.cli.boundary import one_line_errors
from pmsgan.cli.json_option import JsonOption, to_json
from pmsgan.engine.choices import TritonBackend


@one_line_errors
def export(
    style: Annotated[
        str | None, typer.Argument(help="Name of a style, or its folder.", show_default=False)
    ] = None,
    style_option: Annotated[
        str | None, typer.Option("--style", help="The same, as other commands take it.")
    ] = None,
    fp16: Annotated[bool, typer.Option("--fp16", help="Half precision inside the graph.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="File to write.", show_default="STYLE-PRECISION.onnx"),
    ] = None,
    triton: Annotated[
        Path | None,
        typer.Option(
            metavar="<repository>",
            help="Instead, add the style to this model repository of NVIDIA Triton.",
        ),
    ] = None,
    backend: Annotated[
        TritonBackend | None,
        typer.Option(help="What runs it in Triton.", show_default="onnxruntime"),
    ] = None,
    max_batch: Annotated[
        int | None,
        typer.Option(
            min=1, help="Pictures that Triton translates at a time at most.", show_default="8"
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write a style as one checked ONNX file.

    Its input and its output are uint8 [N, H, W, 3] BGR, as OpenCV decodes pictures.

    The file is run and compared with PyTorch; one that does not pass is not kept.
    Needs torch: pip install 'pmsgan[train]'. --triton takes the FP16 file that the style has, and
    needs no torch.
    """
    if (style is None) == (style_option is None):
        raise typer.BadParameter("give one style, such as pmsgan export anime")
    style = style or style_option or ""
    if triton is not None:
        if output is not None:
            raise typer.BadParameter("--triton and --output exclude each other")
        from pmsgan.export.triton import MAX_BATCH, export_triton

        model = export_triton(
            style, triton, backend=backend or "onnxruntime", max_batch=max_batch or MAX_BATCH
        )
        typer.echo(to_json(model.to_json()) if as_json else str(model))
        return
    if backend is not None or max_batch is not None:
        raise typer.BadParameter("--backend and --max-batch are for --triton")
    from pmsgan.cli.needs import need_torch

    need_torch("export")
    from pmsgan.export.exporter import export_style

    result = export_style(style, output, precision="fp16" if fp16 else "fp32")
    if as_json:
        typer.echo(to_json(result.to_json()))
        return
    typer.echo(f"{result.path}: {result.precision}, {result.accuracy}")
