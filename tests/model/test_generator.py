from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from pmsgan.errors import ConfigError
from pmsgan.model.blocks import resize
from pmsgan.model.config import ABLATIONS, Ablation, GeneratorConfig
from pmsgan.model.generator import (
    CrossStageAtrousSpatialPyramid,
    DecoderFeatureFusion,
    DecoderFeatureSum,
    EncoderFeatureFusion,
    Generator,
    MultiscaleSupervisedAttention,
)
from pmsgan.model.initial_weights import set_initial_weights


def on_meta(base_channels: int, ablation: Ablation = "full") -> Generator:
    """A network of full size that holds no numbers."""
    with torch.device("meta"):
        return Generator(GeneratorConfig(base_channels=base_channels, ablation=ablation))


def picture(side: int) -> Tensor:
    return torch.empty(1, 3, side, side, device="meta")


def test_shapes_are_those_of_the_papers_table() -> None:
    generator = on_meta(32)
    seen: dict[str, tuple[int, ...]] = {}
    for name, module in generator.named_modules():

        def note(module: nn.Module, inputs: object, output: object, name: str = name) -> None:
            if isinstance(output, Tensor):
                seen[name] = tuple(output.shape[1:])

        module.register_forward_hook(note)
    outputs = generator(picture(512))
    stages = [(32, 512, 512), (64, 256, 256), (128, 128, 128)]
    for index, shape in enumerate(stages):
        assert seen[f"encoders.{index}"] == shape
        assert seen[f"contexts.{index}"] == shape
        assert seen[f"decoders.{index}"] == shape
        assert seen[f"to_rgb.{index}"] == (3, *shape[1:])
    for index, shape in enumerate(stages[1:]):
        assert seen[f"encoder_fusions.{index}"] == shape
    for index, shape in enumerate(stages[:-1]):
        assert seen[f"decoder_fusions.{index}"] == shape
    assert seen["output.mask"] == (32, 512, 512)
    assert [tuple(output.shape) for output in outputs] == [
        (1, 3, 512, 512),
        (1, 3, 256, 256),
        (1, 3, 128, 128),
    ]


@pytest.mark.parametrize(
    ("base_channels", "side", "millions", "gflop"), [(32, 512, 5.3, 410), (16, 256, 1.3, 26)]
)
def test_size_and_cost_are_about_what_is_expected(
    base_channels: int, side: int, millions: float, gflop: float
) -> None:
    generator = on_meta(base_channels)
    with FlopCounterMode(display=False) as counter:
        generator(picture(side))
    num_parameters = sum(parameter.numel() for parameter in generator.parameters())
    assert num_parameters / 1e6 == pytest.approx(millions, rel=0.04)
    assert counter.get_total_flops() / 1e9 == pytest.approx(gflop, rel=0.04)


