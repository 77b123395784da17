"""Write the graphs of style folders again from their weights, with their SHA-256 in style.toml.

python tools/export_styles.py pmsgan/styles/*/

The weights and everything else in style.toml stay as they are.
"""

import argparse
import hashlib
from pathlib import Path

from pmsgan.export.exporter import export_style
from pmsgan.styles.registry import DESCRIPTION_NAME, GRAPH_NAME, read_style


def main() -> None:
    """Read the command line, and export each folder that is a style."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="+", help="style folders")
    for folder in parser.parse_args().folders:
        if not (folder / DESCRIPTION_NAME).is_file():
            continue
        style = read_style(folder)
        exported = export_style(style, style.graph, precision="fp16")
        new = hashlib.sha256(style.graph.read_bytes()).hexdigest()
        description = folder / DESCRIPTION_NAME
        text = description.read_text(encoding="utf-8")
        description.write_text(text.replace(style.sha256[GRAPH_NAME], new), encoding="utf-8")
        print(f"{style.name}: {exported.accuracy}")


if __name__ == "__main__":
    main()
