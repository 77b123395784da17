import pytest

from pmsgan.errors import ConfigError
from pmsgan.styles.scaling import Scaling, scaling_from


def test_a_style_that_says_nothing_is_enlarged_plainly_from_its_own_size() -> None:
    assert scaling_from({}, (64, 48)) == Scaling(mode="plain", working_size=64)
    assert scaling_from({"mode": "guided"}, (64, 48)).working_size == 64


def test_tiles_take_any_working_size() -> None:
    assert scaling_from({"mode": "tiles"}, (64, 64)).working_size == 0
    assert scaling_from({"mode": "tiles", "working_size": 900}, (64, 64)).working_size == 900


@pytest.mark.parametrize(
    ("table", "view"),
    [
        ({"mode": "guided"}, (48, 64)),
        ({"mode": "tiles"}, (768, 768)),
        ({"mode": "tiles", "working_size": 1000}, (768, 768)),
        ({"mode": "tiles", "working_size": 150}, (152, 152)),
        ({"mode": "tiles", "working_size": 50}, (56, 64)),
        ({"mode": "tiles", "tile_size": 96}, (96, 96)),
    ],
)
def test_the_network_sees_one_tile_at_once(table: dict[str, object], view: tuple[int, int]) -> None:
    assert scaling_from(table, (48, 64)).view((48, 64), 8) == view


def test_small_pictures_are_not_enlarged_to_the_working_size() -> None:
    scaling = scaling_from({"mode": "tiles", "working_size": 768}, (256, 192))
    assert [scaling.long_side(own) for own in (64, 256, 500, 4000)] == [256, 256, 500, 768]


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"mode": "magic"}, "scaling mode is 'magic'"),
        ({"mode": "guided", "radius": 0}, "radius is 0"),
        ({"mode": "guided", "epsilon": 0.0}, "epsilon is 0.0"),
        ({"mode": "guided", "epsilon": float("nan")}, "epsilon is nan"),
        ({"mode": "tiles", "working_size": -1}, "working_size is -1"),
        ({"mode": "guided", "working_size": 128}, "working_size is 128: without tiles"),
        ({"mode": "tiles", "min_size": -1}, "min_size is -1"),
        ({"mode": "tiles", "tile_size": 0}, "tile_size is 0"),
        ({"size": 3}, r"unknown setting 'size' under \[scaling\]"),
    ],
)
def test_what_cannot_be_is_refused(table: dict[str, object], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        scaling_from(table, (64, 64))
