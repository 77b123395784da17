"""Each loss against its formula, written out in NumPy."""

import numpy as np
import pytest
import torch

from pmsgan.training.losses import (
    adversarial_loss,
    cross_entropy_adversarial_loss,
    cross_entropy_discriminator_loss,
    discriminator_loss,
    l1_gradient_loss,
    pixel_loss,
    target_pyramid,
)

RNG = np.random.default_rng(0)


def scales(channels: int) -> list[np.ndarray]:
    return [RNG.normal(size=(2, channels, 8 // 2**scale, 8 // 2**scale)) for scale in range(3)]


def tensors(arrays: list[np.ndarray]) -> list[torch.Tensor]:
    return [torch.from_numpy(array) for array in arrays]


def test_discriminator_loss_is_eq_1_with_real_1_and_fake_0() -> None:
    real, fake = scales(1), scales(1)
    expected = sum(((r - 1) ** 2).mean() + (f**2).mean() for r, f in zip(real, fake, strict=True))
    assert discriminator_loss(tensors(real), tensors(fake)).item() == pytest.approx(expected)


def test_adversarial_loss_is_eq_1_for_the_generator() -> None:
    fake = scales(1)
    expected = sum(((f - 1) ** 2).mean() for f in fake)
    assert adversarial_loss(tensors(fake)).item() == pytest.approx(expected)


def test_l1_gradient_loss_adds_pictures_and_their_gradients() -> None:
    output, target = scales(3), scales(3)
    expected = 0.0
    for o, t in zip(output, target, strict=True):
        expected += np.abs(o - t).mean()
        for axis in (2, 3):
            expected += np.abs(np.diff(o, axis=axis) - np.diff(t, axis=axis)).mean()
    assert l1_gradient_loss(tensors(output), tensors(target)).item() == pytest.approx(expected)


def test_hard_pixels_add_the_mean_of_the_largest_errors_of_each_picture() -> None:
    output, target = scales(3), scales(3)
    expected = l1_gradient_loss(tensors(output), tensors(target)).item()
    for o, t in zip(output, target, strict=True):
        errors = np.abs(o - t).mean(axis=1).reshape(len(o), -1)
        num_hard = round(0.25 * errors.shape[1])
        expected += np.sort(errors, axis=1)[:, -num_hard:].mean()
    loss = l1_gradient_loss(tensors(output), tensors(target), hard_share=0.25)
    assert loss.item() == pytest.approx(expected)


def test_targets_are_block_means() -> None:
    y = RNG.normal(size=(1, 3, 8, 8))
    pyramid = target_pyramid(torch.from_numpy(y), 3)
    for scale, target in enumerate(pyramid):
        side = 2**scale
        blocks = y.reshape(1, 3, 8 // side, side, 8 // side, side).mean(axis=(3, 5))
        np.testing.assert_allclose(target.numpy(), blocks)


def test_pix2pix_loses_by_cross_entropy_and_the_mean_difference() -> None:
    real, fake = scales(1), scales(1)

    def certainty(scores: np.ndarray) -> np.ndarray:
        return 1 / (1 + np.exp(-scores))

    expected = -sum(
        np.log(certainty(r)).mean() + np.log(1 - certainty(f)).mean()
        for r, f in zip(real, fake, strict=True)
    )
    found = cross_entropy_discriminator_loss(tensors(real), tensors(fake))
    assert found.item() == pytest.approx(expected / 2)
    expected = -sum(np.log(certainty(f)).mean() for f in fake)
    assert cross_entropy_adversarial_loss(tensors(fake)).item() == pytest.approx(expected)
    expected = sum(np.abs(r - f).mean() for r, f in zip(real, fake, strict=True))
    assert pixel_loss(tensors(real), tensors(fake)).item() == pytest.approx(expected)
