"""Bad options are one line that names the option, the value found and the value wanted."""

import pytest

from motet.core import ConfigError
from motet.systems.vit_adapters import Adapters, FixedAffinities, Passing, SwinUnet, Troa


@pytest.mark.parametrize(
    ("build", "changes", "message"),
    [
        (Passing, {"reduction": 0}, "Passing.reduction: got 0; want at least 1"),
        (Passing, {"activation": "relu"}, "Passing.activation: got 'relu'; want 'gelu' or None"),
        (Adapters, {"attention": "row"}, "Adapters.attention: got 'row'; want 'block', 'full' or None"),
        (Adapters, {"norm": "bias"}, "Adapters.norm: got 'bias'; want 'weight', 'weight and bias' or None"),
        (Adapters, {"condition_width": 0}, "Adapters.condition_width: got 0; want at least 1"),
        (Adapters, {"window": 0}, "Adapters.window: got 0; want at least 1"),
        (Adapters, {"own_reduction": -1}, "Adapters.own_reduction: got -1; want at least 1"),
        (Adapters, {"lr_scale": float("nan")}, "Adapters.lr_scale: got nan; want a positive number"),
        (
            Adapters,
            {"attention": None, "norm": None, "bottleneck": None},
            "got no attention, no norm and no bottleneck",
        ),
        (Troa, {"every": 0}, "Troa.every: got 0; want at least 1"),
        (Troa, {"sign": 0}, "Troa.sign: got 0; want 1 or -1"),
        (Troa, {"kappa": 0.0}, r"Troa.kappa: got 0\.0; want above 0"),
        (Troa, {"gradients": "all"}, "Troa.gradients: got 'all'; want 'parameters' or 'activations'"),
        (FixedAffinities, {"start": "zero"}, "FixedAffinities.start: got 'zero'; want 'one-hot' or 'uniform'"),
        (SwinUnet, {"width": 0}, "SwinUnet.width: got 0; want at least 1"),
        (SwinUnet, {"depths": (2, 2, 2)}, r"SwinUnet.depths: got \(2, 2, 2\); want four numbers"),
        (SwinUnet, {"depths": (2, 2, 2, -1)}, "SwinUnet.depths: got .*; want four numbers of blocks"),
        (SwinUnet, {"heads": (1, 1, 1, 0)}, "SwinUnet.heads: got .*; want four numbers of heads"),
        (SwinUnet, {"window": 0}, "SwinUnet.window: got 0; want at least 1"),
        (SwinUnet, {"dropout": 1.0}, r"SwinUnet.dropout: got 1\.0; want from 0 to below 1"),
    ],
)
def test_a_bad_option_is_named(build, changes, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(**changes)


def test_one_part_of_an_adapter_is_enough() -> None:
    none = {"attention": None, "norm": None, "bottleneck": None}
    for part in ({"attention": "full"}, {"norm": "weight"}, {"bottleneck": Passing()}):
        assert Adapters(**{**none, **part})
