"""Import an ONNX file as a style; a child process reads and runs the file."""

import shlex
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pmsgan.child import call_in_child
from pmsgan.engine.accuracy import Accuracy
from pmsgan.errors import ChildError, ExportError, StyleError
from pmsgan.export.description import sha256_of, style_folder, write_description
from pmsgan.export.foreign.build import Built, build_in_bounds
from pmsgan.export.foreign.settings import ImportSettings
from pmsgan.model.config import network_table
from pmsgan.styles.registry import FP32_GRAPH_NAME, GRAPH_NAME

if TYPE_CHECKING:
    from pmsgan.model.junyanz import PublishedNetwork

TIMEOUT_S = 1200.0
"""The longest time that an import may take; large networks run for minutes on two cores."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """A style that was made of an ONNX file."""

    folder: Path
    built: Built

    @property
    def accuracy(self) -> Accuracy:
        """Difference of the graph that ships to the file in ONNX Runtime."""
        return self.built.accuracy

    def to_json(self) -> dict[str, Any]:
        """Return the content for JSON."""
        return {
            "kind": "import",
            "style": self.folder.name,
            "folder": str(self.folder),
            "network": network_table(self.built.config),
            "height": self.built.height,
            "width": self.built.width,
            "reasons": self.built.reasons,
            "scaling": asdict(self.built.scaling),
            "precision": self.built.precision,
            "nodes_in_fp32": list(self.built.kept),
            "accuracy_fp32": self.built.accuracy_fp32.to_json(),
            "accuracy": self.built.accuracy.to_json(),
        }

    def __str__(self) -> str:
        """Return several lines for people."""
        built, config = self.built, self.built.config
        facts = {
            "layout": config.layout,
            "order": config.order,
            "range_in": config.range_in,
            "range_out": config.range_out,
            "size": f"{built.width}x{built.height}",
            "batch": "one picture at a time" if built.is_batch_fixed else "free",
            "scaling": built.scaling.mode,
        }
        if built.is_grey:
            facts["result"] = "grey"
        lines = [
            f"  {name.replace('_', ' '):<10}{value:<24}{built.reasons.get(name, '')}".rstrip()
            for name, value in facts.items()
        ]
        kept = f", {len(built.kept)} nodes in fp32 that would overflow" if built.kept else ""
        return "\n".join(
            [
                f"style {self.folder.name} in {self.folder}",
                *lines,
                f"  {'graph':<10}{built.precision}{kept}: {built.accuracy}",
            ]
        )


def import_weights(
    path: Path, network: "PublishedNetwork", name: str, settings: ImportSettings | None = None
) -> Imported:
    """Make a style from the published weights of pix2pix or CycleGAN; this needs torch.

    Args:
        path: a .pth file of pytorch-CycleGAN-and-pix2pix, such as latest_net_G.pth.
        network: whose generator they are of.
        name: as `import_onnx` takes it.
        settings: as `import_onnx` takes them; the size is 256 by default, as these are trained.

    Raises:
        StyleError: the folder exists, or cannot be written.
        ExportError: the weights are of another network, or its graph does not agree with it.
    """
    from pmsgan.export.foreign.published import write_published

    settings = settings or ImportSettings()
    with tempfile.TemporaryDirectory(prefix="pmsgan-") as scratch:
        onnx_path = Path(scratch) / f"{path.stem}.onnx"
        try:
            call_in_child(write_published, path.absolute(), network, onnx_path, timeout_s=TIMEOUT_S)
        except ChildError as error:
            raise ExportError(f"{path}: {error}") from error
        known = replace(settings, layout="nchw", order="rgb", size=settings.size or 256)
        return import_onnx(onnx_path, name, known, origin=path)


def import_onnx(
    path: Path,
    name: str,
    settings: ImportSettings | None = None,
    *,
    origin: Path | None = None,
) -> Imported:
    """Make a style from a network that turns a picture into one of the same size.

    A child process reads and runs the file, since it comes from a stranger.

    Args:
        path: an ONNX file; data that it keeps in other files lies beside it.
        name: the name of the style, or the path of its folder; it must not exist.
        settings: the user's settings for the network.
        origin: the file that this one was made of, if it was.

    Raises:
        StyleError: the folder exists, or cannot be written.
        ExportError: the file is not such a network, or its graph does not agree with it.
    """
    _refuse_other_files(path)
    folder = style_folder(name)
    if folder.exists():
        raise StyleError(f"there is a style {folder} already: remove it, or give another --name")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
            draft = Path(scratch) / folder.name
            draft.mkdir()
            built = _build_in_child(path.absolute(), draft, settings or ImportSettings())
            write_description(draft, _description(built, origin or path, draft))
            draft.rename(folder)
    except OSError as error:
        raise StyleError(f"cannot write the style {folder}: {error.strerror}") from error
    return Imported(folder=folder, built=built)


def _refuse_other_files(path: Path) -> None:
    """Explain how to turn a file for PyTorch into an ONNX file.

    Reading a program of torch.export runs code that a stranger may have put there: PyTorch loads
    pickles in it without `weights_only`, and evaluates the expressions of its shapes.

    Raises:
        ExportError: it is one.
    """
    suffix = path.suffix.lower()
    if suffix == ".pt2":
        code = f"torch.onnx.export(torch.export.load({path.name!r}), dynamo=True).save('net.onnx')"
        raise ExportError(
            f"{path} is a program of torch.export, which can run any code when it is read: if you "
            f"trust it, write it as ONNX by python -c {shlex.quote(f'import torch; {code}')}"
        )
    if suffix in (".pth", ".pt", ".ckpt", ".bin", ".safetensors"):
        raise ExportError(
            f"{path} holds weights for PyTorch: give --from pix2pix or --from cyclegan if they are "
            "of one of these, or write the network as ONNX with torch.onnx.export"
        )


def _build_in_child(path: Path, draft: Path, settings: ImportSettings) -> Built:
    try:
        return call_in_child(build_in_bounds, path, draft, settings, timeout_s=TIMEOUT_S)
    except ChildError as error:
        text = str(error)
        raise ExportError(text if str(path) in text else f"{path}: {text}") from error


def _description(built: Built, path: Path, draft: Path) -> dict[str, Any]:
    return {
        "input": "picture",
        "output": "picture in grey" if built.is_grey else "picture",
        "height": built.height,
        "width": built.width,
        "scaling": asdict(built.scaling),
        "generator": network_table(built.config),
        "origin": {
            "file": path.name,
            "file_sha256": sha256_of(path),
            "licence": "unknown: see where the file comes from",
        },
        "sha256": {name: sha256_of(draft / name) for name in (FP32_GRAPH_NAME, GRAPH_NAME)},
    }
