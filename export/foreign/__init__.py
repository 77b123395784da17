"""Make a style from a network in an ONNX file from elsewhere."""
