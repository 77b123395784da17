"""On a machine with an NVIDIA GPU: `make gpu-check`."""

from pathlib import Path
from typing import Literal

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from pmsgan.batch.convert import convert_folder
from pmsgan.batch.settings import RunSettings
from pmsgan.engine.accuracy import compare
from pmsgan.engine.gpu import count_gpus
from pmsgan.engine.open import missing_requirement, open_engine
from pmsgan.styles.registry import Style

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not count_gpus(), reason="no NVIDIA GPU is here"),
]

Product = Literal["tensorrt", "tensorrt-rtx"]


@pytest.fixture(params=["tensorrt", "tensorrt-rtx"])
def product(request: pytest.FixtureRequest) -> Product:
    if (missing := missing_requirement(request.param)) is not None:
        pytest.skip(missing)
    return request.param  # type: ignore[no-any-return]


@pytest.mark.parametrize(("precision", "least_psnr_db"), [("fp16", 40), ("fp32", 50)])
@pytest.mark.parametrize("max_batch", [1, 4, 16])
def test_a_gpu_agrees_with_onnx_runtime(
    style: Style,
    pictures: NDArray[np.uint8],
    product: Product,
    precision: Literal["fp16", "fp32"],
    least_psnr_db: float,
    max_batch: int,
) -> None:
    session = onnxruntime.InferenceSession(style.graph)
    wanted = session.run(None, {"image": pictures})[0]
    with open_engine(style, backend=product, precision=precision, max_batch=max_batch) as engine:
        for count in {1, max_batch, len(pictures)}:
            got = engine.translate(pictures[:count])
            assert compare(got, wanted[:count]).psnr_db > least_psnr_db


def test_a_folder_is_converted_on_the_gpu(
    style: Style, in_dir: Path, tmp_path: Path, product: Product
) -> None:
    report = convert_folder(
        in_dir,
        tmp_path / "out",
        style,
        run=RunSettings(backend=product, require_gpu=True),
        with_baseline=True,
    )
    assert report.num_done == 9
    assert report.engine.backend == product
    assert len(report.baselines) == 2
