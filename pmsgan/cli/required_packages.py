"""Check that the packages that a command needs are installed."""

import importlib.util

from pmsgan.errors import EngineError
from pmsgan.install import install_command


def require_torch(command: str) -> None:
    """Raise EngineError unless the packages of the extra `train` are installed."""
    require_packages(
        command, "train", "torch", "onnxscript", "tomli_w", "lightning_fabric", "tensorboard"
    )


def require_packages(command: str, extra: str, *modules: str) -> None:
    """Raise EngineError unless these modules of an extra are installed."""
    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise EngineError(
                f"pmsgan {command} needs {module}, which is not installed: {install_command(extra)}"
            )
