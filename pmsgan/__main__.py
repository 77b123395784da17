"""The `pmsgan` command, also as `python -m pmsgan`."""

import sys


def main() -> None:
    """Run the command; Ctrl-C ends it in one line even while Python still imports it."""
    try:
        from pmsgan.cli.app import app
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        sys.exit(130)
    app()


if __name__ == "__main__":
    main()
