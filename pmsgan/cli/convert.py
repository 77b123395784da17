"""`pmsgan convert`."""

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pmsgan.batch.settings import Cluster, ConvertSettings, RunSettings, Selection
from pmsgan.cli.boundary import ExitCode, one_line_errors
from pmsgan.cli.json_option import JsonOption, to_json
from pmsgan.cli.options import config_options
from pmsgan.cli.terminal import printable
from pmsgan.errors import PmsganError

if TYPE_CHECKING:
    from pmsgan.batch.files.folder import Folder
    from pmsgan.batch.plan import Plan
    from pmsgan.batch.report.report import Report


@one_line_errors
@config_options(
    rename={"output_format": "--format"},
    flags=("overwrite", "require_gpu"),
    show_default={
        "max_batch": "the engine's choice",
        "readers": "the cores, at most 8",
        "writers": "the cores, at most 8",
    },
)
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
    *,
    settings: ConvertSettings,
    selection: Selection,
    run: RunSettings,
    devices: Annotated[
        str | None, typer.Option(help="GPUs of this machine to use at once, such as 0,1,2,3.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="auto|HOST:PORT",
            help="Use all machines of a Ray cluster: the one that this machine belongs to, or the "
            "one at HOST:PORT. All must see the folders under these names.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
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
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what would become what, and end.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Translate every picture in a folder.

    An interrupted conversion resumes when the same command is run again: what is done and has not
    changed is kept. A picture that cannot be read is named and skipped; the rest is done, and the
    exit code is 1. Ctrl-C finishes the pictures that are in work; pressed again, it stops at once,
    as it does in a cluster.

    IN_DIR and OUT_DIR may be URLs such as s3://bucket/pictures: pip install s3fs.
    Several GPUs or machines need Ray: pip install 'pmsgan[cluster]'.
    """
    if report is not None and report.suffix.lower() == ".html":
        raise typer.BadParameter("give a name for the JSON file; the page goes beside it")
    where = _cluster(devices, cluster, workers)
    if dry_run:
        from pmsgan.batch.files.open import open_folder
        from pmsgan.batch.plan import plan_folder

        source = open_folder(in_dir)
        plan = plan_folder(source, open_folder(out_dir), settings.output_format, selection)
        _print_plan(plan, source, as_json=as_json)
        return
    from pmsgan.batch.convert import convert_folder
    from pmsgan.cli.progress import FolderProgress

    with FolderProgress() as progress:
        result = convert_folder(
            in_dir,
            out_dir,
            style,
            settings=settings,
            run=run,
            selection=selection,
            with_baseline=baseline,
            progress=progress,
            cluster=where,
        )
    problem = _write_report(result, report or _report_path(out_dir))
    if as_json:
        typer.echo(to_json(result.to_json()))
    else:
        typer.echo("\n".join(printable(line) for line in result.to_text().split("\n")))
    _end(result, problem, overwrite=run.overwrite)


def _cluster(devices: str | None, address: str | None, workers: int | None) -> Cluster | None:
    """Return where several engines run; None if one engine runs here."""
    if devices is None and address is None:
        if workers is not None:
            raise typer.BadParameter("--workers is for --cluster and --devices")
        return None
    if devices is not None and address is not None:
        raise typer.BadParameter("--devices and --cluster exclude each other")
    return Cluster(address=address, devices=_numbers(devices), workers=workers)


def _numbers(devices: str | None) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in devices.split(",")) if devices is not None else ()
    except ValueError:
        raise typer.BadParameter(
            f"--devices is {devices!r}: give numbers such as 0,1,2,3"
        ) from None


def _report_path(out_dir: str) -> Path:
    from pmsgan.batch.files.local_output import REPORT_NAME
    from pmsgan.batch.files.local_results import OWN_NAME
    from pmsgan.batch.files.open import open_folder

    folder = open_folder(out_dir).path
    # In a folder that is not there the report would be taken for somebody else's file.
    if folder is not None and (folder / OWN_NAME).exists():
        return folder / REPORT_NAME
    return Path(f"pmsgan-{REPORT_NAME}")


def _write_report(result: "Report", path: Path) -> PmsganError | None:
    """Write the report before anything goes to stdout, which may be closed; return the problem."""
    from pmsgan.batch.report.write import page_path, write_report

    try:
        write_report(result, path)
    except PmsganError as error:
        return error
    typer.echo(f"report: {printable(str(page_path(path)))}", err=True)
    return None


def _end(result: "Report", problem: PmsganError | None, *, overwrite: bool) -> None:
    """Say how the run ended, and end with its exit code."""
    if problem is not None and result.stopped is None:
        raise problem
    if problem is not None:
        typer.echo(f"error: {printable(str(problem))}", err=True)  # most likely the same reason
    if result.stopped is not None:
        again = "again without --overwrite" if overwrite else "it again"
        typer.echo(f"stopped: {printable(result.stopped)}; run {again} to resume", err=True)
    if result.is_interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)
    if result.failures or result.stopped:
        raise typer.Exit(ExitCode.SOME_FAILED)


def _print_plan(plan: "Plan", source: "Folder", *, as_json: bool) -> None:
    if as_json:
        typer.echo(to_json(plan.to_json()))
        return
    num_bytes = 0
    for job in plan.jobs():
        typer.echo(printable(f"{job.name} -> {job.output}"))
        if source.path is not None:  # a store would be asked for each
            with contextlib.suppress(OSError):  # it has gone since
                num_bytes += source.stamp(job.source).size
    for entry in plan.skipped:
        typer.echo(printable(f"{entry.name}: skipped, {entry.reason}"))
    for folder in plan.unlisted:
        typer.echo(printable(f"{folder.name}: {folder.reason}"))
    size = f", {num_bytes / 1e6:.1f} MB" if source.path is not None else ""
    typer.echo(
        f"{plan.num_jobs} pictures{size}; "
        f"{plan.num_skipped.total()} entries skipped; nothing was written"
    )
