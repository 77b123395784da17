"""Convert a folder, or named pictures."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pmsgan.atomic import write_whole
from pmsgan.batch.conversion import Conversion
from pmsgan.batch.files.folder import Folder
from pmsgan.batch.files.local_results import OWN_NAME
from pmsgan.batch.files.named import name_pictures
from pmsgan.batch.files.open import open_folder
from pmsgan.batch.files.stamp import MAX_FILE_BYTES
from pmsgan.batch.plan import plan_folder
from pmsgan.batch.progress import NoProgress, Progress
from pmsgan.batch.report.report import Report
from pmsgan.batch.run import convert_here, run_conversion
from pmsgan.batch.settings import Cluster, ConvertSettings, RunSettings, Selection
from pmsgan.errors import ConfigError, FolderError, os_reason
from pmsgan.formats import format_of
from pmsgan.styles.registry import Style, find_style


def convert_folder(
    in_dir: Path | str,
    out_dir: Path | str,
    style: Style | Path | str = "anime",
    *,
    settings: ConvertSettings | None = None,
    run: RunSettings | None = None,
    selection: Selection | None = None,
    with_baseline: bool = False,
    progress: Progress | None = None,
    cluster: Cluster | None = None,
) -> Report:
    """Translate every picture below a folder into a mirrored folder.

    Pictures that an earlier run has converted and that have not changed since are skipped.

    Args:
        in_dir: the folder to convert, or its URL such as s3://bucket/pictures; nothing in it is
            written.
        out_dir: the folder to write to, or its URL; made if it does not exist.
        style: a style, its name, or the path of its folder; only this machine needs it.
        settings: how pictures are fitted, computed and encoded.
        run: how the run works: backend, threads, whether to overwrite results.
        selection: which pictures to take; by default all.
        with_baseline: measure eager PyTorch on some of the pictures afterwards, which takes
            minutes; not on a cluster, nor for URLs.
        progress: follows the run.
        cluster: run on several GPUs or machines, through Ray; all must see the folders under the
            same names. By default one engine runs on this machine.

    Returns:
        The report. It names pictures that failed; these do not end the run. If something did
        (Ctrl-C, a full disk, a lost GPU), `stopped` says what.

    Raises:
        ConfigError: a wrong argument, or folders that cannot be used.
        StyleError: there is no such style.
        EngineError: nothing can run the style here, or the cluster cannot be reached.
    """
    conversion = _plan(
        open_folder(in_dir), open_folder(out_dir), style, settings, run, selection, progress
    )
    if cluster is None:
        return run_conversion(conversion, partial(convert_here, with_baseline=with_baseline))
    # The one import of batch.cluster: a run on one machine needs no Ray.
    from pmsgan.batch.cluster.run import convert_on_cluster

    return run_conversion(conversion, partial(convert_on_cluster, cluster=cluster))


def convert_pictures(
    sources: Sequence[Path | str],
    out_dir: Path | str,
    style: Style | Path | str = "anime",
    *,
    settings: ConvertSettings | None = None,
    run: RunSettings | None = None,
    with_baseline: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Translate individually named pictures into a folder, see `convert_folder`.

    Args:
        sources: paths of pictures, or patterns such as `pics/*.jpg`; their format is recognised by
            content, not by name.
        out_dir: the folder to write to, or its URL; made if it does not exist.
        style: see `convert_folder`, as for the others.
        settings: how pictures are fitted, computed and encoded.
        run: how the run works.
        with_baseline: measure eager PyTorch on some of the pictures afterwards.
        progress: follows the run.

    Raises:
        ConfigError: a picture does not exist, or see `convert_folder`.
        StyleError: there is no such style.
        EngineError: nothing can run the style here.
    """
    conversion = _plan(
        name_pictures(sources), open_folder(out_dir), style, settings, run, None, progress
    )
    return run_conversion(conversion, partial(convert_here, with_baseline=with_baseline))


def convert_picture(
    source: Path | str | BinaryIO,
    target: Path | str | BinaryIO,
    style: Style | Path | str = "anime",
    *,
    settings: ConvertSettings | None = None,
    run: RunSettings | None = None,
    with_baseline: bool = False,
    progress: Progress | None = None,
) -> Report:
    """Translate one picture into a file, see `convert_folder`; no other file is written.

    Args:
        source: path of the picture, or a stream to read it from.
        target: the file to write, whose suffix decides the format, or a stream to write to.
        style: see `convert_folder`, as for the others.
        settings: how the picture is fitted, computed and encoded.
        run: how the run works.
        with_baseline: measure eager PyTorch on the picture afterwards.
        progress: follows the run.

    Raises:
        ConfigError: the picture does not exist, or the file exists and `run` does not say
            overwrite, or its suffix is not a known format; or see `convert_folder`.
        FolderError: the result cannot be written.
        StyleError: there is no such style.
        EngineError: nothing can run the style here.
    """
    settings, run = settings or ConvertSettings(), run or RunSettings()
    if isinstance(target, str | Path):
        target = Path(target)
        settings = replace(settings, output_format=format_of(target))
        if isinstance(source, str | Path) and target.resolve() == Path(source).resolve():
            raise ConfigError(f"{target} is the source picture itself: give another name")
        if target.exists() and not run.overwrite:
            raise ConfigError(f"{target} already exists: give another name, or --overwrite")
        _check_folders_of(target)
    with tempfile.TemporaryDirectory(prefix="pmsgan-") as scratch:
        if not isinstance(source, str | Path):
            stream, source = source, Path(scratch, "stdin")
            source.write_bytes(stream.read(MAX_FILE_BYTES + 1))
        report = convert_pictures(
            [source],
            Path(scratch, "out"),
            style,
            settings=settings,
            run=run,
            with_baseline=with_baseline,
            progress=progress,
        )
        if report.num_done:
            # The picture, and so its result, may be called .photo.jpg.
            (result,) = (path for path in Path(scratch, "out").iterdir() if path.name != OWN_NAME)
            keeps_date = settings.metadata == "keep"
            _deliver(result.read_bytes(), target, result.stat().st_mtime_ns if keeps_date else 0)
    return report


def _check_folders_of(target: Path) -> None:
    """Raise ConfigError if a file is where the target needs a folder."""
    nearest = next((parent for parent in target.parents if parent.exists()), None)
    if nearest is not None and not nearest.is_dir():
        raise ConfigError(f"cannot write {target}: {nearest} is a file, not a folder")


def _deliver(data: bytes, target: Path | BinaryIO, mtime_ns: int) -> None:
    """Write a result to a file, with a date unless `mtime_ns` is 0, or to a stream."""
    try:
        if isinstance(target, Path):
            target.parent.mkdir(parents=True, exist_ok=True)
            write_whole(target, data, mtime_ns)
        else:
            target.write(data)
            target.flush()
    except OSError as error:
        place = target if isinstance(target, Path) else "the standard output"
        raise FolderError(f"cannot write to {place}: {os_reason(error)}") from error


def _plan(
    pictures: Folder,
    out: Folder,
    style: Style | Path | str,
    settings: ConvertSettings | None,
    run: RunSettings | None,
    selection: Selection | None,
    progress: Progress | None,
) -> Conversion:
    found = find_style(style)
    settings = (settings or ConvertSettings()).for_style(found)
    return Conversion(
        pictures=pictures,
        out=out,
        style=found,
        plan=plan_folder(pictures, out, settings.output_format, selection),
        settings=settings,
        run=run or RunSettings(),
        progress=progress or NoProgress(),
    )
