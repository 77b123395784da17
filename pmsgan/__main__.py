"""`python -m pmsgan` is the `pmsgan` command."""

from pmsgan.cli.app import app

app()
