"""Turn a trained generator into one self-contained ONNX file, and check it."""
