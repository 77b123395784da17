"""`pmsgan convert`."""

import contextlib
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from pmsgan.batch.settings import ConvertSettings, Fit, OutputSize
from pmsgan.cli.boundary import ExitCode, one_line_errors
from pmsgan.cli.json_option import JsonOption, to_json
from pmsgan.cli.terminal import printable
from pmsgan.engine.choices import Backend, Precision
from pmsgan.errors import PmsganError
from pmsgan.formats import OutputFormat

if TYPE_CHECKING:
    from pmsgan.batch.files.bucket import Place

_USUAL = ConvertSettings()
_ADDRESS = re.compile(r"auto|ray://.*|.*:\d+")
"""What may follow --cluster; anything else is the next argument."""


class ConvertCommand(TyperCommand):
    """`pmsgan convert`, whose --cluster may stand without an address."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Give --cluster its usual address where the next word is none."""
        for place, word in reversed(list(enumerate(args))):
            if word == "--cluster" and not _ADDRESS.fullmatch("".join(args[place + 1 : place + 2])):
                args = [*args[: place + 1], "auto", *args[place + 1 :]]
        return super().parse_args(ctx, args)


@one_line_errors
def convert(
    in_dir: Annotated[
        str, typer.Argument(help="Folder of pictures, or its URL; nothing in it is changed.")
    ],
    out_dir: Annotated[
        str, typer.Argument(help="Folder for the results, or its URL; sub-folders are kept.")
    ],
    style: Annotated[
        str, typer.Option(help="Name of a style (see pmsgan styles list), or its folder.")
    ] = "anime",
    fit: Annotated[
        Fit,
        typer.Option(
            help="Pictures of another shape: change proportions, fill up, or cut to the middle."
        ),
    ] = _USUAL.fit,
    output_size: Annotated[
        OutputSize, typer.Option(help="Size of the results: the style's, or their source's.")
    ] = _USUAL.output_size,
    output_format: Annotated[
        OutputFormat,
        typer.Option("--format", help="Format of the results; same keeps JPEG, PNG and WebP."),
    ] = _USUAL.output_format,
    quality: Annotated[
        int, typer.Option(min=1, max=100, help="Of JPEG and WebP.")
    ] = _USUAL.quality,
    png_level: Annotated[
        int, typer.Option(min=0, max=9, help="Compression of PNG: 0 none, 9 smallest and slow.")
    ] = _USUAL.png_level,
    include: Annotated[
        list[str] | None,
        typer.Option(help="Only pictures that match, such as '*.jpg'; may be given repeatedly."),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(help="No pictures and no folders that match, such as thumbs; likewise."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Do everything again, whatever is in OUT_DIR.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would become what, and end.")
    ] = False,
    backend: Annotated[
        Backend,
        typer.Option(help="Runtime; auto takes the first that can run here."),
    ] = "auto",
    precision: Annotated[
        Precision,
        typer.Option(help="Arithmetic; auto is fp16 on a GPU, bf16 on a CPU that has it."),
    ] = _USUAL.precision,
    require_gpu: Annotated[
        bool, typer.Option("--require-gpu", help="End with an error where no GPU can run it.")
    ] = False,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1, help="Pictures in one slot of the engine.", show_default="the engine's choice"
        ),
    ] = None,
    slots: Annotated[
        int | None, typer.Option(min=1, help="Batches in memory.", show_default="4")
    ] = None,
    readers: Annotated[
        int | None,
        typer.Option(min=1, help="Threads that read.", show_default="the cores, at most 8"),
    ] = None,
    writers: Annotated[
        int | None,
        typer.Option(min=1, help="Threads that write.", show_default="the cores, at most 8"),
    ] = None,
    devices: Annotated[
        str | None, typer.Option(help="GPUs of this machine to use at once, such as 0,1,2,3.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="[ADDRESS]",
            help="Use all machines of a Ray cluster: the one that this machine belongs to, or the "
            "one at HOST:PORT. All must see the folders under these names.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Engines in the cluster.",
            show_default="one for each GPU; without GPUs one for each machine",
        ),
    ] = None,
    baseline: Annotated[
        bool, typer.Option(help="Afterwards, time eager PyTorch on some of the pictures.")
    ] = True,
    report: Annotated[
        Path | None,
        typer.Option(
            help="Where the report goes; a page of the same name with .html beside it.",
            show_default="OUT_DIR/report.json, where that is a folder",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Translate every picture in a folder.

    Interrupted conversions go on when the same command is run again: what is done and has not
    changed is kept. A picture that cannot be read is named and skipped; the rest is done, and the
    exit code is 1. Ctrl-C finishes the pictures that are in work; pressed again, it stops at once,
    as it does in a cluster.

    Several GPUs, several machines, and URLs such as s3://bucket/pictures need Ray:
    pip install 'pmsgan[cluster]'.
    """
    if report is not None and report.suffix.lower() == ".html":
        raise typer.BadParameter("give a name for the JSON file; the page goes beside it")
    settings = ConvertSettings(
        output_format=output_format,
        quality=quality,
        png_level=png_level,
        fit=fit,
        output_size=output_size,
        precision=precision,
    )
    if devices is not None and cluster is not None:
        raise typer.BadParameter("--devices and --cluster exclude each other")
    from pmsgan.batch.files.bucket import parse_place

    source, target = parse_place(in_dir), parse_place(out_dir)
    if dry_run:
        _print_plan(source, target, settings, include or (), exclude or (), as_json=as_json)
        return
    from pmsgan.batch.report.write import page_path, write_report
    from pmsgan.batch.workers import MIN_SLOTS
    from pmsgan.cli.progress import FolderProgress

    common: dict[str, Any] = {
        "settings": settings,
        "include": include or (),
        "exclude": exclude or (),
        "overwrite": overwrite,
        "backend": backend,
        "require_gpu": require_gpu,
        "max_batch": batch,
        "num_readers": readers,
        "num_writers": writers,
        "num_slots": slots or MIN_SLOTS,
    }
    with FolderProgress() as progress:
        common |= {"on_start": progress.start, "on_done": progress.count}
        is_alone = devices is None and cluster is None
        if is_alone and isinstance(source, Path) and isinstance(target, Path):
            if workers is not None:
                raise typer.BadParameter("--workers is for --cluster, --devices and URLs")
            from pmsgan.batch.convert import convert_folder

            result = convert_folder(source, target, style, with_baseline=baseline, **common)
        else:
            from pmsgan.batch.cluster.run import Cluster, convert_on_cluster

            where = Cluster(address=cluster, devices=_numbers(devices), num_workers=workers)
            result = convert_on_cluster(
                source, target, style, where, on_workers=progress.show_workers, **common
            )
    if report is None:
        report = _report_path(target)
    problem: PmsganError | None = None
    try:
        write_report(result, report)  # before stdout, which may be closed
    except PmsganError as error:
        problem = error
    if as_json:
        typer.echo(to_json(result.to_json()))
    else:
        typer.echo("\n".join(printable(line) for line in result.to_text().split("\n")))
    if problem is None:
        typer.echo(f"report: {printable(str(page_path(report)))}", err=True)
    elif result.stopped is None:
        raise problem
    else:
        typer.echo(f"error: {printable(str(problem))}", err=True)  # most likely the same reason
    if result.stopped is not None:
        again = "again without --overwrite" if overwrite else "it again"
        typer.echo(f"stopped: {printable(result.stopped)}; run {again} to go on", err=True)
    if result.is_interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)
    if result.failures or result.stopped:
        raise typer.Exit(ExitCode.SOME_FAILED)


def _numbers(devices: str | None) -> tuple[int, ...]:
    if devices is None:
        return ()
    try:
        numbers = tuple(int(number) for number in devices.split(","))
    except ValueError:
        numbers = (-1,)
    if min(numbers) < 0 or len(set(numbers)) < len(numbers):
        raise typer.BadParameter(f"--devices is {devices!r}: give numbers such as 0,1,2,3")
    return numbers


def _report_path(out_dir: "Place") -> Path:
    from pmsgan.batch.files.local_output import REPORT_NAME
    from pmsgan.batch.files.local_results import OWN_NAME

    # In a folder that is not there the report would be taken for somebody else's file.
    if isinstance(out_dir, Path) and (out_dir / OWN_NAME).exists():
        return out_dir / REPORT_NAME
    return Path(f"pmsgan-{REPORT_NAME}")


def _print_plan(
    in_dir: "Place",
    out_dir: "Place",
    settings: ConvertSettings,
    include: list[str] | tuple[()],
    exclude: list[str] | tuple[()],
    *,
    as_json: bool,
) -> None:
    from pmsgan.batch.plan import plan_folder

    plan = plan_folder(in_dir, out_dir, settings.output_format, include=include, exclude=exclude)
    if as_json:
        typer.echo(to_json(plan.to_json()))
        return
    num_bytes = 0
    for job in plan.jobs():
        typer.echo(printable(f"{job.name} -> {job.output}"))
        if isinstance(in_dir, Path):  # a store would be asked for each
            with contextlib.suppress(OSError):  # it has gone since
                num_bytes += job.source.stat().st_size
    for entry in plan.passed_over:
        typer.echo(printable(f"{entry.name}: passed over, {entry.reason}"))
    for folder in plan.unlisted:
        typer.echo(printable(f"{folder.name}: {folder.reason}"))
    size = f", {num_bytes / 1e6:.1f} MB" if isinstance(in_dir, Path) else ""
    typer.echo(
        f"{plan.num_jobs} pictures{size}; "
        f"{plan.num_passed_over.total()} entries passed over; nothing was written"
    )
