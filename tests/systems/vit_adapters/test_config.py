"""The configuration as a whole: the paper's defaults, options that do not fit each other, some of the tasks."""

import pytest

from motet.core import ConfigError
from motet.nn.feature_maps import BundledLite0Map
from motet.nn.tower import Finetune, Frozen
from motet.systems.vit_adapters import (
    Adaptation,
    DepthOutput,
    FixedAffinities,
    Passing,
    TimmTrunk,
    Troa,
    ViTAdaptersConfig,
)


def test_the_defaults_are_the_papers_or_where_it_is_silent_the_codes() -> None:
    config = ViTAdaptersConfig()
    assert config.trunk == TimmTrunk("swinv2_base_window12_192.ms_in22k")  # section 3.1: Swin-B V2, ImageNet-22K
    assert config.mode == Frozen()
    assert config.adapters is not None
    assert (config.adapters.condition_width, config.adapters.window) == (343, 7)  # 7 x 49, the code's
    assert config.adapters.bottleneck == Passing(reduction=3, activation="gelu", everywhere=False)
    assert config.affinities == Troa(kappa=1.0, sign=1)
    assert (config.unfrozen, config.adapt) == ((), None)


def test_affinities_that_never_change_need_no_adapters_and_unfrozen_parts_a_frozen_trunk() -> None:
    assert ViTAdaptersConfig(adapters=None, affinities=FixedAffinities(), mode=Finetune(1.0)).adapters is None
    assert ViTAdaptersConfig(unfrozen=("patch embedding", "adapted blocks")).mode == Frozen()
    with pytest.raises(ConfigError, match="affinities: got Troa without adapters; want FixedAffinities"):
        ViTAdaptersConfig(adapters=None)
    with pytest.raises(ConfigError, match=r"unfrozen: got \['decoder', 'head'\]; want only 'patch embedding'"):
        ViTAdaptersConfig(unfrozen=("head", "patch embedding", "decoder"))
    with pytest.raises(ConfigError, match="trained as a whole; want an empty tuple, or mode=Frozen"):
        ViTAdaptersConfig(unfrozen=("adapted blocks",), mode=Finetune(0.1))


def test_a_model_of_some_tasks_adapts_those_it_has_and_none_if_it_has_none() -> None:
    both = ViTAdaptersConfig(adapt=Adaptation(tasks=("segment", "depth")))
    one = both.restrict(["depth", "normals"], [])
    assert one.adapt == Adaptation(tasks=("depth",))
    # An empty list of names means every dense task, which nobody asked for.
    assert both.restrict(["normals"], []).adapt is None
    every = ViTAdaptersConfig(adapt=Adaptation())
    assert every.restrict(["normals"], []) is every
    assert one.trunk == both.trunk


def test_linear_maps_predict_metres() -> None:
    with pytest.raises(ConfigError, match="with linear maps, whose probe predicts metres; want DepthOutput"):
        ViTAdaptersConfig(linear=BundledLite0Map(), depth=DepthOutput("log"))
