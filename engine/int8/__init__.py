"""INT8: calibrate a graph, check it, and quantise its convolutions."""
