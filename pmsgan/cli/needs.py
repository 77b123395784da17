"""Commands that need PyTorch say so in one line."""

import importlib.util

from pmsgan.errors import EngineError


def need_torch(command: str) -> None:
    """Raise EngineError unless the packages of the extra `train` are installed."""
    for module in ("torch", "onnxscript", "tomli_w", "lightning_fabric", "tensorboard"):
        if importlib.util.find_spec(module) is None:
            raise EngineError(
                f"pmsgan {command} needs {module}, which is not installed: "
                "pip install 'pmsgan[train]'"
            )
