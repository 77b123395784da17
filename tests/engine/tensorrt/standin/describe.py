"""Import real bindings over stub libraries and print what they have: describe.py FOLDER LIBRARY...

JSON on stdout: for each class its members, and for each member its docstring, which has the
signatures, or null.
"""

import ctypes
import importlib
import json
import sys
from pathlib import Path


def main() -> None:
    """Print the description."""
    folder, *libraries = sys.argv[1:]
    for library in libraries:
        ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
    sys.path.insert(0, folder)
    (name,) = (path.name for path in Path(folder).glob("*_bindings"))
    module = importlib.import_module(name)
    classes = {
        kind.__name__: {member: getattr(kind, member).__doc__ for member in dir(kind)}
        for kind in vars(module).values()
        if isinstance(kind, type)
    }
    try:
        module.Builder(module.Logger())
        refusal = ""
    except TypeError as error:
        refusal = str(error)
    content = {"version": module.__version__, "classes": classes, "refusal": refusal}
    sys.stdout.write(json.dumps(content))


if __name__ == "__main__":
    main()
