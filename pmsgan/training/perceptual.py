"""The perceptual loss of the paper, Eq. 2: distances between features of VGG-19."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from pmsgan.errors import CheckpointError
from pmsgan.model.torch_file import read_torch_file
from pmsgan.training.vgg_weights import WEIGHTS_URL, cached_weights

VGG19_CHANNELS = ((64,) * 2, (128,) * 2, (256,) * 4, (512,) * 4, (512,) * 4)
"""Output channels of each convolution, block by block; max pooling stands between the blocks."""
LAYERS = {1: 1 / 32, 6: 1 / 16, 11: 1 / 8, 20: 1 / 4, 29: 1.0}
"""relu1_1, relu2_1, relu3_1, relu4_1, relu5_1 by their place in VGG-19, and their weights [D]."""
IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class VggPerceptualLoss(nn.Module):
    """L_p, Eq. 2: L1 between VGG-19 features, divided by C_k H_k W_k, over layers and scales."""

    mean: Tensor
    std: Tensor

    def __init__(self, features: nn.Sequential) -> None:
        """Take the layers of VGG-19 up to relu5_1, which are frozen."""
        super().__init__()
        self.features = features.eval().requires_grad_(False)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).reshape(1, 3, 1, 1))

    def forward(self, outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
        """Compare (y_out, RGB_2, RGB_3) with (y, y_2, y_3), float [N, 3, H, W] in [-1, 1] each."""
        terms = []
        for output, target in zip(outputs, targets, strict=True):
            with torch.no_grad():
                wanted = self.extract(target)
            for weight, got, want in zip(
                LAYERS.values(), self.extract(output), wanted, strict=True
            ):
                # The mean over C_k, H_k and W_k, and over the batch.
                terms.append(weight * functional.l1_loss(got.float(), want.float()))
        return torch.stack(terms).sum()

    def extract(self, image: Tensor) -> list[Tensor]:
        """Return the features of RGB pictures in [-1, 1] at each of `LAYERS`."""
        features = ((image + 1.0) / 2.0 - self.mean) / self.std
        found = []
        for index, layer in enumerate(self.features):
            features = layer(features)
            if index in LAYERS:
                found.append(features)
        return found


def vgg19_features() -> nn.Sequential:
    """Return the layers of VGG-19 up to relu5_1, untrained, numbered as torchvision does."""
    layers: list[nn.Module] = []
    channels = 3
    for block in VGG19_CHANNELS:
        for width in block:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers[: max(LAYERS) + 1])


def load_vgg19(path: Path | None = None) -> nn.Sequential:
    """Return the layers of VGG-19 up to relu5_1 with torchvision's ImageNet weights.

    Args:
        path: the weights file; by default the one in torch hub's cache.

    Raises:
        CheckpointError: it is not there, or is not VGG-19's.
    """
    path = path or cached_weights()
    try:
        state = read_torch_file(path)
        features = vgg19_features()
        prefix = "features."
        own = features.state_dict().keys()
        features.load_state_dict({name: state[prefix + name] for name in own})
    except FileNotFoundError as error:
        raise CheckpointError(
            f"the weights of VGG-19 are not at {path}: download {WEIGHTS_URL} there, give another "
            "file with --vgg-weights, or train without them with --perceptual l1"
        ) from error
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} does not hold the weights of VGG-19: download {WEIGHTS_URL} again"
        ) from error
    return features
