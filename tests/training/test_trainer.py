import copy
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from lightning_fabric import Fabric
from torch.nn import functional

from pmsgan.errors import CheckpointError
from pmsgan.model.config import GeneratorConfig, UNetConfig
from pmsgan.model.discriminator import ScaleDiscriminators
from pmsgan.model.generator import Generator
from pmsgan.training.config import NETWORK_SETTINGS, TrainingConfig
from pmsgan.training.hardware import make_precision
from pmsgan.training.losses import l1_gradient_loss, pixel_loss
from pmsgan.training.trainer import Trainer

NETWORK = GeneratorConfig(base_channels=4, num_residual_blocks=1)
SETTINGS = TrainingConfig(
    steps=4, perceptual="l1", size=96, save_every=2, ema_decay=0.5, num_readers=0
)
CPU = Fabric(accelerator="cpu", devices=1)


def test_steps_lower_the_perceptual_loss() -> None:
    config = replace(SETTINGS, lambda_adversarial=0.0, learning_rate=5e-3)
    torch.manual_seed(0)
    trainer = Trainer(config, NETWORK, CPU)
    source, target = torch.rand(1, 3, 96, 96), torch.full((1, 3, 96, 96), -0.8)
    losses = [trainer.step(source, target)["perceptual"].item() for _ in range(12)]
    assert trainer.step(source, target).keys() == {"perceptual"}
    assert losses[-1] < 0.8 * losses[0]


def test_both_sides_learn_in_a_step_and_the_average_follows() -> None:
    trainer = Trainer(SETTINGS, NETWORK, CPU)
    networks = (trainer.generator, trainer.discriminators, trainer.trained_generator())
    before = [[p.detach().clone() for p in network.parameters()] for network in networks]
    for _ in range(2):
        trainer.step(torch.rand(1, 3, 96, 96), torch.rand(1, 3, 96, 96))
    for network, old in zip(networks, before, strict=True):
        changed = [not torch.equal(a, b) for a, b in zip(network.parameters(), old, strict=True)]
        assert sum(changed) > len(changed) / 2
    assert trainer.trained_generator() is not trainer.generator


def test_the_learning_rate_falls_as_a_cosine_to_the_last_step() -> None:
    config = replace(SETTINGS, schedule="cosine", learning_rate=1e-3, lambda_adversarial=0.0)
    trainer = Trainer(config, NETWORK, CPU)
    (group,) = trainer.generator_optimizer.param_groups
    rates = []
    for _ in range(3):
        trainer.step(*torch.rand(2, 1, 3, 96, 96))
        rates.append(group["lr"])
    assert rates == pytest.approx([1e-3, 1e-3 * (1 + 0.5**0.5) / 2, 0.5e-3])


def test_a_checkpoint_from_before_a_setting_has_its_default() -> None:
    state = Trainer(SETTINGS, NETWORK, CPU).state_dict()
    del state["generator_config"]["fold"]
    Trainer(SETTINGS, NETWORK, CPU).load_state_dict(state)
    with pytest.raises(CheckpointError, match="another network: --fold 1, not 2; use its"):
        Trainer(SETTINGS, replace(NETWORK, fold=2), CPU).load_state_dict(state)
    del state["generator"]["output.rgb.bias"]
    with pytest.raises(CheckpointError, match=r"another network: .*output\.rgb\.bias"):
        Trainer(SETTINGS, NETWORK, CPU).load_state_dict(state)


def test_a_run_begins_with_the_initial_weights_that_it_asks_for() -> None:
    for kind, deviation in (("paper", 0.02), ("scaled", 1 / 6)):
        trainer = Trainer(replace(SETTINGS, initial_weights=kind), NETWORK, CPU)
        weight = trainer.generator.decoders[0][0].weight  # of 4 channels: a fan-in of 36
        assert weight.std().item() == pytest.approx(deviation, rel=0.2)


def test_rgb_1_gets_a_loss_of_its_own() -> None:
    source, target = torch.rand(2, 1, 3, 96, 96)
    config = replace(SETTINGS, lambda_adversarial=0.0, lambda_perceptual=0.0, lambda_rgb1=2.0)
    trainer = Trainer(config, NETWORK, CPU)
    with torch.no_grad():
        y_out, rgb1, *smaller = trainer.generator.all_outputs(source)
        expected = l1_gradient_loss([rgb1], [target])
    assert len(smaller) == 2
    assert not torch.equal(y_out, rgb1)
    losses = trainer.step(source, target)
    torch.testing.assert_close(losses["rgb1"], expected)
    gradients = {name: it.grad for name, it in trainer.generator.named_parameters()}
    assert gradients["to_rgb.0.weight"].abs().sum() > 0
    assert not gradients["output.rgb.weight"].any()  # y_out has no weight here
    assert (
        trainer.state_dict()["generator"].keys()
        == Trainer(SETTINGS, NETWORK, CPU).state_dict()["generator"].keys()
    )


def test_without_average_the_generator_itself_is_the_result() -> None:
    trainer = Trainer(replace(SETTINGS, ema_decay=0.0), NETWORK, CPU)
    assert trainer.trained_generator() is trainer.generator


def test_bf16_runs_under_autocast_and_keeps_float_weights() -> None:
    trainer = Trainer(replace(SETTINGS, precision="bf16"), NETWORK, CPU)
    losses = trainer.step(torch.rand(1, 3, 96, 96), torch.rand(1, 3, 96, 96))
    assert all(torch.isfinite(loss) for loss in losses.values())
    assert all(p.dtype == torch.float32 for p in trainer.generator.parameters())


