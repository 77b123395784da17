"""Turns bytes into pixels for an engine, and results back into bytes."""
