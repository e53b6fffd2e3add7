"""Every kind of target has a default loss or a reason."""

import pytest
import torch

from motet.core import Boxes, ConfigError, Dense, Masked, Match, Region, Text
from motet.losses import default_for, dense_cross_entropy, dense_l1, rotate_loss
from motet.losses.default import DENSE


@pytest.mark.parametrize(
    ("unit", "loss"),
    [("class", dense_cross_entropy), ("metre", rotate_loss), ("unit vector", dense_l1), ("probability", dense_l1)],
)
def test_maps_have_a_loss_by_unit(unit, loss) -> None:
    assert default_for(Dense(3, unit)) is loss
    assert unit in DENSE


@pytest.mark.parametrize("spec", [Text(3), Match("texts"), Masked("regions")])
def test_a_loss_in_the_systems_own_space_is_refused_by_name(spec) -> None:
    with pytest.raises(ConfigError, match=f"got a {type(spec).__name__}, whose loss is in the system's own output"):
        default_for(spec)


@pytest.mark.parametrize("spec", [Boxes(("a",)), Region()])
def test_a_target_without_a_standard_loss_is_refused_by_name(spec) -> None:
    with pytest.raises(ConfigError, match=f"got a {type(spec).__name__}, which has no standard loss"):
        default_for(spec)


def test_the_loss_of_a_perfect_map_is_0() -> None:
    target = {"map": torch.rand(2, 1, 5, 5), "valid": torch.ones(2, 5, 5, dtype=torch.bool)}
    assert float(default_for(Dense(1, "probability"))(target["map"], target).total) == 0.0
