"""Build, cache and run engines with TensorRT and TensorRT for RTX."""
