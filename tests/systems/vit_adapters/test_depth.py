"""Depth in metres, inverse and as a logarithm: back and forth, capped, and learned."""

from dataclasses import replace

import pytest
import torch
from toy_vit_adapters import batch_of, system_of

from motet.core import ConfigError
from motet.systems.vit_adapters import Adaptation, DepthOutput
from motet.systems.vit_adapters.depth import depth_target, from_metres, to_metres


@pytest.mark.parametrize("unit", ["metre", "inverse", "log"])
def test_metres_come_back(unit) -> None:
    depth_m = torch.tensor([0.5, 3.0, 79.0])
    for options in (DepthOutput(unit), DepthOutput(unit, middle_m=6.0)):
        torch.testing.assert_close(to_metres(from_metres(depth_m, options), options), depth_m)
    begin = to_metres(torch.zeros(1), DepthOutput(unit, middle_m=6.0))
    assert float(begin) == pytest.approx(6.0)


@pytest.mark.parametrize("unit", ["metre", "inverse", "log"])
def test_no_prediction_is_beyond_the_cap_or_infinite(unit) -> None:
    scores = torch.tensor([-1e4, -1.0, 0.0, 1e-9, 1.0, 200.0, 1e4])
    capped, free = (to_metres(scores, DepthOutput(unit, cap_m=cap)) for cap in (80.0, None))
    assert float(capped.max()) == pytest.approx(80.0)
    assert bool(free.isfinite().all())
    assert bool((free >= 0).all())


def test_a_far_pixel_has_no_target_with_a_cap_and_unknown_ones_stay_unknown() -> None:
    value = {"map": torch.tensor([[[[60.0, 6e4, float("nan")]]]]), "valid": torch.tensor([[[True, True, False]]])}
    assert depth_target(value, DepthOutput())["valid"].tolist() == [[[True, True, False]]]
    found = depth_target(value, DepthOutput("log", cap_m=80.0))
    assert found["valid"].tolist() == [[[True, False, False]]]
    assert float(found["map"][0, 0, 0, 0]) == pytest.approx(4.0943, abs=1e-3)


@pytest.mark.parametrize("unit", ["metre", "inverse", "log"])
def test_a_system_learns_depth_in_its_unit_and_predicts_metres(unit) -> None:
    """The head's bias-free output cannot be constant, so a few steps on one batch have to bring it nearer in metres."""
    system = system_of("depth", depth=DepthOutput(unit, cap_m=80.0))
    batch = batch_of(system, 2)
    optimizer = torch.optim.Adam((p for p in system.parameters() if p.requires_grad), lr=1e-2)

    def error() -> float:
        known = replace(batch_of(system, 2, keep_annotations=True))
        maps = [torch.from_numpy(one.values) for one in system.predict(known)["depth"]]
        return sum(float((one - 3.0).abs().mean()) for one in maps)  # annotations are from 1 to 5 m

    before = error()
    for _ in range(40):
        optimizer.zero_grad()
        system.losses(batch).tasks["depth"].total.backward()
        optimizer.step()
    assert error() < 0.5 * before


def test_values_that_cannot_be_are_refused() -> None:
    with pytest.raises(ConfigError, match="want 'metre', 'inverse' or 'log'"):
        DepthOutput("disparity")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"cap_m: got 0\.05"):
        DepthOutput(cap_m=0.05)


def test_discriminators_read_metres_whatever_the_head_predicts() -> None:
    adapting = {"adapt": Adaptation(depth_range_m=(0.0, 8.0), width=4, layers=2)}
    system = system_of("depth", "segment", depth=DepthOutput("log", middle_m=4.0), **adapting)
    scores = {"depth": torch.zeros(1, 1, 4, 4), "segment": torch.zeros(1, 3, 4, 4)}
    read = system._in_metres(scores)
    torch.testing.assert_close(read["depth"], torch.full((1, 1, 4, 4), 4.0))
    assert read["segment"] is scores["segment"]
