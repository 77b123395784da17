"""The choices that a user has for an engine; this module is light to import."""

from typing import Literal

Backend = Literal["auto", "tensorrt", "tensorrt-rtx", "openvino", "eager", "onnxruntime"]
"""Runtimes; auto takes the first one that can run here."""

CompilingBackend = Literal["auto", "tensorrt", "tensorrt-rtx", "openvino"]
"""Runtimes that can prepare an engine ahead of time."""

Precision = Literal["auto", "fp32", "bf16", "fp16", "int8"]
"""Arithmetic; auto is fp16 on a GPU. On a CPU it is int8 where the style is calibrated for it, else
bf16 where the CPU computes in it, else fp32."""

Device = Literal["CPU", "GPU", "NPU", "AUTO"]
"""Devices of OpenVINO; GPU and NPU are Intel's, AUTO takes the best one that it finds."""

TritonBackend = Literal["onnxruntime", "openvino", "tensorrt"]
"""Backends of Triton that can run a style."""
