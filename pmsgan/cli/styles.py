"""`pmsgan styles`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from pmsgan.cli.boundary import one_line_errors
from pmsgan.cli.json_option import JsonOption, to_json
from pmsgan.cli.options import config_options
from pmsgan.cli.required_packages import require_packages, require_torch
from pmsgan.cli.terminal import print_note, show, show_lines
from pmsgan.cli.usage import App
from pmsgan.export.foreign.settings import ImportSettings

if TYPE_CHECKING:
    from pmsgan.evaluation.style_measurement import StyleMeasurement
    from pmsgan.styles.registry import Style

MAX_TEXT = 80
"""Most characters of a style's text that a list shows."""

styles_app = App(help="List, show, add, import, remove, update and measure styles.")


@styles_app.command("list")
@one_line_errors
def list_command(as_json: JsonOption = False) -> None:
    """List the styles: your own and those that ship."""
    from pmsgan.styles.registry import list_styles

    if as_json:
        show_lines(to_json([style.to_json() for style in list_styles()]))
        return
    rows = [
        (style.name, _seen_size(style), f"{style.input[:MAX_TEXT]} -> {style.output[:MAX_TEXT]}")
        for style in list_styles()
    ]
    name_width, size_width = (max((len(row[place]) for row in rows), default=0) for place in (0, 1))
    for name, size, kinds in rows:
        show(f"{name:<{name_width}}  {size:<{size_width}}  {kinds}")


def _seen_size(style: "Style") -> str:
    """Return the size at which the network sees a picture [pixels]."""
    if style.scaling.mode != "tiles":
        return f"{style.width}x{style.height}"
    return f"up to {style.scaling.working_size}" if style.scaling.working_size else "any size"


@styles_app.command("show")
@one_line_errors
def show_command(
    style: Annotated[str, typer.Argument(help="Name of a style, or its folder.")],
    as_json: JsonOption = False,
) -> None:
    """Check a style's files, and print its description."""
    from pmsgan.styles.registry import DESCRIPTION_NAME, find_style

    found = find_style(style)
    if as_json:
        show_lines(to_json(found.to_json()))
        return
    show(f"# {found.folder}")
    show_lines((found.folder / DESCRIPTION_NAME).read_text(encoding="utf-8").rstrip())


@styles_app.command("add")
@one_line_errors
def add_command(
    folder: Annotated[
        Path, typer.Argument(help="Folder of a style that is not yet among your own.")
    ],
    name: Annotated[
        str | None, typer.Option(help="Name to give it.", show_default="that of the folder")
    ] = None,
) -> None:
    """Copy a style folder to your own styles."""
    from pmsgan.engine.trial import try_style
    from pmsgan.styles.user_styles import add_style, read_source

    try_style(read_source(folder))
    added = add_style(folder, name)
    show(f"added {added.name} in {added.folder}")


@styles_app.command("import")
@one_line_errors
@config_options(
    show_default={
        "size": "that of the file, or 512",
        "multiple": "found",
        "output": "the first",
    },
)
def import_command(
    model: Annotated[
        Path,
        typer.Argument(help="ONNX file of an image-to-image network."),
    ],
    name: Annotated[str, typer.Option(help="Name of the new style, or the folder to write it to.")],
    weights_of: Annotated[
        Literal["pix2pix", "cyclegan"] | None,
        typer.Option(
            "--from",
            help="The file holds weights of this network, as latest_net_G.pth of "
            "pytorch-CycleGAN-and-pix2pix does. Needs torch.",
        ),
    ] = None,
    as_json: JsonOption = False,
    *,
    settings: ImportSettings,
) -> None:
    """Make a style from the ONNX file of an image-to-image network.

    The network must turn a picture into one of the same size. Its input format is read from the
    file, or found by running it on test pictures; options override both. The style's graph is
    checked against the file in ONNX Runtime. Needs the extra onnxruntime.
    """
    require_packages("styles import", "onnxruntime", "onnxruntime", "tomli_w")
    if weights_of is not None:
        require_torch(f"styles import --from {weights_of}")
    from pmsgan.export.foreign.importer import import_onnx, import_weights
    from pmsgan.styles.user_styles import warn_of_hidden_style

    print_note(f"running {model} on test pictures, which takes seconds to minutes")
    if weights_of is None:
        imported = import_onnx(model, name, settings)
    else:
        imported = import_weights(model, weights_of, name, settings)
    show_lines(to_json(imported.to_json()) if as_json else str(imported))
    warn_of_hidden_style(name)


@styles_app.command("remove")
@one_line_errors
def remove_command(
    name: Annotated[str, typer.Argument(help="Name of one of your own styles.")],
) -> None:
    """Delete one of your own styles."""
    from pmsgan.styles.registry import list_styles
    from pmsgan.styles.user_styles import remove_style

    show(f"removed {remove_style(name)}")
    if name in {style.name for style in list_styles()}:
        show(f"{name} is the style that ships again")


@styles_app.command("update")
@one_line_errors
def update_command(
    style: Annotated[str, typer.Argument(help="Name of a style, or its folder.")],
) -> None:
    """Rebuild a style's graph from its weights with this version.

    A style from an older version needs this to run at other sizes, and a style whose graph is
    missing gets a new one. A shipped style is changed only if you give its folder. Needs torch,
    which the extra train installs.
    """
    require_torch("styles update")
    from pmsgan.export.style_folder import update_graph

    exported = update_graph(style)
    show(f"updated {exported.path}: {exported.accuracy}")


@styles_app.command("measure")
@one_line_errors
def measure_command(
    style: Annotated[str, typer.Argument(help="Name of a style, or its folder.")],
    pairs: Annotated[
        Path, typer.Argument(help="Folder of pairs that the style was not trained on.")
    ],
    direction: Annotated[
        str | None,
        typer.Option(help="FROM:TO, as for pmsgan train.", show_default="that of its training"),
    ] = None,
    by_hand: Annotated[
        bool,
        typer.Option(
            "--by-hand", help="Add a line for each drawing hand, where pairs are named HAND_NUMBER."
        ),
    ] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Write the best scaling into the style's style.toml.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Measure a style on pairs, and find how best to enlarge results.

    At the style's size it measures the share of the area whose colour is right (within 12 CIELAB
    units), the median PSNR, and the mean difference. At the pairs' own size, if that is larger, it
    measures the PSNR of plain enlargement, guided filters and tiles, and LPIPS if the extra eval is
    installed.
    """
    if write:
        from pmsgan.styles.registry import find_editable_style

        require_packages("styles measure --write", "onnxruntime", "tomli_w")
        find_editable_style(style)
    from pmsgan.evaluation.style_measurement import measure_style

    measured = measure_style(style, pairs, direction)
    if as_json:
        show_lines(to_json(measured.to_json(by_hand=by_hand)))
    else:
        show_lines(measured.to_text(by_hand=by_hand))
    if write:
        _write(measured)


def _write(measured: "StyleMeasurement") -> None:
    from pmsgan.errors import ConfigError
    from pmsgan.export.description import write_scaling

    if measured.scaling is None:
        raise ConfigError("no pair is larger than the style's pictures: give larger ones")
    write_scaling(measured.style.folder, measured.scaling.best)
    print_note(f"written to {measured.style.folder}")
