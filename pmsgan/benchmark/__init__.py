"""Compare all engines that can run a style here, and compare two reports."""
