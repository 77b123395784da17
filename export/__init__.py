"""Export a trained generator as one self-contained ONNX file, and check the file."""
