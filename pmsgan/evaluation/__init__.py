"""Measure how good a style is: the paper's metrics, ablation table and user study."""