def half_precision_on_the_cpu() -> Fabric:
    # Fabric itself offers fp16 on GPUs alone.
    return Fabric(accelerator="cpu", devices=1, plugins=[make_precision("fp16", "cpu")])


def test_fp16_skips_updates_that_overflow_and_keeps_the_scale_in_the_checkpoint() -> None:
    config = replace(
        SETTINGS, precision="fp16", gradient_clip=1.0, lambda_adversarial=0.0, ema_decay=0.0
    )
    trainer = Trainer(config, NETWORK, half_precision_on_the_cpu())
    source, target = torch.rand(2, 1, 3, 96, 96)
    weight = trainer.generator.output.rgb.weight
    history = []
    for _ in range(6):
        before = weight.detach().clone()
        trainer.step(source, target)
        scale = trainer.state_dict()["precision"]["scale"]
        history.append((scale, not torch.equal(before, weight)))
    for (old, _), (new, updated) in pairwise([(2.0**16, False), *history]):
        assert updated == (new == old), history
    assert history[-1][1], history
    state = trainer.state_dict()
    resumed = Trainer(config, NETWORK, half_precision_on_the_cpu())
    resumed.load_state_dict(state)
    assert resumed.state_dict()["precision"] == state["precision"]
    state["precision"] = {}  # of a run without scaling
    resumed.load_state_dict(state)


def test_compiling_and_the_memory_layout_change_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled = []
    # What compiling itself does is torch's to test, and takes a minute.
    monkeypatch.setattr(torch.nn.Module, "compile", lambda self: compiled.append(type(self)))
    source, target = torch.rand(2, 1, 3, 96, 96)
    plain = Trainer(replace(SETTINGS, channels_last=False), NETWORK, CPU).step(source, target)
    other = Trainer(replace(SETTINGS, compile=True), NETWORK, CPU).step(source, target)
    assert compiled == [Generator, ScaleDiscriminators]
    for name, loss in plain.items():
        assert other[name].item() == pytest.approx(loss.item(), rel=1e-4)


@pytest.mark.parametrize("ablation", ["single", "eff"])
def test_every_scale_has_its_discriminator(ablation: str) -> None:
    network = replace(NETWORK, ablation=ablation)
    trainer = Trainer(SETTINGS, network, CPU)
    trainer.step(torch.rand(1, 3, 96, 96), torch.rand(1, 3, 96, 96))
    assert len(trainer.discriminators) == network.num_stages


def test_clipping_bounds_the_gradient_of_both_networks() -> None:
    trainer = Trainer(replace(SETTINGS, gradient_clip=1e-3), NETWORK, CPU)
    trainer.step(torch.rand(1, 3, 96, 96), torch.rand(1, 3, 96, 96))
    for network in (trainer.generator, trainer.discriminators):
        gradients = [p.grad.flatten() for p in network.parameters() if p.grad is not None]
        assert 0 < torch.cat(gradients).norm().item() <= 1.001e-3


def test_pix2pix_is_judged_beside_its_input_and_resumes_bit_for_bit() -> None:
    config = TrainingConfig(**NETWORK_SETTINGS["pix2pix"])
    network = UNetConfig(base_channels=2)
    batches = torch.rand(2, 2, 1, 3, 256, 256) * 2 - 1
    seen = []
    whole = Trainer(config, network, CPU, pixel_loss)
    whole.discriminators[0].register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    losses = whole.step(*batches[0])
    assert losses.keys() == {"discriminator", "perceptual", "adversarial"}
    assert [tuple(image.shape) for image in seen] == [(2, 6, 256, 256), (1, 6, 256, 256)]
    source, target = batches[0]
    assert torch.equal(seen[0][:1], torch.cat([source, target], dim=1))
    assert torch.equal(seen[0][1:, :3], source)
    assert torch.equal(seen[1][:, 3:], seen[0][1:, 3:])
    resumed = Trainer(config, network, CPU, pixel_loss)
    resumed.load_state_dict(copy.deepcopy(whole.state_dict()))
    torch.manual_seed(99)  # dropout does not depend on what happened in between
    for trainer in (whole, resumed):
        trainer.step(*batches[1])
    for name, weight in whole.generator.state_dict().items():
        assert torch.equal(weight, resumed.generator.state_dict()[name]), name
    with pytest.raises(CheckpointError, match="network: --network pix2pix, not pmsgan; use its"):
        Trainer(SETTINGS, NETWORK, CPU).load_state_dict(whole.state_dict())


def test_a_network_learns_to_repeat_its_teacher() -> None:
    source, target = torch.rand(2, 1, 3, 96, 96)
    config = replace(SETTINGS, lambda_adversarial=0.0, lambda_perceptual=0.0, learning_rate=5e-3)
    torch.manual_seed(1)
    teacher = Generator(replace(NETWORK, fold=2))
    before = copy.deepcopy(teacher.state_dict())
    trainer = Trainer(config, NETWORK, CPU, teacher=teacher)
    losses = [trainer.step(source, target)["teacher"].item() for _ in range(12)]
    assert losses[-1] < 0.8 * losses[0]
    assert all(torch.equal(before[name], after) for name, after in teacher.state_dict().items())
    with torch.no_grad():
        wanted = teacher(source)[0].clamp(-1.0, 1.0)
        first = Trainer(config, NETWORK, CPU).generator(source)
    assert losses[0] == pytest.approx(
        l1_gradient_loss(first, [functional.avg_pool2d(wanted, side) for side in (1, 2, 4)]).item()
    )
