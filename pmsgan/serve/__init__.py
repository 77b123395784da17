"""A page to try styles on, and an HTTP API for programs: `pmsgan serve`."""
