"""`pmsgan styles`."""

from pathlib import Path
from typing import Annotated

import typer

from pmsgan.cli.boundary import one_line_errors
from pmsgan.cli.json_option import JsonOption, to_json
from pmsgan.cli.terminal import show
from pmsgan.cli.usage import App

styles_app = App(help="List, show, add and remove styles.")


@styles_app.command("list")
@one_line_errors
def list_command(as_json: JsonOption = False) -> None:
    """List the styles: your own and those that ship."""
    from pmsgan.styles.registry import list_styles

    if as_json:
        show(to_json([style.to_json() for style in list_styles()]))
        return
    for style in list_styles():
        size = f"{style.width}x{style.height}"
        show(f"{style.name:<16}{size:<10}{style.input} -> {style.output}")


@styles_app.command("show")
@one_line_errors
def show_command(
    style: Annotated[str, typer.Argument(help="Name of a style, or its folder.")],
    as_json: JsonOption = False,
) -> None:
    """Check a style's files, and print what it is."""
    from pmsgan.styles.registry import DESCRIPTION_NAME, find_style

    found = find_style(style)
    if as_json:
        show(to_json(found.to_json()))
        return
    show(f"# {found.folder}")
    show((found.folder / DESCRIPTION_NAME).read_text(encoding="utf-8").rstrip())


@styles_app.command("add")
@one_line_errors
def add_command(
    folder: Annotated[Path, typer.Argument(help="Folder of a style.")],
    name: Annotated[
        str | None, typer.Option(help="Name to give it.", show_default="that of the folder")
    ] = None,
) -> None:
    """Copy a style folder to your own styles."""
    from pmsgan.styles.registry import add_style

    added = add_style(folder, name)
    show(f"added {added.name} in {added.folder}")


@styles_app.command("remove")
@one_line_errors
def remove_command(
    name: Annotated[str, typer.Argument(help="Name of one of your own styles.")],
) -> None:
    """Delete one of your own styles."""
    from pmsgan.styles.registry import remove_style

    show(f"removed {remove_style(name)}")
