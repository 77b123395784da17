"""Train a generator from pairs of pictures."""
