"""The report of a run: data, text, and a page."""