@pytest.mark.parametrize("ablation", ABLATIONS)
def test_every_parameter_receives_gradient(
    make_generator: Callable[..., Generator], ablation: Ablation
) -> None:
    generator = make_generator(ablation)
    outputs = generator(torch.rand(2, 3, 32, 32) * 2 - 1)
    assert len(outputs) == generator.config.num_stages
    torch.stack([output.square().mean() for output in outputs]).sum().backward()
    without = [
        name
        for name, parameter in generator.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    assert without == []


@pytest.mark.parametrize("ablation", ABLATIONS)
def test_all_stages_lead_to_the_final_picture(
    make_generator: Callable[..., Generator], ablation: Ablation
) -> None:
    generator = make_generator(ablation)
    generator(torch.rand(2, 3, 32, 32) * 2 - 1)[0].square().mean().backward()
    without = [
        name
        for name, parameter in generator.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    # Without MSSA, RGB_2 and RGB_3 are outputs alone.
    heads = () if ablation == "full" else ("to_rgb.1", "to_rgb.2")
    assert [name for name in without if not name.startswith(heads)] == []


@pytest.mark.parametrize(
    ("smaller", "larger", "added"),
    [
        ("single", "eff", ("encoder_fusions.", "encoders.1", "encoders.2", "decoders.1",
                           "decoders.2", "to_rgb.1", "to_rgb.2", "decoder_fusions.0.up",
                           "decoder_fusions.1.up")),
        ("eff", "dff", ("decoder_fusions.0.merge", "decoder_fusions.1.merge")),
        ("dff", "csasp", ("contexts.",)),
        ("csasp", "full", ("output.",)),
    ],
)  # fmt: skip
def test_each_ablation_adds_its_module_alone(
    smaller: Ablation, larger: Ablation, added: tuple[str, ...]
) -> None:
    before, after = (
        {name: parameter.shape for name, parameter in on_meta(16, ablation).named_parameters()}
        for ablation in (smaller, larger)
    )
    assert before.items() <= after.items()
    new = after.keys() - before.keys()
    assert new
    assert all(name.startswith(added) for name in new)
    assert all(any(name.startswith(prefix) for name in new) for prefix in added)


def test_the_widths_that_the_paper_leaves_open_can_be_set() -> None:
    shapes = Generator(GeneratorConfig(base_channels=8, growth_divisor=4, branch_divisor=8))
    assert shapes.encoder_fusions[0].dense.layers[0].out_channels == 16 // 4
    assert shapes.contexts[2].own.out_channels == 32 // 8


@pytest.mark.parametrize(
    ("height", "width", "named"), [(30, 32, "height 30"), (32, 34, "width 34")]
)
def test_a_side_that_is_not_a_multiple_of_4_is_refused_by_name(
    make_generator: Callable[..., Generator], height: int, width: int, named: str
) -> None:
    with pytest.raises(ConfigError, match=named):
        make_generator()(torch.zeros(1, 3, height, width))


def test_oblong_pictures_are_fine(make_generator: Callable[..., Generator]) -> None:
    with torch.no_grad():
        assert make_generator()(torch.zeros(1, 3, 24, 36))[0].shape == (1, 3, 24, 36)


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"base_channels": 5}, "base_channels is 5"),
        ({"num_residual_blocks": 0}, "num_residual_blocks is 0"),
        ({"dilations": (1, 0, 4)}, "dilations"),
        ({"growth_divisor": 0}, "growth_divisor is 0"),
        ({"branch_divisor": 64}, "branch_divisor is 64"),
        ({"fold": 3}, "fold is 3"),
        ({"output": "clip"}, "output is 'clip'"),
        ({"ablation": "all"}, "ablation is 'all'"),
    ],
)
def test_a_wrong_setting_is_named(values: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        GeneratorConfig(**values)  # type: ignore[arg-type]


def test_eff_is_the_papers_formula() -> None:
    torch.manual_seed(0)
    eff = EncoderFeatureFusion(4, 8, GeneratorConfig(base_channels=4))
    image, above = torch.randn(1, 3, 8, 8), torch.randn(1, 4, 16, 16)
    e, d = functional.relu(eff.down(above)), eff.dense(image)
    torch.testing.assert_close(eff(image, above), e + eff.merge(e * d))


def apply(features: Tensor, layer: nn.Conv2d, dilation: int = 1) -> Tensor:
    """Convolve with a layer's weights, at the features' own size."""
    reach = dilation * (layer.weight.shape[-1] // 2)
    return functional.conv2d(features, layer.weight, layer.bias, padding=reach, dilation=dilation)


def enlarge(features: Tensor, factor: int) -> Tensor:
    size = [side * factor for side in features.shape[-2:]]
    return functional.interpolate(features, size=size, mode="bilinear", align_corners=False)


def test_csasp_is_the_papers_formula() -> None:
    torch.manual_seed(0)
    csasp = CrossStageAtrousSpatialPyramid(1, GeneratorConfig(base_channels=4, dilations=(1, 2, 3)))
    e_1, e_2, e_3 = (torch.randn(2, 4 * 2**j, 24 // 2**j, 16 // 2**j) for j in range(3))
    fine, middle, coarse = (
        apply(features, layer, rate).clamp(min=0)
        for features, layer, rate in zip((e_1, e_2, e_3), csasp.dilated, (1, 2, 3), strict=True)
    )
    own = apply(e_2, csasp.own).clamp(min=0)
    joined = torch.cat([functional.avg_pool2d(fine, 2), middle, enlarge(coarse, 2), own], dim=1)
    means = joined.mean(dim=(2, 3), keepdim=True)
    hidden = apply(means, csasp.attention.squeeze).clamp(min=0)
    weights = 1 / (1 + torch.exp(-apply(hidden, csasp.attention.excite)))
    expected = apply(joined * weights, csasp.project)
    assert expected.shape == e_2.shape
    torch.testing.assert_close(csasp([e_1, e_2, e_3]), expected)


def test_dff_is_the_papers_formula() -> None:
    torch.manual_seed(0)
    dff = DecoderFeatureFusion(4, 8)
    fused, below = torch.randn(1, 4, 16, 16), torch.randn(1, 8, 8, 8)
    u = enlarge(apply(below, dff.up).clamp(min=0), 2)
    torch.testing.assert_close(dff(fused, below), fused + apply(u * fused, dff.merge))


def test_without_dff_the_coarser_decoder_is_added() -> None:
    torch.manual_seed(0)
    total = DecoderFeatureSum(4, 8)
    fused, below = torch.randn(1, 4, 16, 16), torch.randn(1, 8, 8, 8)
    torch.testing.assert_close(total(fused, below), fused + enlarge(apply(below, total.up), 2))


def test_mssa_is_the_papers_formula() -> None:
    torch.manual_seed(0)
    mssa = MultiscaleSupervisedAttention(GeneratorConfig(base_channels=4), nn.Tanh())
    decoded = torch.randn(1, 4, 16, 16)
    outputs = [torch.randn(1, 3, 16 // 2**stage, 16 // 2**stage) for stage in range(3)]
    full_size = torch.cat([resize(output, stage) for stage, output in enumerate(outputs)], 1)
    masks = mssa.mask(full_size).softmax(1)
    expected = torch.tanh(mssa.rgb(decoded * masks + decoded))
    torch.testing.assert_close(mssa(decoded, outputs), expected)


@pytest.mark.parametrize(("ablation", "side"), [*((row, 2) for row in ABLATIONS), ("full", 4)])
def test_a_folded_generator_is_the_same_network_on_squares_of_pixels(
    ablation: Ablation, side: int
) -> None:
    torch.manual_seed(0)
    config = GeneratorConfig(base_channels=4, num_residual_blocks=1, ablation=ablation, fold=side)
    folded, image = Generator(config), torch.randn(1, 3, 32, 48)
    images = [
        functional.pixel_unshuffle(resize(image, -stage), side)
        for stage in range(config.num_stages)
    ]
    decoded = folded.decode([context(folded.encode(images)) for context in folded.contexts])
    outputs = [rgb(features) for rgb, features in zip(folded.to_rgb, decoded, strict=True)]
    expected = [folded.output(decoded[0], outputs), *outputs[1:]]
    assert [tuple(output.shape) for output in expected] == [
        (1, 3 * side**2, 32 // side >> stage, 48 // side >> stage)
        for stage in range(config.num_stages)
    ]
    for output, squares in zip(folded(image), expected, strict=True):
        torch.testing.assert_close(output, functional.pixel_shuffle(squares, side))


def test_a_folded_generator_refuses_a_side_that_is_no_multiple_of_8() -> None:
    generator = Generator(GeneratorConfig(base_channels=4, num_residual_blocks=1, fold=2))
    with pytest.raises(ConfigError, match="height 36 is not a multiple of 8: try 32"):
        generator(torch.zeros(1, 3, 36, 48))


@pytest.fixture(scope="module")
def deviations() -> dict[str, float]:
    """Standard deviations of a picture and of what each module makes of it, before training."""
    found: dict[str, list[float]] = {}
    for seed in range(3):
        torch.manual_seed(seed)
        generator = Generator(GeneratorConfig(base_channels=16))
        set_initial_weights(generator, "scaled")
        for name, module in generator.named_modules():
            module.register_forward_hook(
                lambda module, inputs, output, name=name: found.setdefault(name, []).append(
                    output[0].std().item()
                )
            )
        image = enlarge(torch.rand(1, 3, 16, 16) * 2 - 1, 4)
        found.setdefault("image", []).append(image.std().item())
        with torch.no_grad():
            generator(image)
    return {name: sum(values) / len(values) for name, values in found.items()}


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("encoders.0", "image"),
        ("encoder_fusions.0", "encoders.0"),
        ("encoder_fusions.0.dense", "image"),
        ("encoders.1", "encoder_fusions.0"),
        ("encoder_fusions.1", "encoders.1"),
        ("encoders.2", "encoder_fusions.1"),
        ("contexts.0", "encoders.0"),
        ("contexts.1", "encoders.1"),
        ("contexts.2", "encoders.2"),
        ("decoders.2", "contexts.2"),
        ("decoder_fusions.1", "contexts.1"),
        ("decoders.1", "decoder_fusions.1"),
        ("decoder_fusions.0", "contexts.0"),
        ("decoders.0", "decoder_fusions.0"),
        ("to_rgb.0", "decoders.0"),
        ("output", "decoders.0"),
    ],
)
def test_an_untrained_module_keeps_the_standard_deviation(
    deviations: dict[str, float], module: str, source: str
) -> None:
    assert 0.75 < deviations[module] / deviations[source] < 1.33


@pytest.mark.parametrize("ablation", ABLATIONS)
def test_no_row_of_the_ablation_begins_weak_or_strong(ablation: Ablation) -> None:
    torch.manual_seed(0)
    generator = Generator(GeneratorConfig(base_channels=16, ablation=ablation))
    set_initial_weights(generator, "scaled")
    image = enlarge(torch.rand(1, 3, 16, 16) * 2 - 1, 4)
    with torch.no_grad():
        ratios = [output.std() / image.std() for output in generator(image)]
    assert all(0.5 < ratio < 2 for ratio in ratios), ratios


def test_the_papers_initial_weights() -> None:
    generator = Generator(GeneratorConfig(base_channels=8))
    set_initial_weights(generator, "paper")
    weights = torch.cat(
        [p.flatten() for n, p in generator.named_parameters() if n.endswith("weight")]
    )
    assert weights.std().item() == pytest.approx(0.02, rel=0.01)
    assert not any(p.any() for n, p in generator.named_parameters() if n.endswith("bias"))


def test_tanh_keeps_every_scale_in_range() -> None:
    generator = Generator(GeneratorConfig(base_channels=4, output="tanh"))
    linear = Generator(GeneratorConfig(base_channels=4))
    linear.load_state_dict(generator.state_dict())
    picture = torch.randn(1, 3, 32, 32) * 50
    with torch.no_grad():
        assert all(output.abs().max() <= 1 for output in generator(picture))
        torch.testing.assert_close(generator(picture)[1], linear(picture)[1].tanh())


def test_white_is_no_dead_end(make_generator: Callable[..., Generator]) -> None:
    """A network that has overshot white still receives a gradient from pixels to be black."""
    generator = make_generator()
    with torch.no_grad():
        generator.output.rgb.bias.fill_(20.0)
    output = generator(torch.zeros(1, 3, 32, 32))[0]
    (output + 1.0).abs().mean().backward()
    gradient = generator.output.rgb.bias.grad
    assert gradient is not None
    assert gradient.tolist() == pytest.approx([1 / 3] * 3)
