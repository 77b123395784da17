import pytest
import torch

from pmsgan.errors import ConfigError
from pmsgan.model.config import UNetConfig
from pmsgan.model.unet import InstanceNorm, UNet


@pytest.fixture(scope="module")
def unet() -> UNet:
    torch.manual_seed(0)
    return UNet(UNetConfig(base_channels=4))


def test_a_result_does_not_depend_on_the_rest_of_its_batch(unet: UNet) -> None:
    images = torch.rand(2, 3, 256, 256) * 2 - 1
    with torch.no_grad():
        (together,) = unet.eval()(images)
        (alone,) = unet(images[1:])
    assert together.shape == images.shape
    assert together.abs().max() <= 1
    torch.testing.assert_close(together[1:], alone)


def test_dropout_is_for_training_alone(unet: UNet) -> None:
    image = torch.rand(1, 3, 256, 256)
    with torch.no_grad():
        assert not torch.equal(unet.train()(image)[0], unet(image)[0])
        assert torch.equal(unet.eval()(image)[0], unet(image)[0])


def test_every_parameter_receives_gradient(unet: UNet) -> None:
    unet.eval()(torch.rand(1, 3, 256, 512) * 2 - 1)[0].square().mean().backward()
    assert all(it.grad is not None and it.grad.abs().sum() > 0 for it in unet.parameters())


def test_a_side_that_is_not_a_multiple_of_256_is_refused_by_name(unet: UNet) -> None:
    with pytest.raises(ConfigError, match="width 128 is not a multiple of 256: try 256"):
        unet(torch.zeros(1, 3, 256, 128))


def test_half_precision_is_normalised_in_single() -> None:
    norm = InstanceNorm(2).half()
    features = (torch.randn(1, 2, 8, 8) * 100 + 3e4).half()  # its squares are beyond float16
    expected = torch.nn.functional.instance_norm(features.float())
    assert norm(features).dtype == torch.float16
    torch.testing.assert_close(norm(features).float(), expected, atol=2e-3, rtol=2e-3)
