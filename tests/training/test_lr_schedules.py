import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, OneCycleLR, PolynomialLR, SequentialLR

from motet.core import ConfigError
from motet.training.lr_schedules import Constant, Cosine, LinearDecay, OneCycle, Polynomial, Rsqrt

SHAPES = [
    Cosine(),
    OneCycle(),
    LinearDecay(),
    Rsqrt(),
    Constant(),
    Constant(warmup=1),
    Cosine(warmup=0.5, cooldown=0.5),
]


@pytest.mark.parametrize("shape", SHAPES, ids=repr)
@pytest.mark.parametrize("steps", [1, 2, 3, 10, 100])
def test_rates_stay_between_0_and_1(shape, steps):
    assert all(0 <= shape.factor(step, steps) <= 1 for step in range(steps + 1))


def test_a_warm_up_starts_at_0_and_reaches_1():
    assert [Constant(warmup=4).factor(step, 10) for step in (0, 1, 2, 4, 9)] == [0, 0.25, 0.5, 1, 1]


def test_a_share_counts_steps_of_the_run():
    assert Cosine(warmup=0.1).factor(5, 100) == Cosine(warmup=10).factor(5, 100)


def test_a_cool_down_ends_at_0():
    assert [Constant(cooldown=4).factor(step, 8) for step in (4, 6, 8)] == [1, 0.5, 0]


def test_a_warm_up_longer_than_the_run_is_refused():
    with pytest.raises(ConfigError, match=r"a warm-up of 10 .* in a run of 5"):
        Cosine(warmup=10).factor(0, 5)


@pytest.mark.parametrize("bad", [-1, 1.0, -0.1, 2.5])
def test_a_warm_up_that_is_neither_steps_nor_a_share_is_refused(bad):
    with pytest.raises(ConfigError, match="warmup: got"):
        Cosine(warmup=bad)


def test_a_time_scale_of_0_is_refused():
    with pytest.raises(ConfigError, match="timescale: got 0"):
        Rsqrt(timescale=0)


def rates_of_torch(schedule_of, steps: int, warmup: int = 0) -> list[float]:
    """The rates that PyTorch's own scheduler gives for a peak of 1, after a warm-up from 0."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule: LRScheduler = schedule_of(optimizer, steps - warmup)
    if warmup:
        rising = LinearLR(optimizer, start_factor=1e-12, total_iters=warmup)
        schedule = SequentialLR(optimizer, [rising, schedule], milestones=[warmup])
    rates = []
    for _ in range(steps + 1):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return rates


@pytest.mark.filterwarnings("ignore:The epoch parameter")
@pytest.mark.parametrize("warmup", [0, 7])
@pytest.mark.parametrize(
    ("shape", "theirs"),
    [
        (Cosine, lambda optimizer, steps: CosineAnnealingLR(optimizer, steps)),
        (LinearDecay, lambda optimizer, steps: PolynomialLR(optimizer, steps, power=1.0)),
        (Polynomial, lambda optimizer, steps: PolynomialLR(optimizer, steps, power=0.9)),
    ],
)
def test_a_shape_is_that_of_pytorch_of_its_name(shape, theirs, warmup):
    ours = [shape(warmup=warmup).factor(step, 40) for step in range(41)]
    assert ours == pytest.approx(rates_of_torch(theirs, 40, warmup), abs=1e-6)


def test_linear_decay_ends_where_it_is_told():
    shape = LinearDecay(warmup=10, end=0.2)
    assert [shape.factor(step, 110) for step in (10, 60, 110)] == pytest.approx([1.0, 0.6, 0.2])


def test_a_cosine_stays_at_its_least_factor_and_meets_it_before_the_end():
    shape = Cosine(warmup=0, min_factor=0.25)
    assert shape.factor(60, 100) == pytest.approx((1 + math.cos(0.6 * math.pi)) / 2)
    # It is a bound, not a floor that the curve is lifted to: (1 + cos x) / 2 = 1/4 at x = 2 pi / 3.
    assert [shape.factor(step, 99) for step in (66, 80, 99)] == pytest.approx([0.25] * 3)
    assert shape.factor(65, 99) > 0.25


def test_a_root_decays_from_the_end_of_its_warm_up_whatever_the_length_of_the_run():
    shape = Rsqrt(warmup=10, timescale=30)
    assert [shape.factor(step, 1000) for step in (10, 100, 250)] == pytest.approx([1.0, 0.5, 1 / 3])
    assert shape.factor(100, 200) == shape.factor(100, 10_000)


def test_a_power_must_be_positive_and_its_end_is_zero():
    with pytest.raises(ConfigError, match=r"Polynomial\.power: got 0; want a positive number"):
        Polynomial(power=0)
    assert Polynomial(warmup=0, power=2).factor(5, 10) == pytest.approx(0.25)
    assert Polynomial(warmup=0).factor(10, 10) == 0


@settings(max_examples=50, deadline=None)
@given(
    shape=st.sampled_from([Cosine, LinearDecay, Polynomial, Rsqrt, Constant]),
    steps=st.integers(1, 500),
    warmup=st.floats(0, 0.5),
    cooldown=st.floats(0, 0.4),
)
def test_after_the_warm_up_no_rate_rises_and_during_it_none_falls_by_itself(shape, steps, warmup, cooldown):
    made = shape(warmup=warmup, cooldown=cooldown)
    rates = [made.factor(step, steps) for step in range(steps + 1)]
    start = math.floor(warmup * steps + 1e-9)
    assert all(0 <= rate <= 1 for rate in rates)
    assert all(later <= sooner + 1e-12 for sooner, later in zip(rates[start:], rates[start + 1 :], strict=False))
    rising = [Constant(warmup=warmup).factor(step, steps) for step in range(start + 1)]
    assert rising == sorted(rising)
    assert rates[start] == pytest.approx(1.0)


def test_shares_are_rounded_down_so_that_two_halves_fit():
    assert Cosine(warmup=0.5, cooldown=0.5).factor(1, 3) == pytest.approx(1.0)
    # 0.29 * 100 is 28.999999999999996 in floating point.
    assert Constant(warmup=0.29).factor(29, 100) == 1.0
    assert Constant(warmup=0.29).factor(28, 100) == pytest.approx(28 / 29)


@pytest.mark.parametrize("warmup", [0.1, 0.3, 0.77])
def test_one_cycle_is_pytorchs(warmup):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    theirs = OneCycleLR(optimizer, max_lr=1.0, total_steps=40, pct_start=warmup, cycle_momentum=False)
    for step in range(40):
        assert OneCycle(warmup=warmup).factor(step, 40) == pytest.approx(optimizer.param_groups[0]["lr"], abs=1e-7)
        optimizer.step()
        if step < 39:
            theirs.step()
    for wrong in ({"warmup": 0.0}, {"warmup": 1.0}, {"start": 0.5}, {"end": 0}):
        with pytest.raises(ConfigError, match="OneCycle"):
            OneCycle(**wrong)
