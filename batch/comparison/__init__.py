"""Compare one engine with another on the same pictures."""
