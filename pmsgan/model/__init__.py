"""The network: generator and discriminators, in PyTorch."""
