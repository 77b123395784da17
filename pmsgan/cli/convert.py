"""`pmsgan convert`."""

import contextlib
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Literal, TextIO

import typer

from pmsgan.batch.settings import Cluster, ConvertSettings, RunSettings, Selection
from pmsgan.cli.boundary import ExitCode, one_line_errors
from pmsgan.cli.json_option import JsonOption, to_json
from pmsgan.cli.options import config_options
from pmsgan.cli.terminal import print_note, show, show_lines
from pmsgan.counts import count
from pmsgan.errors import ConfigError, OutputError, PmsganError
from pmsgan.formats import FORMAT_ALIASES, PICTURE_SUFFIXES, format_of, output_suffix
from pmsgan.styles.palette import read_palette

if TYPE_CHECKING:
    from pmsgan.batch.report.report import Report

STANDARD = "-"
"""Names the standard input, or the standard output."""


def _address(given: str | None) -> str | None:
    """Refuse the next option or argument, which --cluster takes where its value is left out."""
    if given is not None and given != "auto" and ":" not in given:
        raise typer.BadParameter("give auto or HOST:PORT", param_hint="--cluster")
    return given


@one_line_errors
@config_options(
    rename={"output_format": "--format"},
    flags=("overwrite", "verify", "require_gpu", "shade"),
    show_default={
        "working_size": "the style's",
        "max_batch": "the engine's choice",
        "readers": "the cores, at most 8",
        "writers": "the cores, at most 8",
    },
)
def convert(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="IN",
            help="Folder of pictures, its URL, one or more pictures, or - to read one from stdin. "
            "Nothing in IN is changed.",
        ),
    ],
    target: Annotated[
        str,
        typer.Argument(
            metavar="OUT",
            help="Folder for the results, or its URL; it mirrors the subfolders of IN. For a "
            "single picture, also a file such as out.png, or - for stdout.",
        ),
    ],
    style: Annotated[
        str, typer.Option(help="Name of a style (see pmsgan styles list), or its folder.")
    ] = "anime",
    *,
    palette: Annotated[
        str | None,
        typer.Option(
            metavar="PART=#rrggbb,...|random:SEED|FILE.toml",
            help="Colours for the parts of results, for a style that has parts (pmsgan styles show "
            "lists them). PART=#rrggbb,..., such as hair=#2244aa,skin=#f0c8a0, sets those parts; "
            "the others keep the style's colours. random:SEED, such as random:7, derives the "
            "colours of each picture from its name and the seed. FILE.toml has a section for each "
            "pattern "
            "of picture names, such as ['alice_*'], with lines such as hair = '#2244aa' or random "
            "= 7; the first match applies, and [default] covers the rest.",
            show_default="as the network made them",
        ),
    ] = None,
    settings: ConvertSettings,
    selection: Selection,
    run: RunSettings,
    devices: Annotated[
        str | None, typer.Option(help="GPUs of this machine to use in parallel, such as 0,1,2,3.")
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="auto|HOST:PORT",
            callback=_address,
            help="Use all machines of a Ray cluster: auto is the cluster that this machine belongs "
            "to, HOST:PORT another one. Every machine must see IN and OUT under the same names.",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            help="Worker processes, each with its own engine. To run several on each GPU, give a "
            "multiple of the number of GPUs.",
            show_default="one per GPU, or as many as keep it busy in a large folder; without GPUs, "
            "one per machine",
        ),
    ] = None,
    insecure_cluster: Annotated[
        bool,
        typer.Option(
            "--insecure-cluster",
            help="Join a Ray cluster even if it asks for no token. Anyone who can reach such a "
            "cluster can run code on it.",
        ),
    ] = False,
    baseline: Annotated[
        bool, typer.Option(help="Afterwards, time eager PyTorch on some of the pictures.")
    ] = True,
    report: Annotated[
        Path | None,
        typer.Option(
            help="JSON file for the report; an HTML page of the same name is written beside it.",
            show_default="OUT/report.json; none for a single picture",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the path that each result would get, and exit.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Translate a folder of pictures, or single pictures.

    pmsgan convert IN_DIR OUT_DIR: a folder and its subfolders.

    pmsgan convert photo.jpg out.png: one picture.

    pmsgan convert a.jpg b.png OUT_DIR: several pictures, or 'pics/*.jpg'.

    pmsgan convert - - < photo.jpg > out.png: a pipe.

    To resume an interrupted conversion, run the same command again: pictures that are done and have
    not changed are skipped. A picture that cannot be read is named and skipped; the rest are
    converted, and the exit code is 1. Ctrl-C finishes the pictures in progress; a second Ctrl-C
    stops at once, and so does the first on a cluster.

    IN and OUT may be URLs such as s3://bucket/pictures, which need s3fs. Several GPUs or machines
    need Ray, which the extra cluster installs.
    """
    if palette is not None:
        settings = replace(settings, palette=read_palette(palette))
    if report is not None and report.suffix.lower() == ".html":
        raise typer.BadParameter("name the JSON file; the HTML page is written beside it")
    where = _cluster(devices, cluster, workers, insecure=insecure_cluster)
    kind = _kind(sources, target)
    _check_target(sources, target, kind)
    if kind != "folder" and (where is not None or selection != Selection()):
        raise typer.BadParameter(
            "--cluster, --devices, --include and --exclude need a folder as IN"
        )
    if kind == "picture" and dry_run:
        raise typer.BadParameter("--dry-run needs a folder or several pictures as IN")
    if target == STANDARD and (as_json or kind != "picture"):
        raise typer.BadParameter("stdout can take only the result of a single picture")
    if dry_run:
        _print_plan(sources, target, settings, selection, as_json=as_json)
        return
    from pmsgan.batch.convert import convert_folder, convert_picture, convert_pictures
    from pmsgan.cli.progress import FolderProgress

    with FolderProgress() as progress:
        if kind == "folder":
            result = convert_folder(
                sources[0],
                target,
                style,
                settings=settings,
                run=run,
                selection=selection,
                with_baseline=baseline,
                progress=progress,
                cluster=where,
            )
        elif kind == "pictures":
            result = convert_pictures(
                sources, target, style,
                settings=settings, run=run, with_baseline=baseline, progress=progress,
            )  # fmt: skip
        else:
            result = convert_picture(
                _binary(sys.stdin, "input") if sources[0] == STANDARD else sources[0],
                _binary(sys.stdout, "output")
                if target == STANDARD
                else _file(sources[0], target, settings),
                style, settings=settings, run=run,
                with_baseline=baseline and report is not None, progress=progress,
            )  # fmt: skip
    if report is None and kind != "picture":
        report = _report_path(target)
    problem = None if report is None else _write_report(result, report)
    if as_json:
        show_lines(to_json(result.to_json()))
    elif target != STANDARD:
        _show_text(result)
    _end(result, problem, overwrite=run.overwrite)


def _kind(sources: list[str], target: str) -> Literal["folder", "pictures", "picture"]:
    """Return the kind of IN: one folder, one picture, or pictures whose results go to a folder."""
    from pmsgan.batch.files.open import is_folder, is_url

    if len(sources) > 1:
        return "pictures"
    if sources[0] == STANDARD or Path(sources[0]).is_file():
        return "picture" if not is_url(target) else "pictures"
    return "folder" if is_folder(sources[0]) else "pictures"


def _check_target(sources: list[str], target: str, kind: str) -> None:
    """Raise BadParameter for a target whose name contradicts its kind, or is that of a style."""
    from pmsgan.batch.files.open import is_on_web, is_url
    from pmsgan.styles.registry import list_styles

    lacks_option = len(sources) > 1 and Path(sources[0]).is_dir() and not Path(target).exists()
    if lacks_option and target in {style.name for style in list_styles()}:
        raise typer.BadParameter(
            f"{target} is taken for the folder of the results: did you mean --style {target}?"
        )

    if is_on_web(target):
        raise typer.BadParameter(f"{target} is on the web: give a folder, or a bucket's URL")
    is_file = Path(target).suffix.lower() in FORMAT_ALIASES and not target.endswith("/")
    if kind != "picture" and is_file and not is_url(target) and not Path(target).is_dir():
        raise typer.BadParameter(
            f"{target} is the name of a single picture: give a folder for several results"
        )


def _binary(stream: TextIO | None, name: str) -> BinaryIO:
    """Return the bytes of a standard stream; raise ConfigError if it was closed from the start."""
    if stream is None:
        raise ConfigError(f"the standard {name} is closed: give the name of a file")
    return stream.buffer


def _file(source: str, target: str, settings: ConvertSettings) -> Path:
    """Return the file that the result of one picture goes to, as `cp` has it.

    Raises:
        ConfigError: the name is neither that of a result nor that of a folder.
    """
    if not (target.endswith("/") or Path(target).is_dir()):
        try:
            format_of(Path(target))
        except ConfigError as error:
            if Path(target).suffix.lower() in PICTURE_SUFFIXES:
                raise
            raise ConfigError(f"{error}; for a folder, write {target}/") from error
        return Path(target)
    picture = Path("stdin" if source == STANDARD else source)
    return Path(target, picture.stem + output_suffix(picture.suffix, settings.output_format))


def _cluster(
    devices: str | None, address: str | None, workers: int | None, *, insecure: bool
) -> Cluster | None:
    """Return where several engines run; None if one engine runs here."""
    if insecure and address is None:
        raise typer.BadParameter("--insecure-cluster needs --cluster")
    if devices is None and address is None:
        if workers is not None:
            raise typer.BadParameter("--workers needs --cluster or --devices")
        return None
    if devices is not None and address is not None:
        raise typer.BadParameter("--devices and --cluster cannot be combined")
    return Cluster(address=address, devices=_numbers(devices), workers=workers, insecure=insecure)


def _numbers(devices: str | None) -> tuple[int, ...]:
    try:
        return tuple(int(number) for number in devices.split(",")) if devices is not None else ()
    except ValueError:
        raise typer.BadParameter(
            f"--devices is {devices!r}: give numbers such as 0,1,2,3"
        ) from None


def _report_path(out_dir: str) -> Path:
    from pmsgan.batch.files.local_results import OWN_NAME
    from pmsgan.batch.files.open import open_folder
    from pmsgan.batch.report.write import free_report_path

    folder = open_folder(out_dir).path
    # In a missing folder the report would count as somebody else's file.
    if folder is not None and (folder / OWN_NAME).exists():
        return free_report_path(folder)
    return free_report_path(Path(), "pmsgan-report")


def _write_report(result: "Report", path: Path) -> PmsganError | None:
    """Write the report before anything goes to stdout, which may be closed; return the problem."""
    from pmsgan.batch.report.write import page_path, write_report

    try:
        write_report(result, path)
    except PmsganError as error:
        return error
    print_note(f"report: {page_path(path)}")
    return None


def _show_text(result: "Report") -> None:
    """Print the report for people; the run is done even if they cannot see it."""
    try:
        show_lines(result.to_text())
    except OutputError as error:
        if not isinstance(error.__cause__, BrokenPipeError):  # the reader has seen enough
            print_note(str(error))


def _end(result: "Report", problem: PmsganError | None, *, overwrite: bool) -> None:
    """Say how the run ended, and end with its exit code."""
    if problem is not None and result.stopped is None:
        raise problem
    if problem is not None:
        print_note(f"error: {problem}")  # most likely the same reason
    if result.stopped is not None:
        again = "again without --overwrite" if overwrite else "it again"
        rest = "no picture was left" if result.has_ended else f"run {again} to resume"
        print_note(f"stopped: {result.stopped}; {rest}")
    if result.is_interrupted:
        raise typer.Exit(ExitCode.INTERRUPTED)
    if result.failures or result.stopped:
        raise typer.Exit(ExitCode.SOME_FAILED)


def _print_plan(
    sources: list[str],
    out_dir: str,
    settings: ConvertSettings,
    selection: Selection,
    *,
    as_json: bool,
) -> None:
    from pmsgan.batch.files.named import name_pictures
    from pmsgan.batch.files.open import open_folder
    from pmsgan.batch.plan import plan_folder

    is_folder = _kind(sources, out_dir) == "folder"
    source = open_folder(sources[0]) if is_folder else name_pictures(sources)
    plan = plan_folder(source, open_folder(out_dir), settings.output_format, selection)
    if as_json:
        show_lines(to_json(plan.to_json()))
        return
    num_bytes = 0
    for job in plan.jobs():
        show(f"{job.name} -> {job.output}")
        if source.path is not None:  # a store would be asked for each
            with contextlib.suppress(OSError):  # it has gone since
                num_bytes += source.stamp(job.source).size
    for entry in plan.skipped:
        show(f"{entry.name}: skipped, {entry.reason}")
    for folder in plan.unlisted:
        show(f"{folder.name}: {folder.reason}")
    size = f", {num_bytes / 1e6:.1f} MB" if source.path is not None else ""
    show(
        f"{count(plan.num_jobs, 'picture')}{size}; "
        f"{count(plan.num_skipped.total(), 'entry', 'entries')} skipped; nothing was written"
    )
