import pytest

from pmsgan.errors import ConfigError
from pmsgan.training.config import TrainingConfig


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"steps": 0}, "steps is 0"),
        ({"size": 98}, "height 98"),
        ({"size": 92}, "size is 92"),
        ({"crop": 64}, "crop is 64"),
        ({"crop": 300}, "must not exceed size"),
        ({"schedule": "linear"}, "schedule is 'linear'"),
        ({"learning_rate": -1.0}, "learning_rate is -1.0"),
        ({"ema_decay": 1.0}, "ema_decay is 1.0"),
        ({"hard_pixels": 1.5, "perceptual": "l1"}, "hard_pixels is 1.5"),
        ({"hard_pixels": 0.1}, "hard_pixels needs perceptual l1"),
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
