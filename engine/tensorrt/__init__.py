"""TensorRT and TensorRT for RTX: build engines, keep them, run them."""
