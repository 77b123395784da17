"""The choices that a user has for an engine; this module is light to import."""

from typing import Literal

Backend = Literal["auto", "tensorrt", "tensorrt-rtx", "openvino", "eager", "onnxruntime"]
"""Runtimes; auto takes the first one that can run here."""

CompilingBackend = Literal["auto", "tensorrt", "tensorrt-rtx", "openvino"]
"""Runtimes that can prepare an engine ahead of time."""

Precision = Literal["auto", "fp32", "bf16", "fp16"]
"""Arithmetic; auto is fp16 on a GPU, bf16 on a CPU that computes in it, else fp32."""

TritonBackend = Literal["onnxruntime", "openvino", "tensorrt"]
"""Triton's names for the backends that can run a style."""
