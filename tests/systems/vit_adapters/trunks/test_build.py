"""Trunks by their names in timm: families, sizes, and names that are refused."""

import pytest
from toy_vit_adapters import TRUNKS

from motet.core import ConfigError, UnsupportedTask
from motet.systems.vit_adapters import TimmTrunk
from motet.systems.vit_adapters.trunks import build_trunk
from motet.systems.vit_adapters.trunks.focal import Focal
from motet.systems.vit_adapters.trunks.pvt import Pvt
from motet.systems.vit_adapters.trunks.swin import Swin
from motet.systems.vit_adapters.trunks.vit import Vit


@pytest.mark.parametrize(
    ("name", "family"),
    [("swinv2", Swin), ("swin", Swin), ("vit", Vit), ("pvt", Pvt), ("pvt_linear", Pvt), ("focalnet", Focal)],
)
def test_every_family_has_four_stages_of_its_own_width(name: str, family: type) -> None:
    trunk = build_trunk(TRUNKS[name], pretrained=False)
    assert type(trunk) is family
    assert len(trunk.stages) == len(trunk.levels) == 4
    size = TRUNKS[name].size
    assert trunk.pixels.size_hw == (size, size)
    rows = [level.grid_hw[0] for level in trunk.levels]
    assert rows == sorted(rows, reverse=True)


def test_a_trunk_of_an_unknown_family_is_refused_with_the_known_ones() -> None:
    for name in ("resnet18", "convnext_atto"):
        with pytest.raises(UnsupportedTask, match=r"looked for the stages and blocks of a Swin.*: got a .*; want"):
            build_trunk(TimmTrunk(name, 32, False), pretrained=False)
    with pytest.raises(ConfigError, match="did you mean 'swinv2_tiny_window8_256'"):
        build_trunk(TimmTrunk("swinv2_tiny_window8_265", 32, False), pretrained=False)
    with pytest.raises(ConfigError, match="want a model that timm can build"):
        build_trunk(TimmTrunk("swinv2_tiny_window8_256", 32, False, {"no_such_argument": 1}), pretrained=False)
