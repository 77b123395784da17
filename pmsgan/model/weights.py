"""Generator weights as safetensors."""

from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

from pmsgan.errors import CheckpointError
from pmsgan.model.config import GeneratorConfig
from pmsgan.model.generator import Generator


def save_generator(generator: Generator, path: Path) -> None:
    """Write the weights, float32 on the CPU."""
    tensors: dict[str, Tensor] = {
        name: tensor.detach().float().cpu().contiguous()
        for name, tensor in generator.state_dict().items()
    }
    path.write_bytes(safetensors.torch.save(tensors))


def load_generator(path: Path, config: GeneratorConfig) -> Generator:
    """Read what `save_generator` wrote.

    Raises:
        CheckpointError: the file is missing or damaged, or belongs to another network.
    """
    generator = Generator(config)
    try:
        generator.load_state_dict(safetensors.torch.load_file(path))
    except (OSError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"{path} is not a readable weights file: {error}") from error
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        if config.ablation == "eff":
            reason += " (in version 0.1 D_2 and D_3 led nowhere: train it again)"
        raise CheckpointError(f"{path} belongs to another network: {reason}") from error
    return generator
