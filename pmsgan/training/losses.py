"""The losses of the paper, Eq. 1 to Eq. 3, and those of pix2pix.

P. Isola, J.-Y. Zhu, T. Zhou, A. A. Efros, "Image-to-Image Translation with Conditional Adversarial
Networks", CVPR 2017, sections 3.1 and 3.3.

Lists of tensors hold one entry for each output scale: (y_out, RGB_2, RGB_3) against (y, y_2, y_3),
finest first.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional


def discriminator_loss(real_scores: Sequence[Tensor], fake_scores: Sequence[Tensor]) -> Tensor:
    """Eq. 1 as the discriminators see it: least squares to 1 on real, to 0 on fake.

    The paper's Eq. 1 swaps the two labels; this is the usual reading.

    Args:
        real_scores: scores of (y, y_2, y_3), float [N, 1, h, w] each.
        fake_scores: scores of (y_out, RGB_2, RGB_3), float [N, 1, h, w] each.
    """
    return _total(
        [
            (real - 1.0).square().mean() + fake.square().mean()
            for real, fake in zip(real_scores, fake_scores, strict=True)
        ]
    )


def adversarial_loss(fake_scores: Sequence[Tensor]) -> Tensor:
    """L_adv, Eq. 1 as the generator sees it: least squares of the fakes' scores to 1."""
    return _total([(fake - 1.0).square().mean() for fake in fake_scores])


def cross_entropy_discriminator_loss(
    real_scores: Sequence[Tensor], fake_scores: Sequence[Tensor]
) -> Tensor:
    """L_cGAN of pix2pix as the discriminators see it: binary cross-entropy to 1 on real, 0 on fake.

    It is halved, so that a discriminator learns at half the rate.

    Args:
        real_scores: logits of the targets, float [N, 1, h, w] each.
        fake_scores: logits of the outputs, float [N, 1, h, w] each.
    """
    return _total(
        [
            # -log sigmoid(score), and -log(1 - sigmoid(score))
            (functional.softplus(-real).mean() + functional.softplus(fake).mean()) / 2
            for real, fake in zip(real_scores, fake_scores, strict=True)
        ]
    )


def cross_entropy_adversarial_loss(fake_scores: Sequence[Tensor]) -> Tensor:
    """L_cGAN of pix2pix as the generator sees it: cross-entropy of the fakes' logits to 1."""
    return _total([functional.softplus(-fake).mean() for fake in fake_scores])


def pixel_loss(outputs: Sequence[Tensor], targets: Sequence[Tensor]) -> Tensor:
    """L_L1 of pix2pix: the mean absolute difference, summed over the scales."""
    return _total(
        [
            functional.l1_loss(output, target)
            for output, target in zip(outputs, targets, strict=True)
        ]
    )


def l1_gradient_loss(
    outputs: Sequence[Tensor], targets: Sequence[Tensor], hard_share: float = 0.0
) -> Tensor:
    """L_p without VGG-19: L1 between the pictures plus L1 between their gradients, each scale.

    Stands in for Eq. 2 where no ImageNet weights are at hand.

    Args:
        outputs: (y_out, RGB_2, RGB_3), float [N, 3, H, W] each.
        targets: (y, y_2, y_3), float [N, 3, H, W] each.
        hard_share: share of each picture's pixels, those with the largest error, whose mean L1
            is added (ours). A part of few pixels hardly moves a picture's mean; here it does.
    """
    terms = []
    for output, target in zip(outputs, targets, strict=True):
        difference = output - target
        terms.append(
            difference.abs().mean()
            + difference.diff(dim=-1).abs().mean()
            + difference.diff(dim=-2).abs().mean()
        )
        if hard_share:
            errors = difference.abs().mean(dim=1).flatten(1)  # [N, H W]
            num_hard = max(1, round(hard_share * errors.shape[1]))
            terms.append(errors.topk(num_hard, sorted=False).values.mean())
    return _total(terms)


def target_pyramid(target: Tensor, num_scales: int) -> list[Tensor]:
    """Return y, y_2, y_3: float [N, 3, H, W] at 1, 1/2 and 1/4 of its sides."""
    return [functional.avg_pool2d(target, 2**scale) for scale in range(num_scales)]


def _total(terms: Sequence[Tensor]) -> Tensor:
    return torch.stack(tuple(terms)).sum()
