"""Make a style of a network that came as an ONNX file from elsewhere."""
