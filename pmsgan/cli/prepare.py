"""`pmsgan prepare`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pmsgan.cli.boundary import ExitCode, one_line_errors
from pmsgan.cli.options import config_options
from pmsgan.cli.terminal import show
from pmsgan.cli.usage import App
from pmsgan.data.config import AlignConfig, FlatsConfig, LinesConfig

if TYPE_CHECKING:
    from pmsgan.data.preparation import Preparation

prepare_app = App(help="Make paired sets to train on.")

InDir = Annotated[Path, typer.Argument(help="Folder of pictures; nothing in it is changed.")]
OutDir = Annotated[Path, typer.Argument(help="Folder for the results.")]


@prepare_app.command()
@one_line_errors
@config_options(omit=("tau", "steepness"))
def lines(in_dir: InDir, out_dir: OutDir, *, config: LinesConfig) -> None:
    """Draw the lines of each picture.

    OUT_DIR/picture and OUT_DIR/lines are then a set for
    pmsgan train OUT_DIR --direction picture:lines (or lines:picture).
    """
    from pmsgan.data.prepare import prepare_lines

    _run(prepare_lines(in_dir, out_dir, config))


@prepare_app.command()
@one_line_errors
@config_options(rename={"num_processes": "--processes"})
def flats(in_dir: InDir, out_dir: OutDir, *, config: FlatsConfig) -> None:
    """Make line art from illustrations in flat colours.

    The lines are the dark strokes and the boundaries between colours. Drawing tool, paper, light
    and position vary at random. OUT_DIR/lines and OUT_DIR/flats are then a set for pmsgan train
    OUT_DIR --direction lines:flats.
    """
    from pmsgan.data.prepare import prepare_flats

    _run(prepare_flats(in_dir, out_dir, config))


@prepare_app.command()
@one_line_errors
@config_options(omit=("eye_height", "eye_distance"))
def align(
    in_dir: InDir,
    out_dir: OutDir,
    eyes: Annotated[
        Path,
        typer.Option(
            help="CSV file with the columns name,left_x,left_y,right_x,right_y [pixels], or a "
            "folder of point files (.3pts, .dat, .pos, .pts, .txt) named like the pictures."
        ),
    ],
    eye_points: Annotated[
        str | None,
        typer.Option(
            help="Numbers of the two points in such a file that mark the eyes, such as 1,2.",
            show_default="17,19 of 35 points, else 1,2",
        ),
    ] = None,
    *,
    config: AlignConfig,
) -> None:
    """Crop faces so that the eyes are always in the same place.

    Sub-folders are mirrored. In a CSV file, left is the eye further left in the picture.
    """
    from pmsgan.data.points import parse_eye_points
    from pmsgan.data.prepare import prepare_aligned

    _run(prepare_aligned(in_dir, out_dir, eyes, config, parse_eye_points(eye_points)))


@prepare_app.command()
@one_line_errors
def pairs(
    in_dir: InDir,
    out_dir: OutDir,
    direction: Annotated[
        str, typer.Option(help="Names of the two subfolders, LEFT:RIGHT, such as sketch:face.")
    ],
    pairs: Annotated[
        Path | None,
        typer.Option(
            help="File with the names of two matching pictures on each line, or with the names of "
            "one side in the order of the other."
        ),
    ] = None,
) -> None:
    """Turn two folders into side-by-side pictures, or the other way around.

    If IN_DIR has the folders LEFT and RIGHT, their pictures are joined; otherwise each picture of
    IN_DIR is cut in half. With --pairs, pictures of LEFT and RIGHT whose names differ are copied to
    OUT_DIR/LEFT and OUT_DIR/RIGHT under a common name.
    """
    from pmsgan.data.prepare import prepare_pairs

    _run(prepare_pairs(in_dir, out_dir, direction, pairs))


def _run(preparation: "Preparation") -> None:
    from pmsgan.bar import Bar
    from pmsgan.display import display

    num_failed = 0
    for one in Bar(preparation, desc="preparing", unit="picture"):
        if one.failure is not None:
            num_failed += 1
            display.write(f"failed: {one.failure}")
    show(f"{len(preparation) - num_failed} done, {num_failed} failed")
    if num_failed:
        raise typer.Exit(ExitCode.SOME_FAILED)
