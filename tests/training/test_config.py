import pytest

from pmsgan.errors import ConfigError
from pmsgan.training.config import TrainingConfig


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"size": 98}, "size is 98, which is not a multiple of 4: try 96"),
        ({"size": 92}, "size is 92"),
        ({"crop": 64}, "crop is 64"),
        ({"crop": 300}, "crop is 300: it must not exceed 256, unless load_size is larger"),
        ({"load_size": 200}, "size is 256: without a crop it must not exceed load_size, 200"),
        ({"epochs": -1}, "epochs is -1"),
        ({"schedule": "linear"}, "schedule is 'linear'"),
        ({"learning_rate": -1.0}, "learning_rate is -1.0"),
        ({"ema_decay": 1.0}, "ema_decay is 1.0"),
        ({"hard_pixels": 1.5, "perceptual": "l1"}, "hard_pixels is 1.5"),
        ({"hard_pixels": 0.1}, "hard_pixels is 0.1: it needs --perceptual l1"),
        ({"devices": 0}, "devices is 0"),
        ({"num_nodes": 0}, "num_nodes is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"perceptual": "l2"}, "perceptual is 'l2'"),
        ({"initial_weights": "zero"}, "initial_weights is 'zero'"),
        ({"precision": "fp8"}, "precision is 'fp8'"),
    ],
)
def test_a_wrong_setting_is_named(values: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        TrainingConfig(**values)  # type: ignore[arg-type]


def test_epochs_are_passes_over_the_pairs_by_all_devices() -> None:
    config = TrainingConfig(epochs=3, batch_size=2, devices=2)
    assert config.for_pairs(10).steps == 8
    assert TrainingConfig(steps=7).for_pairs(10).steps == 7


def test_pictures_are_loaded_larger_than_the_crop() -> None:
    config = TrainingConfig(load_size=286)
    assert (config.load_side, config.crop_side) == (286, 256)
    config = TrainingConfig(size=256, load_size=512, crop=384)
    assert (config.load_side, config.crop_side) == (512, 384)
