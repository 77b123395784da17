"""Triton's backend `onnxruntime` in Python, for a server that comes without the real one."""

import os
from typing import Any

import numpy as np
import onnxruntime
import triton_python_backend_utils as utils


class TritonPythonModel:
    def initialize(self, arguments: dict[str, str]) -> None:
        path = os.path.join(  # noqa: PTH118
            arguments["model_repository"], arguments["model_version"], "model.onnx"
        )
        self.session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])

    def execute(self, requests: list[Any]) -> list[Any]:
        responses = []
        for request in requests:
            # By DLPack, since the server was built for NumPy 1, whose arrays look different.
            image = np.from_dlpack(utils.get_input_tensor_by_name(request, "image"))
            (translated,) = self.session.run(["translated"], {"image": image})
            tensor = utils.Tensor.from_dlpack("translated", translated)
            responses.append(utils.InferenceResponse([tensor]))
        return responses
