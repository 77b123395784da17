"""From bytes to pixels for an engine, and back."""
