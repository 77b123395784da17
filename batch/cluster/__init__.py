"""Convert a folder on several GPUs or machines, through Ray."""
