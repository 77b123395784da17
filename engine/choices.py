"""What a user can choose of an engine; light to import."""

from typing import Literal

Backend = Literal["auto", "tensorrt", "tensorrt-rtx", "openvino", "eager"]
"""Runtimes; auto takes the first that can run here."""

CompilingBackend = Literal["auto", "tensorrt", "tensorrt-rtx", "openvino"]
"""Runtimes that can prepare an engine ahead of time."""

Precision = Literal["auto", "fp32", "bf16", "fp16"]
"""Arithmetic; auto is fp16 on a GPU, bf16 on a CPU that computes in it, else fp32."""
TritonBackend = Literal["onnxruntime", "openvino", "tensorrt"]
"""Triton's names of what can run a style there."""
