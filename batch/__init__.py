"""Convert a folder of pictures."""
