"""Model repositories: what they say, and a real server that reads them."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from ports import free_port, wait_until_served

from pmsgan.engine.choices import TritonBackend
from pmsgan.engine.open import open_engine
from pmsgan.errors import ConfigError, EngineError, ExportError
from pmsgan.export.triton import export_triton
from pmsgan.styles.registry import Style
from pmsgan.styles.user_styles import add_style, remove_style

ROOT = Path(__file__).parents[2]
SERVER = Path(sys.prefix) / "triton-server" / "pytriton" / "tritonserver"
"""Where `make test` unpacks the server."""


def read_config(path: Path) -> Any:
    """Parse as the server does: what is unknown or of another type is an error."""
    pytest.importorskip("tritonclient")
    from google.protobuf import text_format
    from tritonclient.grpc import model_config_pb2

    return text_format.Parse(path.read_text(), model_config_pb2.ModelConfig())


@pytest.mark.parametrize(
    ("backend", "kind"), [("onnxruntime", "KIND_AUTO"), ("openvino", "KIND_CPU")]
)
def test_the_config_says_what_the_graph_is(
    style: Style, tmp_path: Path, backend: TritonBackend, kind: str
) -> None:
    model = export_triton(str(style.folder), tmp_path, backend=backend, max_batch=6)
    config = read_config(model.folder / "config.pbtxt")
    path = model.folder / "1" / config.default_model_filename
    assert path.read_bytes() == style.graph.read_bytes()
    graph = onnx.load(path).graph
    for said, true in ((config.input, graph.input), (config.output, graph.output)):
        assert [entry.name for entry in said] == [entry.name for entry in true]
        (entry,), (value,) = said, true
        tensor = value.type.tensor_type
        assert tensor.elem_type == onnx.TensorProto.UINT8
        assert config.input[0].DESCRIPTOR.file.enum_types_by_name["DataType"].values_by_number[
            entry.data_type
        ].name == "TYPE_UINT8"  # fmt: skip
        assert list(entry.dims) == ([-1, -1, 3] if backend == "onnxruntime" else [64, 64, 3])
        assert tensor.shape.dim[0].dim_param  # N, which Triton adds where max_batch_size is not 0
    assert (config.name, config.backend, config.max_batch_size) == ("tiny", backend, 6)
    assert [config.parameters[side].string_value for side in ("height", "width")] == ["64", "64"]
    assert config.dynamic_batching.max_queue_delay_microseconds == 2000
    (group,) = config.instance_group
    assert group.Kind.Name(group.kind) == kind
    assert config.version_policy.latest.num_versions == 1


def test_another_graph_becomes_another_version(
    style: Style, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert export_triton(str(style.folder), tmp_path).version == 1
    assert export_triton(str(style.folder), tmp_path, max_batch=2).version == 1
    assert read_config(tmp_path / "tiny" / "config.pbtxt").max_batch_size == 2
    (tmp_path / "tiny" / "1" / "model.onnx").write_bytes(b"an older one")
    assert export_triton(str(style.folder), tmp_path).version == 2
    assert sorted(path.name for path in (tmp_path / "tiny").iterdir()) == ["1", "2", "config.pbtxt"]


def test_what_cannot_be_written_or_built_is_told(style: Style, tmp_path: Path) -> None:
    name = str(style.folder)
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="cannot write to"):
        export_triton(name, tmp_path / "file")
    with pytest.raises(ConfigError, match="use onnxruntime, openvino, tensorrt"):
        export_triton(name, tmp_path, backend="eager")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="max_batch is 0"):
        export_triton(name, tmp_path, max_batch=0)
    with pytest.raises(EngineError, match="no NVIDIA GPU"):
        export_triton(name, tmp_path, backend="tensorrt")
    assert not (tmp_path / "tiny").exists()


class Server:
    """tritonserver on loopback with a repository, and ONNX Runtime in Python as its backend."""

    def __init__(self, repository: Path, scratch: Path) -> None:
        backends = scratch / "backends"
        shutil.copytree(SERVER / "backends" / "python", backends / "python")
        stub = "triton_python_backend_stub"
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        shutil.copy(SERVER / "python_backend_stubs" / version / stub, backends / "python")
        (backends / "python" / stub).chmod(0o755)
        packages = str(Path(onnx.__file__).parents[1])  # it does not pass on PYTHONPATH
        code = (ROOT / "tests" / "export" / "triton_backend" / "model.py").read_text()
        (backends / "onnxruntime").mkdir()
        (backends / "onnxruntime" / "model.py").write_text(
            f"import sys\nsys.path.insert(0, {packages!r})\n{code}"
        )
        self.grpc, http = f"127.0.0.1:{free_port()}", free_port()
        self.url = f"http://127.0.0.1:{http}"
        libraries = SERVER.parents[1] / "nvidia_pytriton.libs"
        self.log = scratch / "server.log"
        server = SERVER / "bin" / "tritonserver"
        server.chmod(0o755)
        with self.log.open("wb") as file:
            self.process = subprocess.Popen(
                [
                    server, f"--model-repository={repository}", f"--backend-directory={backends}",
                    "--http-address=127.0.0.1", f"--http-port={http}",
                    "--grpc-address=127.0.0.1", f"--grpc-port={self.grpc.rpartition(':')[2]}",
                    "--allow-metrics=false", "--disable-auto-complete-config",
                ],
                stdout=file,
                stderr=subprocess.STDOUT,
                env=os.environ | {"LD_LIBRARY_PATH": str(libraries)},
            )  # fmt: skip
        wait_until_served(f"{self.url}/v2/health/ready", self.process, self.log)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(style: Style, tmp_path: Path) -> Iterator[Server]:
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    stub = SERVER / "python_backend_stubs" / version / "triton_python_backend_stub"
    if not stub.exists() or importlib.util.find_spec("tritonclient") is None:
        pytest.skip("Triton's server is not installed")
    libraries = {"LD_LIBRARY_PATH": str(SERVER.parents[1] / "nvidia_pytriton.libs")}
    needs = subprocess.run(
        ["ldd", stub], capture_output=True, text=True, check=False, env=os.environ | libraries
    )
    if "not found" in needs.stdout:
        pytest.skip("Triton's server needs this Python as a shared library")
    add_style(style.folder, "anime")  # the name that the documentation's client asks for
    try:
        export_triton("anime", tmp_path / "models")
    finally:
        remove_style("anime")
    started = Server(tmp_path / "models", tmp_path)
    yield started
    started.stop()


def test_the_documented_client_gets_what_convert_makes(
    server: Server, style: Style, pictures: NDArray[np.uint8], tmp_path: Path
) -> None:
    text = (ROOT / "docs" / "serving.md").read_text()
    _, client = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (tmp_path / "client.py").write_text(client)

    def ask(number: int) -> NDArray[np.uint8]:
        source, result = tmp_path / f"{number}.png", tmp_path / f"{number}_out.png"
        cv2.imwrite(str(source), pictures[number])
        asked = subprocess.run(
            [sys.executable, tmp_path / "client.py", server.grpc, source, result],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert asked.returncode == 0, asked.stderr
        return cv2.imread(str(result)).astype(np.uint8, copy=False)

    with ThreadPoolExecutor(2) as pool:
        served = np.stack(list(pool.map(ask, range(4))))
    with open_engine(str(style.folder), backend="openvino", precision="fp32") as engine:
        wanted = engine.translate(pictures[:4])
    assert int(np.abs(served.astype(int) - wanted).max()) <= 1


def test_pictures_of_another_size_are_served(server: Server, style: Style) -> None:
    triton = pytest.importorskip("tritonclient.grpc")
    pictures = np.random.default_rng(3).integers(0, 256, (1, 32, 96, 3), dtype=np.uint8)
    image = triton.InferInput("image", pictures.shape, "UINT8")
    image.set_data_from_numpy(pictures)
    answer = triton.InferenceServerClient(server.grpc).infer("anime", [image])
    with open_engine(style, size=(32, 96), backend="openvino", precision="fp32") as engine:
        wanted = engine.translate(pictures)
    assert int(np.abs(answer.as_numpy("translated").astype(int) - wanted).max()) <= 1
