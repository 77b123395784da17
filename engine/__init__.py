"""Run a deployment graph on the machine at hand."""
