"""Write a trained generator as a style."""

import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import tomli_w

from pmsgan.atomic import replacing
from pmsgan.errors import StyleError
from pmsgan.export.description import sha256_of, write_description
from pmsgan.export.exporter import Exported, export_generator, export_style, graph_metadata
from pmsgan.model.config import network_table
from pmsgan.model.network import Network
from pmsgan.model.weights import load_generator, save_generator
from pmsgan.styles.registry import (
    DESCRIPTION_NAME,
    GRAPH_NAME,
    TRAINED_PAIRS_NAME,
    WEIGHTS_NAME,
    Style,
    find_editable_style,
    read_description,
)
from pmsgan.styles.scaling import Scaling


def write_style(
    generator: Network,
    folder: Path,
    *,
    height: int,
    width: int,
    input_kind: str,
    output_kind: str,
    origin: dict[str, Any],
    expects: dict[str, list[float]] | None = None,
    scaling: Scaling | None = None,
    trained_pairs: bytes | None = None,
) -> Exported:
    """Write style.toml, weights and an FP16 graph; the folder appears complete, or not at all.

    Args:
        generator: a trained generator; it is not changed.
        folder: a folder from `style_folder`; an existing style is replaced.
        height: height of a picture [pixels].
        width: width of a picture [pixels].
        input_kind: description of the input.
        output_kind: description of the output.
        origin: notes about data, licence and training: strings, numbers, lists.
        expects: the usual looks of its input, from `pmsgan.styles.input_statistics.usual_ranges`.
        scaling: how results get their size; by default by bicubic enlargement.
        trained_pairs: its training pairs, see `pmsgan.data.trained_pairs`; None where that is
            not known.

    Raises:
        StyleError: the folder cannot be written.
        ExportError: the graph did not pass its check.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
            draft = Path(scratch) / folder.name
            draft.mkdir()
            exported, sha256 = _write_network(generator, draft, height, width)
            if trained_pairs is not None:
                (draft / TRAINED_PAIRS_NAME).write_bytes(trained_pairs)
                sha256[TRAINED_PAIRS_NAME] = sha256_of(draft / TRAINED_PAIRS_NAME)
            description = {
                "input": input_kind,
                "output": output_kind,
                "height": height,
                "width": width,
                **({} if scaling is None else {"scaling": asdict(scaling)}),
                "expects": expects or {},
                "generator": network_table(generator.config),
                "origin": origin,
                "sha256": sha256,
            }
            write_description(draft, description)
            if folder.exists():
                folder.rename(Path(scratch) / "old")
            draft.rename(folder)
    except OSError as error:
        raise StyleError(f"cannot write the style {folder}: {error.strerror}") from error
    return replace(exported, path=folder / GRAPH_NAME)


def update_graph(style: Style | Path | str) -> Exported:
    """Write a style's graph again from its weights, with its SHA-256 in style.toml.

    The graph may be missing or damaged. Graphs of pmsgan 0.1 take pictures of one size only.

    Args:
        style: a style, its name, or the path of its folder.

    Raises:
        StyleError: the style does not exist, its weights are damaged, it cannot be written, or it
            ships with the package and was given by its name.
        ExportError: the graph did not pass its check.
    """
    found = find_editable_style(style)
    found.verify(leave_out=[GRAPH_NAME])
    path = found.folder / DESCRIPTION_NAME
    exported = export_style(found, found.graph, precision="fp16")
    new = sha256_of(found.graph)
    try:
        if (old := found.sha256.get(GRAPH_NAME)) is not None:
            text = path.read_text(encoding="utf-8").replace(old, new)  # comments stay
        else:
            description = read_description(found.folder)
            description["sha256"][GRAPH_NAME] = new
            text = tomli_w.dumps(description)
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StyleError(f"cannot write {path}: {error.strerror}") from error
    return exported


def _write_network(
    generator: Network, draft: Path, height: int, width: int
) -> tuple[Exported, dict[str, str]]:
    """Write the weights and the graph into `draft`; return the export and each file's SHA-256."""
    weights, graph = draft / WEIGHTS_NAME, draft / GRAPH_NAME
    save_generator(generator, weights)
    weights_sha256 = sha256_of(weights)
    # Weights from the file, so that a later export of the style writes the same bytes.
    exported = export_generator(
        load_generator(weights, generator.config),
        graph,
        height=height,
        width=width,
        precision="fp16",
        metadata=graph_metadata(draft.name, weights_sha256),
    )
    return exported, {WEIGHTS_NAME: weights_sha256, GRAPH_NAME: sha256_of(graph)}
