import torch

from pmsgan.model.discriminator import PatchDiscriminator, ScaleDiscriminators


def test_a_256_picture_has_30x30_patches() -> None:
    with torch.device("meta"):
        assert PatchDiscriminator()(torch.empty(1, 3, 256, 256)).shape == (1, 1, 30, 30)


def test_a_score_sees_a_patch_of_70x70() -> None:
    judge = PatchDiscriminator(base_channels=4)
    for layer in judge:
        if isinstance(layer, torch.nn.InstanceNorm2d):
            layer.forward = lambda features: features  # type: ignore[method-assign]
    image = torch.randn(1, 3, 256, 256, requires_grad=True)
    judge(image)[0, 0, 15, 15].backward()
    assert image.grad is not None
    rows = image.grad.abs().sum(dim=(0, 1, 3)).nonzero()
    assert rows.max() - rows.min() + 1 == 70


def test_initial_weights_are_the_papers() -> None:
    judges = ScaleDiscriminators(3)
    weights = torch.cat([p.flatten() for n, p in judges.named_parameters() if "weight" in n])
    assert abs(weights.std().item() - 0.02) < 1e-4
    assert not any(p.any() for n, p in judges.named_parameters() if n.endswith("bias"))
