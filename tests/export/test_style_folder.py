import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

import onnx
import pytest
import torch
from typer.testing import CliRunner

from pmsgan.cli.app import app
from pmsgan.engine.graph import read_graph
from pmsgan.errors import EngineError, ExportError, StyleError
from pmsgan.export.description import style_folder
from pmsgan.export.exporter import export_style
from pmsgan.export.style_folder import write_style
from pmsgan.model.generator import Generator
from pmsgan.styles.registry import (
    Style,
    find_editable_style,
    find_style,
    shipped_styles_folder,
    user_styles_folder,
)
from pmsgan.styles.scaling import Scaling

WORDS = {"input_kind": "a", "output_kind": "b", "origin": {"steps": 3, "licence": "CC0"}}


def test_a_written_style_is_complete(
    make_generator: Callable[..., Generator], tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    exported = write_style(make_generator(), folder, height=64, width=48, **WORDS)  # type: ignore[arg-type]
    style = find_style(str(folder))
    assert (style.name, style.height, style.width) == ("mine", 64, 48)
    assert style.generator == make_generator().config
    assert style.origin == {"steps": 3, "licence": "CC0"}
    assert style.scaling == Scaling(mode="plain", working_size=64)
    assert exported.path == style.graph
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine"]


def test_a_written_style_says_how_it_scales(
    make_generator: Callable[..., Generator], tmp_path: Path
) -> None:
    scaling = Scaling(
        mode="guided", working_size=64, radius=2, epsilon=1e-3, figures={"psnr_db_1024": 36.0}
    )
    folder = tmp_path / "mine"
    write_style(make_generator(), folder, height=64, width=48, scaling=scaling, **WORDS)  # type: ignore[arg-type]
    assert find_style(str(folder)).scaling == scaling


def test_a_style_of_an_older_version_gets_a_graph_for_any_size(
    style: Style, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(style.folder, tmp_path / "mine"))
    text = (folder / "style.toml").read_text()
    model = onnx.load(style.graph)
    for value in (model.graph.input[0], model.graph.output[0]):
        dims = value.type.tensor_type.shape.dim
        dims[1].dim_value, dims[2].dim_value = 64, 64
    data = model.SerializeToString()
    (folder / "generator.onnx").write_bytes(data)
    new = hashlib.sha256(data).hexdigest()
    (folder / "style.toml").write_text(text.replace(style.sha256["generator.onnx"], new))
    with pytest.raises(EngineError, match="pmsgan styles update"):
        read_graph(find_style(folder).graph, (96, 96))
    result = CliRunner().invoke(app, ["styles", "update", str(folder)])
    assert result.exit_code == 0, result.output
    assert ": largest difference " in result.stdout
    updated = find_style(folder)
    read_graph(updated.graph, (96, 96))
    assert (folder / "style.toml").read_text() == text.replace(
        style.sha256["generator.onnx"], updated.sha256["generator.onnx"]
    )


@pytest.mark.parametrize("loss", ["file", "file and sha256", "half of the file"])
def test_a_graph_that_is_lost_is_made_again(style: Style, tmp_path: Path, loss: str) -> None:
    folder = Path(shutil.copytree(style.folder, tmp_path / "mine"))
    description = folder / "style.toml"
    text = description.read_text()
    graph = folder / "generator.onnx"
    if loss == "half of the file":
        graph.write_bytes(graph.read_bytes()[:1000])
    else:
        graph.unlink()
        with pytest.raises(StyleError, match=r"lacks .*: pmsgan styles update .*mine makes it"):
            find_style(folder)
    if loss == "file and sha256":
        line = f'"generator.onnx" = "{style.sha256["generator.onnx"]}"\n'
        assert line in text
        description.write_text(text.replace(line, ""))
    result = CliRunner().invoke(app, ["styles", "update", str(folder)])
    assert result.exit_code == 0, result.output
    read_graph(find_style(folder).graph, (96, 96))  # its files have the hashes of style.toml
    (folder / "generator.safetensors").unlink()
    assert "lacks" in CliRunner().invoke(app, ["styles", "update", str(folder)]).stderr


@pytest.mark.parametrize("command", [("update", "anime"), ("measure", "anime", ".", "--write")])
def test_a_style_that_ships_is_changed_by_its_path_alone(command: tuple[str, ...]) -> None:
    shipped = shipped_styles_folder() / "anime"
    before = {path: path.stat().st_mtime_ns for path in shipped.iterdir()}
    result = CliRunner().invoke(app, ["styles", *command])
    assert result.exit_code == 3
    assert result.stderr.count("\n") == 1
    assert f"add a copy with pmsgan styles add {shipped} --name NAME, or give" in result.stderr
    assert {path: path.stat().st_mtime_ns for path in shipped.iterdir()} == before
    assert find_editable_style(str(shipped)).name == "anime"


@pytest.mark.usefixtures("without_trace_cache")
def test_the_graph_follows_from_the_weights_whatever_their_memory_looked_like(
    make_generator: Callable[..., Generator], tmp_path: Path
) -> None:
    trained = make_generator("single").to(memory_format=torch.channels_last)
    write_style(trained, tmp_path / "mine", height=64, width=64, **WORDS)  # type: ignore[arg-type]
    style = find_style(f"{tmp_path}/mine")
    again = export_style(style, tmp_path / "again.onnx", precision="fp16")
    assert again.path.read_bytes() == style.graph.read_bytes()


def test_a_style_that_fails_its_check_leaves_the_old_one(
    make_generator: Callable[..., Generator], tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    write_style(make_generator(), folder, height=64, width=64, **WORDS)  # type: ignore[arg-type]
    before = (folder / "style.toml").read_text()
    dead = make_generator()
    with torch.no_grad():
        dead.output.rgb.weight.zero_()
    with pytest.raises(ExportError):
        write_style(dead, folder, height=64, width=64, **WORDS)  # type: ignore[arg-type]
    assert (folder / "style.toml").read_text() == before
    assert list(tmp_path.iterdir()) == [folder]


def test_names_go_to_the_users_folder_and_paths_stay_paths(tmp_path: Path) -> None:
    assert style_folder("mine") == user_styles_folder() / "mine"
    assert style_folder(f"{tmp_path}/mine") == tmp_path / "mine"
    (tmp_path / "other").mkdir()
    with pytest.raises(StyleError, match="is not a style"):
        style_folder(f"{tmp_path}/other")
