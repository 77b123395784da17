"""What a user can choose of an engine; light to import."""

from typing import Literal

Backend = Literal["auto", "openvino", "eager"]
"""Runtimes; auto takes the first that can run here."""

CompilingBackend = Literal["auto", "openvino"]
"""Runtimes that can prepare an engine ahead of time."""

Precision = Literal["auto", "fp32", "bf16"]
"""Arithmetic; auto is bf16 where the processor computes in it, else fp32."""
