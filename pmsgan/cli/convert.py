"""`pmsgan convert`."""

from pathlib import Path
from typing import Annotated

import typer

from pmsgan.cli.boundary import ExitCode, one_line_errors
from pmsgan.engine.choices import Backend, Precision
from pmsgan.formats import ImageFormat


@one_line_errors
def convert(
    in_dir: Annotated[Path, typer.Argument(help="Folder of pictures; nothing in it is changed.")],
    out_dir: Annotated[Path, typer.Argument(help="Folder for the results; sub-folders are kept.")],
    style: Annotated[
        str, typer.Option(help="Name of a style (see pmsgan styles list), or its folder.")
    ] = "anime",
    backend: Annotated[
        Backend,
        typer.Option(help="Runtime; auto takes the first that can run here."),
    ] = "auto",
    precision: Annotated[
        Precision,
        typer.Option(help="Arithmetic; auto is fp16 on a GPU, bf16 on a CPU that has it."),
    ] = "auto",
    require_gpu: Annotated[
        bool, typer.Option("--require-gpu", help="End with an error where no GPU can run it.")
    ] = False,
    image_format: Annotated[
        ImageFormat, typer.Option("--format", help="Format of the results.")
    ] = "png",
    batch: Annotated[
        int | None,
        typer.Option(
            min=1, help="Pictures in one slot of the engine.", show_default="the engine's choice"
        ),
    ] = None,
    baseline: Annotated[
        bool, typer.Option(help="Afterwards, time eager PyTorch on some of the pictures.")
    ] = True,
    report: Annotated[
        Path | None,
        typer.Option(help="Where the report goes.", show_default="OUT_DIR/report.json"),
    ] = None,
) -> None:
    """Translate every picture in a folder.

    Results that an earlier run left in OUT_DIR are replaced. A picture that cannot be read is
    named and skipped; the rest is done, and the exit code is 1.
    """
    from pmsgan.batch.convert import convert_folder
    from pmsgan.batch.report import REPORT_NAME, write_report
    from pmsgan.cli.progress import FolderProgress

    with FolderProgress() as progress:
        result = convert_folder(
            in_dir,
            out_dir,
            style,
            backend=backend,
            precision=precision,
            max_batch=batch,
            require_gpu=require_gpu,
            image_format=image_format,
            with_baseline=baseline,
            on_start=progress.start,
            on_done=progress.count,
        )
    typer.echo(result.to_text())
    write_report(result, report or out_dir / REPORT_NAME)
    if result.failures:
        raise typer.Exit(ExitCode.SOME_FAILED)
