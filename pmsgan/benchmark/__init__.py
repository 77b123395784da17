"""Measure everything that can run a style here beside each other, and compare two reports."""
