"""Write a style as a model that NVIDIA's Triton Inference Server serves.

The server gets the style's deployment graph. The files are described in
https://docs.nvidia.com/deeplearning/triton-inference-server.
"""

import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

import pmsgan
from pmsgan.atomic import replacing
from pmsgan.engine.choices import TritonBackend
from pmsgan.engine.graph import GraphInfo, read_graph
from pmsgan.engine.named_graph import INPUT_NAME, OUTPUT_NAME
from pmsgan.engine.open import choose_backend
from pmsgan.engine.tensorrt.open import make_checked_plan
from pmsgan.engine.trial import try_style
from pmsgan.errors import ConfigError, ExportError
from pmsgan.styles.registry import find_style

MAX_BATCH = 8
QUEUE_DELAY_US = 2000
"""Longest time that a picture waits for others to share its batch [microseconds]."""
CONFIG_NAME = "config.pbtxt"
_ANY = -1
"""Side of a picture that may vary from request to request, as Triton writes it."""

_CONFIG = """\
# Written by pmsgan {version}. The numbers may be changed; names and types are those of the graph.
name: "{name}"
backend: "{backend}"
default_model_filename: "{file}"
max_batch_size: {max_batch}
input [ {{ name: "{input}" data_type: TYPE_UINT8 dims: [ {height}, {width}, 3 ] }} ]
output [ {{ name: "{output}" data_type: TYPE_UINT8 dims: [ {height}, {width}, 3 ] }} ]
# The size that the style was made for.
parameters {{ key: "height" value {{ string_value: "{best_height}" }} }}
parameters {{ key: "width" value {{ string_value: "{best_width}" }} }}
# Pictures that come one by one wait this long for others, and are translated together.
dynamic_batching {{ max_queue_delay_microseconds: {delay} }}
# KIND_AUTO: on each GPU, or on the CPU where there is none.
instance_group [ {{ count: 1 kind: {kind} }} ]
# The newest of the folders 1, 2, ... is served.
version_policy {{ latest {{ num_versions: 1 }} }}
"""
_FILES = {"onnxruntime": "model.onnx", "openvino": "model.onnx", "tensorrt": "model.plan"}
_KINDS = {"onnxruntime": "KIND_AUTO", "openvino": "KIND_CPU", "tensorrt": "KIND_GPU"}


@dataclass(frozen=True, kw_only=True, slots=True)
class TritonModel:
    """A model in a Triton model repository."""

    name: str
    folder: Path
    version: int
    backend: TritonBackend
    max_batch: int

    def to_json(self) -> dict[str, Any]:
        """Return the content for JSON."""
        return asdict(self) | {"folder": str(self.folder)}

    def __str__(self) -> str:
        """Return one line for people."""
        return (
            f"{self.folder}: version {self.version} for {self.backend}, up to {self.max_batch} "
            f"pictures at a time; tritonserver --model-repository {self.folder.parent.absolute()}"
        )


def export_triton(
    style: str,
    repository: Path,
    *,
    backend: TritonBackend = "onnxruntime",
    max_batch: int = MAX_BATCH,
) -> TritonModel:
    """Add a style to a model repository; an existing model gets a new version.

    A server that watches the repository never sees an incomplete file.

    Args:
        style: name of a style, or the path of its folder.
        repository: the folder of models; it is made if it does not exist.
        backend: the backend of Triton that runs the model. For tensorrt, an engine is built for
            the GPU that is here; the server needs the same kind of GPU and the same TensorRT.
        max_batch: largest number of pictures that are translated at a time.

    Returns:
        The model, with its folder and version.

    Raises:
        ConfigError: Triton has no such backend, or `max_batch` is below 1.
        StyleError: the style does not exist.
        EngineError: TensorRT cannot build the graph here.
        ExportError: the repository cannot be written, or the graph takes no batches.
    """
    if backend not in get_args(TritonBackend):
        raise ConfigError(
            f"Triton has no backend {backend}: use {', '.join(get_args(TritonBackend))}"
        )
    if max_batch < 1:
        raise ConfigError(f"max_batch is {max_batch}: it must be at least 1")
    found = find_style(style)
    try_style(found)
    graph = read_graph(found.graph)
    if graph.is_batch_fixed:
        raise ExportError(
            f"{graph.path} takes one picture at a time, but Triton sends batches: export the "
            "network with a dynamic batch dimension and import it again"
        )
    if backend == "tensorrt":
        choose_backend("tensorrt")  # its error names the missing package
        data = make_checked_plan("tensorrt", graph, max_batch=max_batch)
    else:
        data = graph.read()
    folder = repository / found.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        version = _add_version(folder, data, _FILES[backend])
        with replacing(folder / CONFIG_NAME) as temporary:
            temporary.write_text(_config(found.name, backend, graph, max_batch), encoding="utf-8")
    except OSError as error:
        raise ExportError(f"cannot write to {folder}: {error.strerror}") from error
    return TritonModel(
        name=found.name, folder=folder, version=version, backend=backend, max_batch=max_batch
    )


def _config(name: str, backend: TritonBackend, graph: GraphInfo, max_batch: int) -> str:
    # A plan of TensorRT is built for one size; OpenVINO's kernels are faster for one size.
    any_size = graph.side_multiple is not None and backend == "onnxruntime"
    return _CONFIG.format(
        version=pmsgan.__version__,
        name=name,
        backend=backend,
        file=_FILES[backend],
        max_batch=max_batch,
        input=INPUT_NAME,
        output=OUTPUT_NAME,
        height=_ANY if any_size else graph.height,
        width=_ANY if any_size else graph.width,
        best_height=graph.height,
        best_width=graph.width,
        delay=QUEUE_DELAY_US,
        kind=_KINDS[backend],
    )


def _add_version(folder: Path, data: bytes, file: str) -> int:
    """Write a new version, unless the newest has the same data; return its number."""
    numbers = [int(path.name) for path in folder.iterdir() if path.name.isdigit()]
    newest = max(numbers, default=0)
    path = folder / str(newest) / file
    if path.is_file() and path.read_bytes() == data:
        return newest
    with tempfile.TemporaryDirectory(dir=folder, prefix=".") as scratch:
        draft = Path(scratch) / "draft"
        draft.mkdir()
        (draft / file).write_bytes(data)
        draft.rename(folder / str(newest + 1))
    return newest + 1
