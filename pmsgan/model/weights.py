"""Generator weights as safetensors."""

from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

from pmsgan.errors import CheckpointError
from pmsgan.model.config import GeneratorConfig, NetworkConfig
from pmsgan.model.network import Network, make_network


def save_generator(generator: Network, path: Path) -> None:
    """Write the weights, float32 on the CPU."""
    tensors: dict[str, Tensor] = {
        name: tensor.detach().float().cpu().contiguous()
        for name, tensor in generator.state_dict().items()
    }
    path.write_bytes(safetensors.torch.save(tensors))


def load_generator(path: Path, config: NetworkConfig) -> Network:
    """Read what `save_generator` wrote; the network is ready to translate.

    Raises:
        CheckpointError: the file is missing or damaged, or belongs to another network.
    """
    generator = make_network(config).eval()
    try:
        generator.load_state_dict(safetensors.torch.load_file(path))
    except (OSError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"{path} is not a readable weights file: {error}") from error
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        if isinstance(config, GeneratorConfig) and config.ablation == "eff":
            reason += " (networks of version 0.1 lack connections of D_2 and D_3: train it again)"
        raise CheckpointError(f"{path} belongs to another network: {reason}") from error
    return generator
